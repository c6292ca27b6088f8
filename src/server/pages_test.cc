// The HTTP pages over a real data directory: what each says, and when.
#include "server/pages.h"

#include <future>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "codec/key.h"
#include "object/memory_store.h"

namespace nokv::server {
namespace {

class PagesTest : public testing::Test {
 protected:
  void SetUp() override {
    HostOptions options;
    options.directory = dir / "meta";
    options.background.tick = std::chrono::hours(1);
    auto opened = ShardHost::open(posix.env(), store, events, options);
    ASSERT_TRUE(opened) << opened.error().message();
    host = *std::move(opened);
    pages.emplace(*host, store, metrics, Build{"1.2.3", "abc"});
  }
  void TearDown() override { host->stop(); }

  HttpResponse get(const std::string& target) { return pages->answer({"GET", target, ""}); }
  HttpResponse post(const std::string& target) { return pages->answer({"POST", target, ""}); }

  // Calls the service, and waits.
  Result<std::string> call(codec::Method method, std::string body) {
    std::promise<Result<std::string>> answer;
    shard::Caller caller{"test", posix.clock.now() + std::chrono::minutes(1)};
    host->service().call(method, body, caller,
                         [&](Result<std::string> r) { answer.set_value(std::move(r)); });
    return answer.get_future().get();
  }
  void init() { ASSERT_TRUE(call(codec::Method::init, codec::encoded(codec::InitRequest()))); }
  void put(const std::string& path, const std::string& bytes) {
    codec::Publish op;
    op.target.path = path;
    op.parents = true;
    op.mode = 0644;
    op.body.bytes = bytes;
    op.body.size = bytes.size();
    codec::CommitRequest request;
    request.operations.push_back({op});
    ASSERT_TRUE(call(codec::Method::commit, codec::encoded(request)));
  }
  static bool has(const HttpResponse& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
  }

  TempDir dir;
  PosixEnv posix;
  NoEvents events;
  Metrics metrics;
  std::unique_ptr<Executor> store_executor = posix.executors.serial("store");
  object::MemoryStore store{*store_executor, posix.clock};
  std::unique_ptr<ShardHost> host;
  std::optional<Pages> pages;
};

TEST_F(PagesTest, HealthIsFineAlsoBeforeInit) {
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/healthz?verbose").status, 200);
}

TEST_F(PagesTest, ReadinessSaysWhatItWaitsFor) {
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_TRUE(has(get("/readyz"), "init"));
  init();
  EXPECT_EQ(get("/readyz").status, 200);
  pages->stopping();
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_TRUE(has(get("/readyz"), "stopping"));
}

TEST_F(PagesTest, TheVersionIsJson) {
  auto response = get("/version");
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "{\"version\":\"1.2.3\",\"commit\":\"abc\"}\n");
}

TEST_F(PagesTest, StatsAreThereBeforeInitAndCountAfterwards) {
  EXPECT_TRUE(has(get("/stats"), "\"shard_version\":0"));
  init();
  put("/d/f", "12345");
  auto response = get("/stats");
  EXPECT_EQ(response.content_type, "application/json");
  for (const char* field :
       {"\"shard_version\":2", "\"tree_files\":1", "\"tree_directories\":1",
        "\"tree_size_bytes\":5", "\"shard_body_bytes\":5", "\"shard_snapshots\":0",
        "\"gc_pending\":0", "\"shard_open_uploads\":0", "\"cache_hits\":", "\"cache_misses\":",
        "\"engine_live_bytes\":", "\"log_size_bytes\":", "\"shard_queue_length\":0"}) {
    EXPECT_TRUE(has(response, field)) << field << " in " << response.body;
  }
}

TEST_F(PagesTest, TheMethodSaysWhatThePageSays) {
  init();
  codec::Bytes reply;
  ASSERT_TRUE(codec::decode(call(codec::Method::stats, "").value(), reply));
  EXPECT_TRUE(reply.bytes.starts_with("{\"shard_version\":1,")) << reply.bytes;
}

TEST_F(PagesTest, MetricsHaveHelpAndType) {
  init();
  auto response = get("/metrics");
  EXPECT_TRUE(response.content_type.starts_with("text/plain; version=0.0.4"));
  EXPECT_TRUE(has(response, "# HELP nokv_shard_version "));
  EXPECT_TRUE(has(response, "\nnokv_shard_version 1\n"));
}

TEST_F(PagesTest, ACheckFindsNothingWrong) {
  init();
  put("/a b", "1");
  auto all = post("/fsck");
  EXPECT_EQ(all.status, 200);
  EXPECT_TRUE(has(all, "\"problems\":0,\"repaired\":0,\"found\":[]}")) << all.body;
  EXPECT_EQ(post("/fsck?path=/a%20b&read-data&orphans").status, 200);
  EXPECT_EQ(post("/fsck?path=/missing").status, 404);
  EXPECT_EQ(post("/fsck?mend").status, 400);
}

TEST_F(PagesTest, ACheckTellsWhatItFound) {
  init();
  auto batch = host->engine().batch();
  batch->put(codec::dead_key(5, 3), "");
  ASSERT_TRUE(host->engine().write(*batch));
  put("/f", "1");
  auto found = post("/fsck");
  EXPECT_TRUE(has(found, "\"problems\":1,\"repaired\":0,\"found\":[{\"code\":\"dead_row\""))
      << found.body;
  EXPECT_TRUE(has(post("/fsck?repair"), "\"repaired\":1"));
  EXPECT_TRUE(has(post("/fsck"), "\"problems\":0"));
}

TEST_F(PagesTest, LeversAnswerToPostOnly) {
  init();
  for (const char* lever : {"/gc", "/fsck", "/checkpoint"}) {
    EXPECT_EQ(get(lever).status, 405) << lever;
    EXPECT_EQ(post(lever).status, 200) << lever;
  }
  EXPECT_EQ(post("/healthz").status, 404);
  EXPECT_EQ(pages->answer({"DELETE", "/stats", ""}).status, 405);
  EXPECT_EQ(get("/nothing").status, 404);
}

}  // namespace
}  // namespace nokv::server
