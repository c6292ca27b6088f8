#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "client/client.h"
#include "client/testing/fake_http.h"
#include "client/testing/fake_server.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;

// Bytes that differ from place to place.
std::string pattern(size_t size, uint64_t seed = 1) {
  std::string bytes(size, '\0');
  for (size_t at = 0; at < size; ++at) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    bytes[at] = static_cast<char>(seed >> 56);
  }
  return bytes;
}

// Gives its bytes in small portions, and may fail or call out on the way.
class OddSource final : public Source {
 public:
  explicit OddSource(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(std::span<char> buffer) override {
    if (at_ >= fail_at) return fail(Code::unavailable, "the disk is gone");
    if (at_ >= call_at) std::exchange(call, [] {})();
    size_t count = bytes_.copy(buffer.data(), std::min<size_t>(buffer.size(), 100'001), at_);
    at_ += count;
    return count;
  }
  size_t fail_at = SIZE_MAX;
  size_t call_at = SIZE_MAX;
  std::function<void()> call = [] {};

 private:
  std::string bytes_;
  size_t at_ = 0;
};

constexpr size_t kBlock = codec::kBlockBytes;

class BodiesTest : public testing::Test {
 protected:
  enum class Way {
    directory,
    url,
    server
  };

  void start(Way way, ClientOptions options = {}) {
    client.reset();
    server.now_ns = to_unix_ns(env.clock.wall());
    server.access = {};
    server.access.through_server = way == Way::server;
    if (way == Way::directory) server.access.directory = dir.path();
    server.url = nullptr;
    if (way == Way::url) {
      server.url = [](const std::string& name) { return "http://store/" + name + "?signed"; };
    }
    auto transport = std::make_unique<FakeTransport>(server, *wire, 20us);
    transport->set_same_machine(true);
    client = std::make_unique<Client>(
        ClientParts{.transport = std::move(transport), .env = env.env(), .http = &http},
        std::move(options));
  }

  Result<Committed> put(const std::string& path, const std::string& bytes, BodyOptions body = {},
                        WriteOptions options = {}) {
    OddSource source(bytes);
    return client->put({.target = {.path = path}}, source, body, options);
  }
  Result<std::string> read(const std::string& path) {
    return client->read({.target = {.path = path}}, 1 << 30);
  }
  codec::NewBody body(const std::string& path) {
    return server.files.at(server.names.at(path)).body;
  }
  bool all_uploads_closed() const {
    return std::ranges::none_of(server.uploads, [](auto& it) { return it.second.open; });
  }

  PosixEnv env;
  TempDir dir;
  std::unique_ptr<Executor> wire = env.executors.serial("wire");
  std::unique_ptr<Executor> store = env.executors.pool("store", 2);
  FakeServer server;
  FakeHttp http{*store};
  std::unique_ptr<Client> client;
};

class EveryWay : public BodiesTest, public testing::WithParamInterface<int> {
 protected:
  void SetUp() override { start(static_cast<Way>(GetParam())); }
};
std::string way_name(const testing::TestParamInfo<int>& way) {
  constexpr const char* kNames[] = {"Directory", "Url", "Server"};
  return kNames[way.param];
}
INSTANTIATE_TEST_SUITE_P(Ways, EveryWay, testing::Values(0, 1, 2), way_name);

TEST_P(EveryWay, BodiesOfAllSizesComeBackAsTheyWere) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{16384}, size_t{16385}, kBlock - 1, kBlock,
                      kBlock + 1, 3 * kBlock + 17}) {
    SCOPED_TRACE(size);
    std::string bytes = pattern(size);
    for (bool told : {true, false}) {
      auto written =
          put("/f", bytes, {.size = told ? std::optional<uint64_t>(size) : std::nullopt});
      ASSERT_TRUE(written) << written.error().message();
      EXPECT_EQ(written->result.size, size);
      EXPECT_EQ(body("/f").bytes.empty(), size == 0 || size > codec::kInlineMax);
      EXPECT_EQ(body("/f").block_crcs.size(), codec::block_count(size));
      auto got = read("/f");
      ASSERT_TRUE(got) << got.error().message();
      EXPECT_TRUE(*got == bytes);
    }
  }
  EXPECT_TRUE(all_uploads_closed());
}

TEST_P(EveryWay, ABodyOfSeveralBlobsComesBackAndEveryRangeOfIt) {
  std::string bytes = pattern(codec::kBlobBytes + kBlock + 5);
  ASSERT_TRUE(put("/f", bytes));
  auto reader = client->open_read({.target = {.path = "/f"}});
  ASSERT_TRUE(reader) << reader.error().message();
  StringSink sink;
  ASSERT_TRUE((*reader)->copy_to(sink));
  EXPECT_TRUE(sink.bytes() == bytes);
  for (uint64_t offset : {uint64_t{0}, uint64_t{kBlock - 3}, codec::kBlobBytes - 1,
                          uint64_t{bytes.size() - 2}, uint64_t{bytes.size()}}) {
    auto part = (*reader)->read_at(offset, size_t{100'000});
    ASSERT_TRUE(part) << part.error().message();
    EXPECT_TRUE(*part == bytes.substr(offset, 100'000));
  }
  std::vector<Reader::Range> ranges{{0, 10}, {kBlock - 5, 10}, {codec::kBlobBytes, kBlock + 99}};
  auto parts = (*reader)->read_many(ranges);
  ASSERT_EQ(parts.size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(parts[i]);
    EXPECT_TRUE(*parts[i] == bytes.substr(ranges[i].offset, ranges[i].length));
  }
}

TEST_P(EveryWay, ASetIsUploadedAndCommittedAtOnce) {
  std::vector<WriteItem> items;
  for (size_t i = 0; i < 6; ++i) {
    WriteItem item{.op = codec::Publish{.target = {.path = "/" + std::to_string(i)}}};
    item.source = [i]() -> Result<std::unique_ptr<Source>> {
      return std::make_unique<OddSource>(pattern(i * 300'000, i));
    };
    item.body.size = i * 300'000;
    items.push_back(std::move(item));
  }
  items.push_back({.op = codec::Remove{.target = {.path = "/old"}}});
  auto reply = client->write(std::move(items));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->results.size(), 7U);
  EXPECT_EQ(server.effects.size(), 2U);  // one upload opened, one commit
  for (size_t i = 0; i < 6; ++i)
    EXPECT_TRUE(read("/" + std::to_string(i)) == pattern(i * 300'000, i));
  EXPECT_TRUE(all_uploads_closed());
}

// ---- writing

TEST_F(BodiesTest, ASmallBodyIsOneRequest) {
  start(Way::url);
  ASSERT_TRUE(put("/f.json", "{}"));
  EXPECT_EQ(client->counters().requests, 1U);
  EXPECT_EQ(http.requests(), 0);
  EXPECT_EQ(body("/f.json").content_type, "application/json");
  EXPECT_EQ(body("/f.json").digest.kind, codec::DigestKind::sha256);
}

TEST_F(BodiesTest, TheProducerAndTheChosenDigestAreTold) {
  start(Way::url, {.producer = "trainer", .digest = DigestChoice::xxh3_128});
  ASSERT_TRUE(put("/a", "x"));
  EXPECT_EQ(body("/a").producer, "trainer");
  EXPECT_EQ(body("/a").digest.kind, codec::DigestKind::xxh3_128);
  ASSERT_TRUE(put("/b", "x", {.producer = "other", .digest = DigestChoice::none}));
  EXPECT_EQ(body("/b").producer, "other");
  EXPECT_EQ(body("/b").digest.kind, codec::DigestKind::none);
}

TEST_F(BodiesTest, ManySmallBodiesFitIntoOneMessage) {
  start(Way::server);
  std::vector<WriteItem> items;
  for (size_t i = 0; i < 700; ++i) {
    WriteItem item{.op = codec::Publish{.target = {.path = "/" + std::to_string(i)}}};
    item.source = [i]() -> Result<std::unique_ptr<Source>> {
      return std::make_unique<StringSource>(pattern(16'000, i));
    };
    items.push_back(std::move(item));
  }
  auto reply = client->write(std::move(items));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_TRUE(read("/0") == pattern(16'000, 0));
  EXPECT_TRUE(read("/699") == pattern(16'000, 699));
  EXPECT_TRUE(body("/699").bytes.empty());
}

TEST_F(BodiesTest, BlocksThatFailAreSentAgain) {
  start(Way::url);
  http.fail_next({503, 500, 429});
  std::string bytes = pattern(2 * kBlock);
  ASSERT_TRUE(put("/f", bytes));
  EXPECT_TRUE(read("/f") == bytes);
  EXPECT_GE(client->counters().retries, 3U);
}

TEST_F(BodiesTest, AnExpiredUrlIsAskedForAgain) {
  start(Way::url);
  http.fail_next({403});
  std::string bytes = pattern(2 * kBlock);
  ASSERT_TRUE(put("/f", bytes));
  EXPECT_EQ(server.calls[codec::Method::access], 2U);
  EXPECT_TRUE(read("/f") == bytes);
}

TEST_F(BodiesTest, WhatAStoreSaidLastIsToldWhenTheTimeIsOver) {
  start(Way::url, {.deadline = 200ms});
  http.fail_next({503, 0});
  auto error = put("/f", pattern(kBlock)).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(error.message().find("503 (SlowDown)"), std::string::npos) << error.message();
}

TEST_F(BodiesTest, AStoreThatIsDownPublishesNothingAndClosesTheUpload) {
  start(Way::url, {.deadline = 200ms});
  http.fail_next(std::deque<int>(1000, 503));
  auto error = put("/f", pattern(3 * kBlock)).error();
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_NE(error.message().find("503 (SlowDown)"), std::string::npos) << error.message();
  EXPECT_EQ(error.outcome(), Outcome::not_done);
  EXPECT_TRUE(server.files.empty());
  ASSERT_EQ(server.uploads.size(), 1U);
  EXPECT_TRUE(all_uploads_closed());
}

TEST_F(BodiesTest, ASourceThatFailsClosesTheUpload) {
  start(Way::url);
  OddSource source(pattern(4 * kBlock));
  source.fail_at = 2 * kBlock;
  auto error = client->put({.target = {.path = "/f"}}, source).error();
  EXPECT_NE(error.message().find("the disk is gone"), std::string::npos) << error.message();
  EXPECT_TRUE(server.files.empty());
  ASSERT_EQ(server.uploads.size(), 1U);
  EXPECT_TRUE(all_uploads_closed());
}

TEST_F(BodiesTest, GivingUpClosesTheUpload) {
  start(Way::url);
  std::stop_source stop;
  OddSource source(pattern(4 * kBlock));
  source.call_at = 2 * kBlock;
  source.call = [&] { stop.request_stop(); };
  auto error =
      client->put({.target = {.path = "/f"}}, source, {}, {.call = {.stop = stop.get_token()}})
          .error();
  EXPECT_EQ(error.code(), Code::cancelled);
  EXPECT_TRUE(server.files.empty());
  ASSERT_EQ(server.uploads.size(), 1U);
  EXPECT_TRUE(all_uploads_closed());
}

TEST_F(BodiesTest, ARefusedPublishClosesTheUpload) {
  start(Way::url);
  server.refuse_path = "/f";
  auto error = put("/f", pattern(kBlock)).error();
  EXPECT_EQ(error.code(), Code::already_exists);
  EXPECT_TRUE(all_uploads_closed());
}

TEST_F(BodiesTest, ASourceOfAnotherSizeThanToldIsAnError) {
  start(Way::url);
  for (size_t told : {size_t{5}, size_t{20'000}, kBlock, 2 * kBlock}) {
    for (size_t given : {told - 1, told + 1}) {
      auto written = put("/f", pattern(given), {.size = told});
      ASSERT_FALSE(written) << told << " " << given;
      EXPECT_EQ(written.error().code(), Code::invalid_argument);
    }
  }
  EXPECT_TRUE(server.files.empty());
  EXPECT_TRUE(all_uploads_closed());
}

TEST_F(BodiesTest, ADryRunUploadsNothing) {
  start(Way::url);
  ASSERT_TRUE(put("/f", pattern(kBlock), {}, {.dry_run = true}));
  EXPECT_TRUE(server.uploads.empty());
  EXPECT_EQ(http.requests(), 0);
}

TEST_F(BodiesTest, BlocksOnTheirWayStayWithinTheMemoryBound) {
  start(Way::url, {.buffer_bytes_max = 3 * kBlock, .cache_bytes_max = kBlock});
  std::string bytes = pattern(10 * kBlock + 1);
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      std::string path = "/" + std::to_string(i);
      good += put(path, bytes).has_value() && read(path) == bytes;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 3);
  EXPECT_LE(client->counters().buffer_bytes_peak, 3 * kBlock);
  EXPECT_GE(client->counters().buffer_bytes_peak, 2 * kBlock);
}

TEST_F(BodiesTest, ADirectoryOfAnotherMachineIsNotUsed) {
  start(Way::directory);
  server.access.directory = dir / "elsewhere";
  auto error = put("/f", pattern(kBlock)).error();
  EXPECT_EQ(error.code(), Code::failed_precondition);
  EXPECT_NE(error.message().find("elsewhere"), std::string::npos) << error.message();
  server.access.through_server = true;
  EXPECT_TRUE(put("/f", pattern(kBlock)));
  EXPECT_EQ(server.blocks.size(), 1U);
}

// ---- reading

class DamageTest : public BodiesTest {
 protected:
  void SetUp() override {
    start(Way::url, {.cache_bytes_max = 0});
    ASSERT_TRUE(put("/f", bytes, {.digest = DigestChoice::none}));
  }
  std::string url(uint32_t block) {
    return "http://store/" + codec::blob_object_name(body("/f").first_blob, block);
  }
  const std::string bytes = pattern(3 * kBlock);
};

TEST_F(DamageTest, AFlippedByteIsAnErrorThatNamesFileGenerationAndBlock) {
  ASSERT_TRUE(http.damage(url(1), 7));
  auto got = read("/f");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::data_loss);
  const std::string& message = got.error().message();
  EXPECT_NE(message.find("/f at generation 2"), std::string::npos) << message;
  EXPECT_NE(message.find("block 1 of blob 2"), std::string::npos) << message;
  auto reader = client->open_read({.target = {.path = "/f"}});
  ASSERT_TRUE(reader);
  EXPECT_TRUE((*reader)->read_at(0, size_t{100}) == bytes.substr(0, 100));
  EXPECT_EQ((*reader)->read_at(kBlock, size_t{1}).error().code(), Code::data_loss);
}

TEST_F(DamageTest, ABlockThatIsDamagedOnTheWayOnceIsFetchedAgain) {
  auto reader = client->open_read({.target = {.path = "/f"}});
  ASSERT_TRUE(reader);
  ASSERT_TRUE(http.damage(url(0), 7));
  http.fail_next({503});  // its first answer; meanwhile nothing is repaired, so:
  auto before = http.requests();
  EXPECT_FALSE((*reader)->read_at(0, size_t{10}));
  // 503, damaged, damaged again, and twice more by a new plan.
  EXPECT_EQ(http.requests() - before, 5);
}

TEST_F(DamageTest, ALostObjectIsDataLossOnceTheFileIsOpenedAgain) {
  ASSERT_TRUE(http.lose(url(2)));
  auto opened = server.calls[codec::Method::open];
  auto error = read("/f").error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_NE(error.message().find("an object is gone"), std::string::npos) << error.message();
  EXPECT_EQ(server.calls[codec::Method::open], opened + 2);
}

TEST_F(DamageTest, OneDamagedRangeDoesNotKeepBackOthers) {
  ASSERT_TRUE(http.damage(url(1), 0));
  std::vector<RangeRequest> requests;
  for (uint64_t block : {0, 1, 2}) {
    requests.push_back({{.target = {.path = "/f"}}, block * kBlock, 10});
  }
  requests.push_back({{.target = {.path = "/missing"}}, 0, 10});
  auto got = client->read_many(std::move(requests));
  ASSERT_EQ(got.size(), 4U);
  EXPECT_TRUE(got[0] == bytes.substr(0, 10));
  EXPECT_EQ(got[1].error().code(), Code::data_loss);
  EXPECT_TRUE(got[2] == bytes.substr(2 * kBlock, 10));
  EXPECT_EQ(got[3].error().code(), Code::not_found);
}

TEST_F(BodiesTest, ADigestThatDoesNotFitIsDataLoss) {
  start(Way::url);
  ASSERT_TRUE(put("/f", "hello"));
  server.files.begin()->second.body.digest.bytes[0] ^= 1;
  auto error = client->read({.target = {.path = "/f"}}, 100).error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_NE(error.message().find("digest"), std::string::npos);
  EXPECT_TRUE(client->read({.target = {.path = "/f"}, .check_digest = false}, 100));
}

TEST_F(BodiesTest, TheLastReadOfAStreamFindsADigestThatDoesNotFit) {
  start(Way::url);
  std::string bytes = pattern(2 * kBlock + 100);
  ASSERT_TRUE(put("/f", bytes));
  auto read_through = [&](bool check) {
    auto reader = client->open_read({.target = {.path = "/f"}, .check_digest = check});
    EXPECT_TRUE((*reader)->read_at(kBlock, 10));  // in between
    for (uint64_t at = 0; at < bytes.size(); at += kBlock) {
      if (at == kBlock) {
        EXPECT_TRUE((*reader)->read_at(5, 10));
      }
      auto got = (*reader)->read_at(at, kBlock);
      if (!got) return std::pair(at, got.error().code());
    }
    return std::pair(bytes.size(), Code::ok);
  };
  EXPECT_EQ(read_through(true), std::pair(bytes.size(), Code::ok));
  server.files.begin()->second.body.digest.bytes[0] ^= 1;
  EXPECT_EQ(read_through(true), std::pair(2 * kBlock, Code::data_loss));
  EXPECT_EQ(read_through(false), std::pair(bytes.size(), Code::ok));
}

TEST_F(BodiesTest, ADamagedSmallBodyIsDataLoss) {
  start(Way::url);
  ASSERT_TRUE(put("/f", "hello"));
  server.files.begin()->second.body.bytes[0] ^= 1;
  EXPECT_EQ(client->open_read({.target = {.path = "/f"}}).error().code(), Code::data_loss);
}

TEST_F(BodiesTest, ASecondReadComesFromTheCache) {
  start(Way::url);
  std::string bytes = pattern(2 * kBlock);
  ASSERT_TRUE(put("/f", bytes));
  auto reader = client->open_read({.target = {.path = "/f"}});
  ASSERT_TRUE((*reader)->read_at(0, bytes.size()));
  auto before = http.requests();
  EXPECT_TRUE((*reader)->read_at(kBlock - 1, size_t{2}) == bytes.substr(kBlock - 1, 2));
  EXPECT_EQ(http.requests(), before);
}

TEST_F(BodiesTest, AnOldPlanIsReplacedAndAReplacedFileIsNot) {
  start(Way::url, {.cache_bytes_max = 0});
  server.plan_valid = 0s;
  server.now_ns = 1;  // long ago
  std::string bytes = pattern(kBlock);
  ASSERT_TRUE(put("/f", bytes));
  auto reader = client->open_read({.target = {.path = "/f"}});
  ASSERT_TRUE(reader);
  EXPECT_TRUE((*reader)->read_at(0, size_t{10}) == bytes.substr(0, 10));
  EXPECT_EQ(server.calls[codec::Method::open], 2U);
  ASSERT_TRUE(put("/f", pattern(kBlock, 2)));
  auto error = (*reader)->read_at(0, size_t{10}).error();
  EXPECT_EQ(error.code(), Code::not_found);
  EXPECT_NE(error.message().find("generation 2"), std::string::npos) << error.message();
}

TEST_F(BodiesTest, ManyThreadsReadOneFileAtOnce) {
  start(Way::url, {.cache_bytes_max = 2 * kBlock});
  std::string bytes = pattern(4 * kBlock);
  ASSERT_TRUE(put("/f", bytes));
  auto reader = client->open_read({.target = {.path = "/f"}});
  std::atomic<int> bad = 0;
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < 20; ++i) {
          size_t offset = (t * 7919 + i * 1'000'003) % bytes.size();
          bad += (*reader)->read_at(offset, size_t{5000}) != bytes.substr(offset, 5000);
        }
      });
    }
  }
  EXPECT_EQ(bad, 0);
}

TEST_F(BodiesTest, ReadingOnReadsAhead) {
  start(Way::url);
  std::string bytes = pattern(6 * kBlock);
  ASSERT_TRUE(put("/f", bytes));
  auto reader = client->open_read({.target = {.path = "/f"}});
  size_t step = kBlock / 2;
  for (size_t at = 0; at < bytes.size(); at += step) {
    ASSERT_TRUE((*reader)->read_at(at, step) == bytes.substr(at, step));
  }
  EXPECT_EQ(client->counters().blocks_fetched, 6U);
}

// ---- listing, and the rest

TEST_F(BodiesTest, AListingShowsOneVersionThroughAllItsPages) {
  start(Way::url);
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(put("/" + std::to_string(100 + i), "x"));
  auto lister = client->list({.page = 10});
  std::set<std::string> names;
  for (int i = 0; i < 12; ++i) names.insert((*lister.next())->name);
  ASSERT_TRUE(put("/1005", "x"));
  ASSERT_TRUE(put("/1175", "x"));
  for (;;) {
    auto entry = lister.next();
    ASSERT_TRUE(entry);
    if (!*entry) break;
    EXPECT_TRUE(names.insert((*entry)->name).second);
  }
  EXPECT_EQ(names.size(), 25U);
  EXPECT_EQ(lister.version(), 25U);
}

TEST_F(BodiesTest, AListingAsksForThePageAfterTheOneThatIsRead) {
  start(Way::url);
  for (int i = 0; i < 45; ++i) ASSERT_TRUE(put("/" + std::to_string(100 + i), "x"));
  auto asked = [&, before = client->counters().requests] {
    return client->counters().requests - before;
  };
  auto lister = client->list({.page = 10});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(*lister.next());
  EXPECT_EQ(asked(), 1U);  // perhaps nobody wants more than the first page
  ASSERT_TRUE(*lister.next());
  EXPECT_EQ(asked(), 3U);
  for (int i = 11; i < 45; ++i) ASSERT_TRUE(*lister.next());
  EXPECT_FALSE(*lister.next());
  EXPECT_EQ(asked(), 5U);
}

TEST_F(BodiesTest, EarlyChangesAreSeenByTheClientsOwnReads) {
  start(Way::url);
  auto written = put("/f", "x", {}, {.durability = codec::Durability::early});
  ASSERT_TRUE(written);
  EXPECT_TRUE(client->sync());
  EXPECT_TRUE(client->close());
  EXPECT_EQ(put("/g", "x").error().code(), Code::failed_precondition);
}

TEST_F(BodiesTest, ThreadsShareOneSession) {
  start(Way::url);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 50; ++i) {
          std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
          EXPECT_TRUE(client->mkdir({.target = {.path = path}}));
        }
      });
    }
  }
  EXPECT_EQ(server.effects.size(), 200U);
  EXPECT_EQ(server.sessions.size(), 1U);
}

}  // namespace
}  // namespace nokv::client
