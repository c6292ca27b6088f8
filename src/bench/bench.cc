#include "bench/bench.h"

#include <algorithm>
#include <utility>

#include "base/posix/process.h"
#include "bench/rows.h"
#include "bench/scene.h"

namespace nokv::bench {
namespace {

Result<std::vector<RowSpec>> chosen_rows(const BenchOptions& options) {
  std::vector<RowSpec> all = all_rows();
  for (const auto& name : options.rows) {
    bool known = std::ranges::any_of(all, [&](const RowSpec& it) { return it.info.name == name; });
    if (!known) return fail(Code::invalid_argument, "there is no row '", name, "'");
  }
  std::erase_if(all, [&](const RowSpec& it) {
    if (options.rows.empty()) return it.info.entries > options.entries_max;
    return std::ranges::find(options.rows, it.info.name) == options.rows.end();
  });
  return all;
}

Row measure_row(Scene& scene, const RowSpec& spec) {
  Row row;
  row.row = spec.info.name;
  row.cache = "none";
  Result<> measured = spec.measure(scene, row, spec.info.entries);
  if (!measured) {
    row.value.reset();
    row.error = measured.error().message();
  }
  row.peak_memory = peak_rss_bytes();
  return row;
}

}  // namespace

std::vector<RowSpec> all_rows() {
  return {
      {{"create_durable", "one writer creates empty files, one after another"}, create_durable},
      {{"create_early", "the same, acknowledged early"}, create_early},
      {{"create_batch_256", "transactions of 256 creates, 4 on their way on one connection"},
       create_batches},
      {{"create_16_writers", "16 connections, each with one create on its way"}, create_16_writers},
      {{"stat_depth_4", "attributes by path, one after another"}, stat_one},
      {{"stat_pipelined_64", "the same, 64 on their way on one connection"}, stat_pipelined},
      {{"stat_in_clone", "attributes by path in a clone, next to those in its source"},
       stat_in_clone},
      {{"put_4k", "one small file after another, written"}, put_small},
      {{"get_4k", "one small file after another, read"}, get_small},
      {{"publish_1m", "files of 1 MiB, 16 at once"}, publish_1m},
      {{"publish_64m", "files of 64 MiB, 16 at once"}, publish_64m},
      {{"read_64m", "a file of 64 MiB, read"}, read_64m},
      {{"samples_cold", "16 KiB at random places of 64 MiB, 256 at once, none remembered"},
       samples_cold},
      {{"samples_warm", "the same from the client's memory"}, samples_warm},
      {{"watch_delivery", "from the acknowledgement of a create to its event"}, watch_delivery},
      {{"watch_10", "events of 4 batches of 256 creates at once, to each of 10 watchers"},
       watch_10},
      {{"list_1000", "a directory listed, with attributes", 1'000}, list_all},
      {{"first_page_1000", "the first page of a directory", 1'000}, first_page},
      {{"snapshot_1000", "a snapshot of a directory", 1'000}, snapshot_create},
      {{"list_clone_1000", "a page of a clone, next to one of its source", 1'000}, list_clone},
      {{"clone_1000", "a clone of a directory", 1'000}, clone_directory},
      {{"rollback_1000", "a directory put back to a snapshot", 1'000}, roll_back_directory},
      {{"first_page_10000", "the first page of a directory", 10'000}, first_page},
      {{"snapshot_10000", "a snapshot of a directory", 10'000}, snapshot_create},
      {{"clone_10000", "a clone of a directory", 10'000}, clone_directory},
      {{"rollback_10000", "a directory put back to a snapshot", 10'000}, roll_back_directory},
      {{"diff_100_10000", "100 changed files of a clone, compared with its source", 10'000},
       diff_clone},
      {{"list_100000", "a directory listed, with attributes", 100'000}, list_all},
      {{"first_page_100000", "the first page of a directory", 100'000}, first_page},
      {{"snapshot_100000", "a snapshot of a directory", 100'000}, snapshot_create},
      {{"clone_100000", "a clone of a directory", 100'000}, clone_directory},
      {{"rollback_100000", "a directory put back to a snapshot", 100'000}, roll_back_directory},
      {{"diff_100_100000", "100 changed files of a clone, compared with its source", 100'000},
       diff_clone},
      {{"merge_100_100_100000", "a clone merged, 100 files changed on both sides", 100'000},
       merge_clone},
      {{"remove_100000", "a clone of a directory removed with all below it", 100'000},
       remove_directory},
      {{"first_page_1000000", "the first page of a directory", 1'000'000}, first_page},
      {{"snapshot_1000000", "a snapshot of a directory", 1'000'000}, snapshot_create},
      {{"clone_1000000", "a clone of a directory", 1'000'000}, clone_directory},
      {{"rollback_1000000", "a directory put back to a snapshot", 1'000'000}, roll_back_directory},
      {{"diff_100_1000000", "100 changed files of a clone, compared with its source", 1'000'000},
       diff_clone},
      {{"remove_1000000", "a clone of a directory removed with all below it", 1'000'000},
       remove_directory},
      {{"first_page_10000000", "the first page of a directory", 10'000'000}, first_page},
      {{"snapshot_10000000", "a snapshot of a directory", 10'000'000}, snapshot_create},
  };
}

std::vector<RowInfo> bench_rows() {
  std::vector<RowInfo> infos;
  for (const auto& it : all_rows()) infos.push_back(it.info);
  return infos;
}

Result<BenchSummary> run_bench(const BenchParts& parts, const BenchOptions& options,
                               const BenchListener& listener) {
  NOKV_ASSIGN(std::vector<RowSpec> rows, chosen_rows(options));
  Scene scene(parts, options);
  if (auto begun = scene.begin(); !begun) {
    (void)scene.end();
    return std::unexpected(std::move(begun).error());
  }
  BenchSummary summary;
  summary.directory = scene.root();
  for (const RowSpec& spec : rows) {
    if (options.stop.stop_requested()) break;
    listener.begins(spec.info.name, summary.measured + summary.failed, rows.size());
    Row row = measure_row(scene, spec);
    if (options.stop.stop_requested()) break;
    ++(row.value ? summary.measured : summary.failed);
    listener.measured(row);
  }
  NOKV_TRY(scene.end());
  if (options.stop.stop_requested()) return fail(Code::cancelled, "interrupted");
  return summary;
}

}  // namespace nokv::bench
