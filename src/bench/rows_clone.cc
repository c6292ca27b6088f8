// Clones of directories of many sizes, and reading through them.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "client/merge.h"

namespace nokv::bench {
namespace {

constexpr uint64_t kClonesMax = 200;  // in one run
constexpr uint64_t kCreatesMax = 1'000'000;
constexpr uint64_t kFiles = 256;
constexpr uint64_t kChanges = 100;  // of a side that is compared or merged
constexpr uint32_t kPage = 1000;

// Operations one after another, each durable; their median time.
Result<Run> one_by_one(Scene& scene, Peer& peer, Duration time, uint64_t count,
                       const std::function<codec::Operation()>& next) {
  LoadOptions load{.time = time, .count = count, .stop = scene.options().stop};
  NOKV_ASSIGN(Load taken, run_load(scene.clock(), load, [&](int, uint64_t, LoadDone done) {
                peer.commit(next(), codec::Durability::durable, std::move(done));
              }));
  double value = median(taken.latencies_us);
  return Run{value, std::move(taken.latencies_us)};
}

// `next` against durable creates of the same moment, in another directory.
Result<> beside_creates(Scene& scene, Row& row, const std::function<codec::Operation()>& next) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  NOKV_ASSIGN(std::string beside, scene.directory("beside"));
  auto peer = scene.peer();
  uint64_t created = 0;
  auto floor = [&]() -> Result<Floor> {
    auto create = [&]() -> codec::Operation {
      return empty_file(str(beside, "/", file_name(created++)));
    };
    NOKV_ASSIGN(Run run, one_by_one(scene, *peer, scene.time() / 4, kCreatesMax, create));
    return Floor{"create_durable", run.value, "us"};
  };
  return scene.measure(
      row, floor, [&](Duration time) { return one_by_one(scene, *peer, time, kClonesMax, next); });
}

codec::Operation clone_of(const std::string& from, const std::string& to) {
  return codec::Clone{.from = {.path = from}, .to = {.path = to}};
}

Result<std::string> cloned(Scene& scene, const std::string& from, std::string_view name) {
  NOKV_ASSIGN(std::string where, scene.directory(name));
  where += "/clone";
  NOKV_TRY(scene.client().commit({clone_of(from, where)}, scene.write()));
  return where;
}

// Other bytes in kChanges files of a directory of `entries`, far from each other; another `side`
// has others.
Result<> change_files(Scene& scene, const std::string& where, uint64_t entries, uint64_t side) {
  std::vector<codec::Operation> changes;
  for (uint64_t i = 0; i < kChanges; ++i) {
    codec::Publish op = empty_file(str(where, "/", file_name(i * (entries / kChanges) + side)));
    op.exists = codec::Exists::replace;
    op.body.bytes = str("changed ", side);
    op.body.size = op.body.bytes.size();
    changes.emplace_back(std::move(op));
  }
  NOKV_TRY(scene.client().commit(std::move(changes), scene.write()));
  return {};
}

// The differences between two directories, all pages.
Result<uint64_t> count_differences(Scene& scene, const std::string& a, const std::string& b) {
  codec::DiffRequest request{.a = {.path = a}, .b = {.path = b}};
  for (uint64_t count = 0;;) {
    NOKV_ASSIGN(auto page, scene.client().diff(request, scene.call()));
    count += page.differences.size();
    if (!page.more) return count;
    request.cursor = page.cursor;
  }
}

// The median time of stats of the files in `where`.
Result<Run> stat_files(Scene& scene, Peer& peer, const std::string& where, Duration time) {
  LoadOptions load{.time = time, .stop = scene.options().stop};
  NOKV_ASSIGN(Load taken, run_load(scene.clock(), load, [&](int, uint64_t number, LoadDone done) {
                codec::StatRequest request;
                request.targets.push_back({.path = str(where, "/", file_name(number % kFiles))});
                peer.ask<codec::StatReply>(
                    codec::Method::stat, request,
                    [done = std::move(done)](const Result<codec::StatReply>& reply) mutable {
                      if (!reply) return done(std::unexpected(reply.error()));
                      bool there = reply->results.size() == 1 &&
                                   reply->results.front().failure.code == Code::ok;
                      done(there ? Result<>() : fail(Code::data_loss, "a file is not there"));
                    });
              }));
  double value = median(taken.latencies_us);
  return Run{value, std::move(taken.latencies_us)};
}

// The median time of the first page of `where`.
Result<Run> list_pages(Scene& scene, const std::string& where, uint64_t expected, Duration time) {
  return scene.repeat(time, [&]() -> Result<Duration> {
    auto began = scene.clock().now();
    codec::ListRequest request{.target = {.path = where}, .limit = kPage};
    NOKV_ASSIGN(auto reply, scene.client().list_page(request, scene.call()));
    Duration took = scene.clock().now() - began;
    if (reply.entries.size() != expected) {
      return fail(Code::data_loss, reply.entries.size(), " entries instead of ", expected);
    }
    return took;
  });
}

}  // namespace

Result<> clone_directory(Scene& scene, Row& row, uint64_t entries) {
  row.entries = entries;
  NOKV_ASSIGN(std::string where, scene.grown(entries));
  NOKV_ASSIGN(std::string into, scene.directory("clones"));
  uint64_t made = 0;
  return beside_creates(scene, row, [&] { return clone_of(where, str(into, "/", ++made)); });
}

Result<> roll_back_directory(Scene& scene, Row& row, uint64_t entries) {
  row.entries = entries;
  NOKV_ASSIGN(std::string whole, scene.grown(entries));
  NOKV_ASSIGN(std::string where, cloned(scene, whole, "rollback"));
  std::string name = str(scene.root().substr(scene.root().rfind('/') + 2), "-back-", entries);
  scene.made_snapshot(name);
  NOKV_TRY(scene.client().snapshot_create({.name = name, .target = {.path = where}}));
  NOKV_TRY(beside_creates(scene, row, [&]() -> codec::Operation {
    return codec::Rollback{.target = {.path = where}, .at = name};
  }));
  return scene.remove_snapshots();
}

Result<> remove_directory(Scene& scene, Row& row, uint64_t entries) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  row.entries = entries;
  NOKV_ASSIGN(std::string whole, scene.grown(entries));
  NOKV_ASSIGN(std::string into, scene.directory("removed"));
  auto peer = scene.peer();
  uint64_t made = 0;
  uint64_t removed = 0;
  constexpr uint64_t kEach = 50;
  return scene.measure(
      row, [&] { return scene.echo_and_sync(); },
      [&](Duration time) -> Result<Run> {
        auto clone = [&] { return clone_of(whole, str(into, "/", ++made)); };
        NOKV_TRY(one_by_one(scene, *peer, time, kEach, clone));
        auto remove = [&]() -> codec::Operation {
          codec::Remove op;
          op.target.path = str(into, "/", ++removed);
          return op;
        };
        return one_by_one(scene, *peer, time, made - removed, remove);
      });
}

Result<> diff_clone(Scene& scene, Row& row, uint64_t entries) {
  NOKV_ASSIGN(std::string where, scene.read_by(row, "rpc", entries));
  NOKV_ASSIGN(std::string clone, cloned(scene, where, "compared"));
  NOKV_TRY(change_files(scene, clone, entries, 0));
  auto once = [&]() -> Result<Duration> {
    auto began = scene.clock().now();
    NOKV_ASSIGN(uint64_t count, count_differences(scene, where, clone));
    Duration took = scene.clock().now() - began;
    if (count != kChanges) {
      return fail(Code::data_loss, count, " differences instead of ", kChanges);
    }
    return took;
  };
  constexpr size_t kReplyBytes = 10'000;
  return scene.measure(
      row, [&] { return in_ms(scene.echo(kReplyBytes)); },
      [&](Duration time) { return scene.repeat(time, once); });
}

Result<> merge_clone(Scene& scene, Row& row, uint64_t entries) {
  row.unit = "ms";
  row.boundary = scene.boundary("sdk");
  row.durability = "durable";
  row.entries = entries;
  NOKV_ASSIGN(std::string whole, scene.grown(entries));
  NOKV_ASSIGN(std::string into, scene.directory("merged"));
  uint64_t made = 0;
  auto once = [&]() -> Result<Duration> {
    std::string ours = str(into, "/", ++made);
    std::string theirs = ours + "-theirs";
    NOKV_TRY(scene.client().commit({clone_of(whole, ours)}, scene.write()));
    NOKV_TRY(scene.client().commit({clone_of(ours, theirs)}, scene.write()));
    NOKV_TRY(change_files(scene, ours, entries, 0));
    NOKV_TRY(change_files(scene, theirs, entries, 1));
    auto began = scene.clock().now();
    NOKV_ASSIGN(auto report,
                client::merge(scene.client(), {.from = theirs, .to = ours, .call = scene.call()}));
    Duration took = scene.clock().now() - began;
    if (report.counts.content != kChanges) {
      return fail(Code::data_loss, report.counts.content, " files merged instead of ", kChanges);
    }
    return took;
  };
  return scene.measure(
      row, [&] { return in_ms(scene.echo_and_sync()); },
      [&](Duration time) { return scene.repeat(time, once); });
}

Result<> stat_in_clone(Scene& scene, Row& row, uint64_t) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  row.durability = "none";
  row.cache = "warm";
  NOKV_ASSIGN(std::string where, scene.directory("plain"));
  std::vector<codec::Operation> files;
  for (uint64_t i = 0; i < kFiles; ++i)
    files.emplace_back(empty_file(str(where, "/", file_name(i))));
  NOKV_TRY(scene.client().commit(std::move(files), scene.write()));
  NOKV_ASSIGN(std::string clone, cloned(scene, where, "seen"));
  auto reader = scene.peer();
  auto floor = [&]() -> Result<Floor> {
    NOKV_ASSIGN(Run run, stat_files(scene, *reader, where, scene.time() / 4));
    return Floor{"stat", run.value, "us"};
  };
  return scene.measure(row, floor,
                       [&](Duration time) { return stat_files(scene, *reader, clone, time); });
}

Result<> list_clone(Scene& scene, Row& row, uint64_t entries) {
  NOKV_ASSIGN(std::string where, scene.read_by(row, "rpc", entries));
  NOKV_ASSIGN(std::string clone, cloned(scene, where, "listed"));
  auto floor = [&]() -> Result<Floor> {
    NOKV_ASSIGN(Run run, list_pages(scene, where, entries, scene.time() / 4));
    return Floor{"first_page", run.value, "ms"};
  };
  return scene.measure(row, floor,
                       [&](Duration time) { return list_pages(scene, clone, entries, time); });
}

}  // namespace nokv::bench
