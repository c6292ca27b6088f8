// The rows, one function each: fills in `row`, whose name is set. Errors: why it could not.
#pragma once

#include <string_view>
#include <vector>

#include "bench/row.h"
#include "bench/scene.h"

namespace nokv::bench {

struct RowSpec {
  RowInfo info;
  Result<> (*measure)(Scene&, Row&, uint64_t entries);
};

std::vector<RowSpec> all_rows();

// rows_create.cc
Result<> create_durable(Scene& scene, Row& row, uint64_t);
Result<> create_early(Scene& scene, Row& row, uint64_t);
Result<> create_batches(Scene& scene, Row& row, uint64_t);
Result<> create_16_writers(Scene& scene, Row& row, uint64_t);

// rows_read.cc
Result<> stat_one(Scene& scene, Row& row, uint64_t);
Result<> stat_pipelined(Scene& scene, Row& row, uint64_t);
Result<> list_all(Scene& scene, Row& row, uint64_t entries);
Result<> first_page(Scene& scene, Row& row, uint64_t entries);
Result<> snapshot_create(Scene& scene, Row& row, uint64_t entries);

// rows_clone.cc
Result<> clone_directory(Scene& scene, Row& row, uint64_t entries);
Result<> roll_back_directory(Scene& scene, Row& row, uint64_t entries);
Result<> remove_directory(Scene& scene, Row& row, uint64_t entries);
Result<> diff_clone(Scene& scene, Row& row, uint64_t entries);
Result<> merge_clone(Scene& scene, Row& row, uint64_t entries);
Result<> stat_in_clone(Scene& scene, Row& row, uint64_t);
Result<> list_clone(Scene& scene, Row& row, uint64_t entries);

// rows_watch.cc
Result<> watch_delivery(Scene& scene, Row& row, uint64_t);
Result<> watch_10(Scene& scene, Row& row, uint64_t);

// rows_body.cc
Result<> put_small(Scene& scene, Row& row, uint64_t);
Result<> get_small(Scene& scene, Row& row, uint64_t);
Result<> publish_1m(Scene& scene, Row& row, uint64_t);
Result<> publish_64m(Scene& scene, Row& row, uint64_t);
Result<> read_64m(Scene& scene, Row& row, uint64_t);
Result<> samples_cold(Scene& scene, Row& row, uint64_t);
Result<> samples_warm(Scene& scene, Row& row, uint64_t);

}  // namespace nokv::bench
