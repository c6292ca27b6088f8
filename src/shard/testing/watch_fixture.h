// A namespace whose watches a test asks by hand.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "codec/event_cursor.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard {

using codec::EventCursor;
using codec::WatchEvent;
using codec::WatchReply;
using codec::WatchRequest;

constexpr int64_t kSecond = 1'000'000'000;

class WatchTest : public testing::Test {
 protected:
  void SetUp() override { begin(SimNamespace::quiet_background()); }

  void begin(const BackgroundOptions& options, uint64_t segment_bytes = 1 << 20) {
    ns = std::make_unique<SimNamespace>(1, options);
    ns->log_segment_bytes = segment_bytes;
    ASSERT_TRUE(ns->open());
    ASSERT_TRUE(ns->init());
  }
  uint64_t must(std::vector<codec::Operation> operations) {
    auto reply = ns->commit(std::move(operations));
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? reply->version : 0;
  }
  Result<WatchReply> ask(const WatchRequest& request) {
    return ns->call<WatchReply>(codec::Method::watch, request);
  }
  WatchReply page(const WatchRequest& request) {
    auto reply = ask(request);
    EXPECT_TRUE(reply) << (reply ? "" : reply.error().message());
    return reply ? *std::move(reply) : WatchReply();
  }
  std::string now() { return page({.path = "/"}).cursor; }

  // All pages from the request's cursor on, to the newest version.
  std::vector<WatchEvent> all(WatchRequest request) {
    std::vector<WatchEvent> out;
    for (;;) {
      WatchReply reply = page(request);
      EXPECT_EQ(reply.failure.code, Code::ok) << reply.failure.message;
      out.insert(out.end(), reply.events.begin(), reply.events.end());
      request.since = reply.cursor;
      if (!reply.more) return out;
    }
  }
  static std::vector<std::string> told(const std::vector<WatchEvent>& events) {
    static constexpr const char* kNames[] = {
        "none",   "created",     "published",        "attributes",
        "xattr",  "renamed",     "linked",           "removed",
        "cloned", "rolled_back", "snapshot_created", "snapshot_removed",
        "moment"};
    std::vector<std::string> out;
    for (const auto& it : events) {
      std::string old = it.event.old_path.empty() ? "" : str(it.event.old_path, " -> ");
      out.push_back(str(kNames[static_cast<size_t>(it.event.kind)], " ", old, it.event.path));
    }
    return out;
  }
  // A poll that is answered later.
  struct Waiting {
    std::optional<Result<std::string>> answer;
    WatchReply reply() const {
      WatchReply out;
      EXPECT_TRUE(answer && *answer && codec::decode(**answer, out));
      return out;
    }
  };
  void start(Waiting& waiting, const WatchRequest& request,
             Duration deadline = std::chrono::hours(1)) {
    Caller caller{"test", ns->scheduler().clock().now() + deadline};
    ns->service().call(codec::Method::watch, codec::encoded(request), caller,
                       [&waiting](Result<std::string> answer) { waiting.answer = answer; });
    ns->scheduler().run_for(std::chrono::milliseconds(1));
  }
  using Strings = std::vector<std::string>;

  std::unique_ptr<SimNamespace> ns;
};

}  // namespace nokv::shard
