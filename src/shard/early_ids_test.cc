// Ids of what is answered early: scenario 12 of the project's list, as far as one shard goes.
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;
using codec::CommitReply;
using codec::CommitRequest;

class EarlyIds : public CheckedNamespace {
 protected:
  EarlyIds() : CheckedNamespace(SimNamespace::quiet_background()) {}

  static codec::Operation create(const std::string& path) {
    auto op = put_op(path, "x");
    std::get<codec::Publish>(op).exists = codec::Exists::create;
    return op;
  }
  // The next request of the session.
  CommitRequest next(std::vector<codec::Operation> operations) {
    CommitRequest out;
    out.session[0] = 7;
    out.sequence = ++sequence_;
    out.acked_below = 1;
    out.open_session = true;
    out.durability = codec::Durability::early;
    for (auto& op : operations) out.operations.push_back({std::move(op)});
    return out;
  }
  Result<CommitReply> commit(const CommitRequest& request) {
    return ns.call<CommitReply>(codec::Method::commit, request);
  }
  void restart() {
    ns.crash(SimCrash::power);
    ASSERT_TRUE(ns.open());
  }

 private:
  uint64_t sequence_ = 0;
};

TEST_F(EarlyIds, TheFirstIsAnsweredWhenItIsDurable) {
  auto first = commit(next({create("/a")}));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->first_id, 0U);
  EXPECT_EQ(first->synced, first->version);
  auto second = commit(next({create("/b")}));
  ASSERT_TRUE(second);
  EXPECT_NE(second->first_id, 0U);
  CommitRequest alone = next({create("/c")});
  alone.session = {};
  EXPECT_EQ(commit(alone)->first_id, 0U);  // nobody would send it again
}

// The server dies before anything of it is durable; others are faster; each request comes again
// several times, also after another death.
TEST_F(EarlyIds, WhatIsSentAgainAfterTheServersDeathHasTheSameIds) {
  ASSERT_TRUE(commit(next({create("/reserves")})));
  std::vector<CommitRequest> requests{next({create("/taken")}), next({create("/f")}),
                                      next({mkdir_op("/d"), create("/d/g")}),
                                      next({rename_op("/f", "/h")}), next({create("/f")})};
  ns.host().files().halt_after(0);
  std::vector<std::optional<Result<CommitReply>>> told(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    ns.shard().commit(requests[i], "test", [&told, i](auto reply) { told[i] = std::move(reply); });
  }
  ns.scheduler().run_for(1s);
  restart();
  EXPECT_FALSE(ns.stat("/f"));
  must({create("/taken"), create("/of-another")});
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < requests.size(); ++i) {
      ASSERT_TRUE(told[i] && *told[i]) << i;
      requests[i].first_id = (*told[i])->first_id;
      ASSERT_NE(requests[i].first_id, 0U);
      requests[i].attach = static_cast<uint64_t>(round) + 1;
      auto again = commit(requests[i]);
      ASSERT_EQ(again.has_value(), i != 0);
      for (size_t k = 0; again && k < again->results.size(); ++k) {
        EXPECT_EQ(again->results[k].id, (*told[i])->results[k].id);
      }
    }
    if (round == 1) restart();
  }
  EXPECT_EQ(ns.stat("/h")->id, (*told[1])->results[0].id);
  EXPECT_EQ(ns.stat("/f")->id, (*told[4])->results[0].id);
  EXPECT_EQ(ns.stat("/d/g")->id, (*told[2])->results[1].id);
  EXPECT_NE(ns.stat("/taken")->id, (*told[0])->results[0].id);
  expect_clean();
}

// Not to another session, nor twice to this one: not after a restart, and not where one range ends
// and the next begins.
TEST_F(EarlyIds, NoneIsGivenTwice) {
  std::set<codec::NodeId> seen;
  size_t early = 0;
  for (int i = 0; i < 60; ++i) {
    std::vector<codec::Operation> operations;
    for (int k = 0; k < (i % 3 == 2 ? 600 : 3); ++k)
      operations.push_back(create(str("/a", i, "-", k)));
    CommitRequest request = next(std::move(operations));
    request.acked_below = request.sequence;
    auto reply = commit(request);
    ASSERT_TRUE(reply) << reply.error().message();
    early += reply->first_id != 0 ? 1 : 0;
    for (const auto& result : reply->results) EXPECT_TRUE(seen.insert(result.id).second);
    must({create(str("/b", i))});
    EXPECT_TRUE(seen.insert(ns.stat(str("/b", i))->id).second);
    if (i % 10 == 9) restart();
  }
  EXPECT_GT(2 * seen.size(), SessionTable::kIdsReserved);  // each takes one more for its body
  EXPECT_GE(early, 57U);
  expect_clean();
}

TEST_F(EarlyIds, ThoseThatAreNotFreeAreRefused) {
  ASSERT_TRUE(commit(next({create("/a")})));
  auto b = commit(next({create("/b")}));
  ASSERT_TRUE(b);
  for (uint64_t id : {uint64_t{1}, b->first_id, b->first_id + SessionTable::kIdsReserved}) {
    CommitRequest request = next({create("/c")});
    request.first_id = id;
    EXPECT_EQ(commit(request).error().code(), Code::stale) << id;
  }
  CommitRequest request = next({create("/c")});
  request.first_id = b->first_id + SessionTable::kIdsReserved - 1;  // it needs two, and has one
  EXPECT_EQ(commit(request).error().code(), Code::stale);
  EXPECT_FALSE(ns.stat("/c"));
}

// More than are reserved at a time: it is answered when it is durable, with ids that anybody has.
TEST_F(EarlyIds, ARequestThatNeedsMoreThanThereAreIsDurable) {
  ASSERT_TRUE(commit(next({create("/a")})));
  codec::OpenUpload upload;
  upload.blobs = codec::kBodyBlobsMax;
  std::vector<codec::Operation> uploads(1 + SessionTable::kIdsReserved / upload.blobs, upload);
  auto opened = commit(next(std::move(uploads)));
  ASSERT_TRUE(opened) << opened.error().message();
  EXPECT_EQ(opened->first_id, 0U);
  EXPECT_EQ(opened->synced, opened->version);
  auto after = commit(next({create("/b")}));
  ASSERT_TRUE(after);
  EXPECT_NE(after->first_id, 0U);
}

}  // namespace
}  // namespace nokv::shard
