// How a client's requests reach a namespace: over RPC, or into one opened in this process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/env/clock.h"
#include "base/result.h"
#include "codec/rpc.h"

namespace nokv::client {

// Thread-safe; nothing blocks.
class Transport {
 public:
  using Done = std::move_only_function<void(Result<std::string>)>;

  // Calls that have not ended by then end with `cancelled`; afterwards no `done` is called.
  virtual ~Transport() = default;

  // Sends one request and calls `done` once with the reply's body, from any thread, possibly before
  // it returns. Nothing is repeated: a lost connection is `unavailable`, and `maybe_done` when the
  // request may have arrived. Errors: those of the method; unavailable, cancelled (timeout),
  // overloaded.
  virtual void call(codec::Method method, std::string body, Duration timeout, Done done) = 0;

  // Grows whenever a new connection takes the place of one that was lost; a peer that cannot be
  // lost keeps 0. A request sent after a change may reach a server that was restarted in between.
  virtual uint64_t connection() const { return 0; }

  // The peer runs on this machine (in this process, or reached by a unix socket or loopback), so a
  // directory that it names may be the one of that name here.
  virtual bool same_machine() const { return false; }

  // The peer, for messages: "nokv://127.0.0.1:7777".
  virtual std::string peer() const = 0;
};

}  // namespace nokv::client
