// Creating files: one at a time, early, in batches, by many.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/floor.h"
#include "bench/rows.h"

namespace nokv::bench {
namespace {

constexpr size_t kBatch = 256;
constexpr int kBatchesAtOnce = 4;
constexpr int kWriters = 16;
// What a batch takes in the log, roughly: the floor syncs as much.
constexpr size_t kBatchLogBytes = kBatch * 150;

Result<> one_writer(Scene& scene, Row& row, codec::Durability durability,
                    const Scene::FloorOf& floor) {
  row.unit = "us";
  row.boundary = scene.boundary("rpc");
  NOKV_ASSIGN(std::string where, scene.directory(row.row));
  auto writer = scene.peer();
  NOKV_TRY(scene.measure(
      row, floor, 1,
      [&](int, uint64_t number, LoadDone done) {
        writer->commit(empty_file(str(where, "/", file_name(number))), durability, std::move(done));
      },
      true));
  return writer->sync();
}

// `operations` of what is synced at once: how many the disk alone would take in a second.
Scene::FloorOf syncs_per_second(Scene& scene, size_t bytes, size_t operations) {
  return [&scene, bytes, operations]() -> Result<Floor> {
    NOKV_ASSIGN(Floor disk, scene.sync(bytes));
    std::string name = operations == 1 ? disk.row : str(operations, "/", disk.row);
    return Floor{std::move(name), 1e6 * static_cast<double>(operations) / disk.value, "op/s"};
  };
}

}  // namespace

Result<> create_durable(Scene& scene, Row& row, uint64_t) {
  row.durability = "durable";
  return one_writer(scene, row, codec::Durability::durable, [&] { return scene.echo_and_sync(); });
}

Result<> create_early(Scene& scene, Row& row, uint64_t) {
  row.durability = "early";
  return one_writer(scene, row, codec::Durability::early,
                    [&] { return scene.echo(kEchoReplyBytes); });
}

Result<> create_batches(Scene& scene, Row& row, uint64_t) {
  row.unit = "op/s";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  NOKV_ASSIGN(std::string where, scene.directory(row.row));
  auto writer = scene.peer();
  auto floor = syncs_per_second(scene, kBatchLogBytes, kBatch);
  NOKV_TRY(scene.measure(row, floor, kBatchesAtOnce, [&](int, uint64_t number, LoadDone done) {
    std::vector<codec::OperationBox> operations;
    operations.reserve(kBatch);
    for (size_t i = 0; i < kBatch; ++i) {
      operations.push_back({empty_file(str(where, "/", file_name(number * kBatch + i)))});
    }
    writer->commit(std::move(operations), codec::Durability::durable,
                   [done = std::move(done)](Result<codec::CommitReply> reply) mutable {
                     if (!reply) return done(std::unexpected(std::move(reply).error()));
                     done({});
                   });
  }));
  // The load counts batches; their latencies stay as they are.
  for (double* it : {&*row.value, &row.min, &row.max}) *it *= kBatch;
  return {};
}

Result<> create_16_writers(Scene& scene, Row& row, uint64_t) {
  row.unit = "op/s";
  row.boundary = scene.boundary("rpc");
  row.durability = "durable";
  std::array<std::string, kWriters> places;
  std::array<std::unique_ptr<Peer>, kWriters> writers;
  for (size_t i = 0; i < kWriters; ++i) {
    NOKV_ASSIGN(places[i], scene.directory(row.row));
    writers[i] = scene.peer();
  }
  auto floor = syncs_per_second(scene, kSyncBytes, 1);
  return scene.measure(row, floor, kWriters, [&](int lane, uint64_t number, LoadDone done) {
    auto i = static_cast<size_t>(lane);
    writers[i]->commit(empty_file(str(places[i], "/", file_name(number))),
                       codec::Durability::durable, std::move(done));
  });
}

}  // namespace nokv::bench
