// The figures of a shard that a person or a monitor asks for: /stats, /metrics, Method::stats.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shard/background.h"

namespace nokv::shard {

struct Figure {
  const char* name;  // nokv_<module>_<what>[_<unit>]
  const char* help;
  uint64_t value;
};

// Each is read on its own. Cheap: rows are counted up to kRowsMax; those of space are what was
// measured last (the version says when), and are absent before. Blocks on the engine's files.
constexpr uint64_t kRowsMax = 10'000;
std::vector<Figure> figures(const Background& background, const object::ObjectStore& store);

// One JSON object; the names without "nokv_". Fields are added and never change their meaning.
std::string figures_json(const Background& background, const object::ObjectStore& store);

}  // namespace nokv::shard
