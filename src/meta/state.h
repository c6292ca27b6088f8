// One readable state of the namespace.
#pragma once

#include <cstdint>
#include <memory>

#include "codec/record.h"
#include "engine/engine.h"
#include "meta/at.h"
#include "meta/pins.h"
#include "meta/view.h"

namespace nokv::meta {

// Immutable once published, so any thread may read it for as long as it holds it.
struct State {
  std::shared_ptr<const engine::Snapshot> snapshot;
  codec::StateRecord record;  // version 0: an empty directory, waiting for init
  std::shared_ptr<const PinTable> pins;
  FlatClones flat;
  RecordCache* cache = nullptr;

  bool initialised() const { return record.version != 0; }
  View view() const { return View(snapshot, record.version, cache, nullptr, flat); }
};

}  // namespace nokv::meta
