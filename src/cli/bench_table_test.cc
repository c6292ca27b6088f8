#include "cli/bench_table.h"

#include <string>

#include <gtest/gtest.h>

#include "base/sim/sim_clock.h"

namespace nokv::cli {
namespace {

bench::Row some_row() {
  bench::Row row;
  row.row = "create_durable";
  row.unit = "us";
  row.boundary = "rpc";
  row.durability = "durable";
  row.cache = "none";
  row.take({{200, {190, 210}}, {220, {220}}, {210, {230}}});
  row.floor = bench::Floor{"fdatasync+echo", 140, "us"};
  return row;
}

// Scripts read these names.
TEST(BenchJson, HasTheDocumentedFields) {
  EXPECT_EQ(bench_json(some_row()).text(),
            R"({"row":"create_durable","value":210.0,"unit":"us","p50_us":210.0,"p99_us":230.0,)"
            R"("runs":{"min":200.0,"max":220.0,"count":3},)"
            R"("floor":{"row":"fdatasync+echo","value":140.0,"unit":"us"},"ratio":1.500,)"
            R"("boundary":"rpc","durability":"durable","cache":"none","concurrency":1})");
}

TEST(BenchJson, AFailedRowHasNoValueAndSaysWhy) {
  bench::Row row = some_row();
  row.value.reset();
  row.error = "the disk is full";
  std::string text = bench_json(row).text();
  EXPECT_NE(text.find(R"("value":null)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("ratio":null)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("error":"the disk is full")"), std::string::npos) << text;
}

TEST(Figures, HaveNoMoreDigitsThanMeanSomething) {
  EXPECT_EQ(figure(0.12345), "0.123");
  EXPECT_EQ(figure(12.345), "12.35");
  EXPECT_EQ(figure(123.45), "123.5");
  EXPECT_EQ(figure(1234567.8), "1234568");
}

TEST(CommaSeparated, TakesListsAndRepeatedOptions) {
  EXPECT_EQ(comma_separated({"a,b", ",c,", ""}), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(BenchTable, WritesItsHeadingOnceAndFailedRowsInTheirPlace) {
  std::string written;
  Output out([&](std::string_view bytes) -> Result<> { return written += bytes, Result<>(); },
             [](std::string_view) { return Result<>(); });
  SimClock clock;
  BenchTable table(out, clock, "bench");
  bench::Row failed = some_row();
  failed.value.reset();
  failed.error = "refused";
  auto listener = table.listener();
  listener.measured(some_row());
  listener.measured(failed);
  EXPECT_TRUE(written.starts_with("row ")) << written;
  EXPECT_EQ(written.find("row ", 1), std::string::npos) << written;
  EXPECT_NE(written.find("210.0 us"), std::string::npos) << written;
  EXPECT_NE(written.find("failed: refused"), std::string::npos) << written;
}

TEST(BenchExit, IsPartlyWhenSomeRowsFailed) {
  EXPECT_EQ(exit_of_rows({.measured = 3}), Exit::done);
  EXPECT_EQ(exit_of_rows({.measured = 3, .failed = 1}), Exit::partly);
  EXPECT_EQ(exit_of_rows({.failed = 2}), Exit::refused);
}

}  // namespace
}  // namespace nokv::cli
