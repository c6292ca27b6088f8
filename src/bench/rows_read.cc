// Looking up, listing, and snapshots of directories of many sizes.
#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "bench/floor.h"
#include "bench/rows.h"

namespace nokv::bench {
namespace {

constexpr int kStatsAtOnce = 64;
constexpr uint64_t kFiles = 256;
constexpr uint32_t kPage = 1000;         // what the SDK asks for unless told otherwise
constexpr uint64_t kSnapshotsMax = 100;  // in one run

// "…/a/b" with kFiles files in it: depth 4 when the benchmark runs at "/".
Result<std::string> deep_files(Scene& scene) {
  NOKV_ASSIGN(std::string where, scene.directory("deep"));
  where += "/b";
  std::vector<codec::Operation> operations;
  operations.emplace_back(codec::Mkdir{.target = {.path = where}, .mode = 0755});
  for (uint64_t i = 0; i < kFiles; ++i) {
    operations.emplace_back(empty_file(str(where, "/", file_name(i))));
  }
  NOKV_TRY(scene.client().commit(std::move(operations), scene.write()));
  return where;
}

Result<> found(const Result<codec::StatReply>& reply) {
  if (!reply) return std::unexpected(reply.error());
  const auto& results = reply->results;
  if (results.size() == 1 && results.front().failure.code == Code::ok) return {};
  return fail(Code::data_loss, "a file that was made is not there");
}

Result<> stats(Scene& scene, Row& row, const Scene::FloorOf& floor, int lanes, bool in_us) {
  row.boundary = scene.boundary("rpc");
  row.durability = "none";
  row.cache = "warm";
  NOKV_ASSIGN(std::string where, deep_files(scene));
  auto reader = scene.peer();
  return scene.measure(
      row, floor, lanes,
      [&](int, uint64_t number, LoadDone done) {
        codec::StatRequest request;
        request.targets.push_back({.path = str(where, "/", file_name(number % kFiles))});
        reader->ask<codec::StatReply>(
            codec::Method::stat, request,
            [done = std::move(done)](const Result<codec::StatReply>& reply) mutable {
              done(found(reply));
            });
      },
      in_us);
}

// What one page of `where` takes on the wire, and that it is whole. Blocks.
Result<size_t> page_bytes(Scene& scene, const std::string& where, uint64_t expected) {
  codec::ListRequest request{.target = {.path = where}, .limit = kPage};
  NOKV_ASSIGN(auto reply, scene.client().list_page(request, scene.call()));
  if (reply.entries.size() != expected) {
    return fail(Code::data_loss, reply.entries.size(), " entries instead of ", expected);
  }
  return codec::encoded(reply).size();
}

// The whole directory, as any client lists it. Blocks.
Result<> list_whole(Scene& scene, const std::string& where, uint64_t expected) {
  auto lister =
      scene.client().list({.target = {.path = where}, .page = kPage, .call = scene.call()});
  uint64_t seen = 0;
  for (;; ++seen) {
    NOKV_ASSIGN(auto entry, lister.next());
    if (!entry) break;
  }
  if (seen != expected) return fail(Code::data_loss, seen, " entries instead of ", expected);
  return {};
}

Result<> listing(Scene& scene, Row& row, uint64_t entries, bool all) {
  NOKV_ASSIGN(std::string where, scene.read_by(row, "sdk", entries));
  uint64_t pages = all ? (entries + kPage - 1) / kPage : 1;
  NOKV_ASSIGN(size_t bytes, page_bytes(scene, where, std::min<uint64_t>(entries, kPage)));
  auto floor = [&] { return in_ms(scene.echo(bytes * pages)); };
  auto one_page = [&]() -> Result<> {
    codec::ListRequest request{.target = {.path = where}, .limit = kPage};
    NOKV_TRY(scene.client().list_page(request, scene.call()));
    return {};
  };
  auto once = [&]() -> Result<Duration> {
    auto began = scene.clock().now();
    NOKV_TRY(all ? list_whole(scene, where, entries) : one_page());
    return scene.clock().now() - began;
  };
  return scene.measure(row, floor, [&](Duration time) { return scene.repeat(time, once); });
}

}  // namespace

Result<> stat_one(Scene& scene, Row& row, uint64_t) {
  row.unit = "us";
  return stats(scene, row, [&] { return scene.echo(kEchoReplyBytes); }, 1, true);
}

Result<> stat_pipelined(Scene& scene, Row& row, uint64_t) {
  row.unit = "op/s";
  auto floor = [&]() -> Result<Floor> {
    NOKV_ASSIGN(Floor echo, scene.echo(kEchoReplyBytes));
    return Floor{echo.row, 1e6 / echo.value, "op/s"};
  };
  return stats(scene, row, floor, kStatsAtOnce, false);
}

Result<> list_all(Scene& scene, Row& row, uint64_t entries) {
  return listing(scene, row, entries, true);
}

Result<> first_page(Scene& scene, Row& row, uint64_t entries) {
  return listing(scene, row, entries, false);
}

Result<> snapshot_create(Scene& scene, Row& row, uint64_t entries) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  row.entries = entries;
  NOKV_ASSIGN(std::string where, scene.grown(entries));
  // The floor: a durable create of the same moment, in another directory.
  NOKV_ASSIGN(std::string beside, scene.directory("beside"));
  auto creator = scene.peer();
  uint64_t created = 0;
  auto floor = [&]() -> Result<Floor> {
    LoadOptions load{.time = scene.time() / 4, .stop = scene.options().stop};
    NOKV_ASSIGN(Load taken, run_load(scene.clock(), load, [&](int, uint64_t, LoadDone done) {
                  creator->commit(empty_file(str(beside, "/", file_name(created++))),
                                  codec::Durability::durable, std::move(done));
                }));
    return Floor{"create_durable", median(std::move(taken.latencies_us)), "us"};
  };
  auto writer = scene.peer();
  std::string prefix = scene.root().substr(scene.root().rfind('/') + 2);
  uint64_t made = 0;
  row.concurrency = 1;
  auto once = [&](Duration time) -> Result<Run> {
    LoadOptions load{.time = time, .count = kSnapshotsMax, .stop = scene.options().stop};
    NOKV_ASSIGN(Load taken, run_load(scene.clock(), load, [&](int, uint64_t, LoadDone done) {
                  std::string name = str(prefix, "-", entries, "-", ++made);
                  scene.made_snapshot(name);
                  writer->commit(codec::SnapshotCreate{.name = name, .target = {.path = where}},
                                 codec::Durability::durable, std::move(done));
                }));
    double value = median(taken.latencies_us);
    return Run{value, std::move(taken.latencies_us)};
  };
  NOKV_TRY(scene.measure(row, floor, once));
  return scene.remove_snapshots();
}

}  // namespace nokv::bench
