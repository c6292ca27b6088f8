// Watching: the events of a path, one after another, over whatever connections it takes.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <stop_token>
#include <string>

#include "base/env/clock.h"
#include "base/result.h"
#include "codec/rpc.h"

namespace nokv {
class Client;
}

namespace nokv::client {

class Core;
struct WatchOptions;

// 0 stands for all kinds but moments.
uint32_t event_kinds(std::initializer_list<codec::EventKind> kinds);

// Gives each event that the watch hears once, in the order of their versions. What was lost on the
// way is asked for again from the last cursor: a connection, a server that was restarted, a program
// that kept cursor() and begins again with it. An event that was given is done with; who wants to
// be sure that it took effect keeps cursor() after that. Home: one thread; the client outlives it.
class Watcher {
 public:
  // The next event; none when there was none for `wait`. Blocks. An error changes nothing: the next
  // call goes on from the same place. Errors: cursor_too_old (the events after the cursor are gone;
  // oldest() is how far back one can go), unavailable (nobody answered in time), cancelled,
  // those of the namespace.
  Result<std::optional<codec::WatchEvent>> next(Duration wait);

  // Whether the next event is here already.
  bool at_hand() const { return at_ < page_.events.size(); }

  // Behind the last event that was given. One word.
  std::string cursor() const;
  // From where one could begin, as the server told last; empty before.
  const std::string& oldest() const { return page_.oldest; }
  // The newest version, as the server told last.
  uint64_t version() const { return page_.version; }

 private:
  friend class nokv::Client;
  Watcher(Core& core, const WatchOptions& options);

  Result<> begin();
  Result<> next_page(Duration wait);

  Core& core_;
  codec::WatchRequest request_;  // `since` is where page_ began
  std::optional<Duration> deadline_;
  std::stop_token stop_;
  codec::WatchReply page_;
  size_t at_ = 0;  // of page_.events, the next one to give
};

}  // namespace nokv::client
