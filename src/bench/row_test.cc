#include "bench/row.h"

#include <gtest/gtest.h>

namespace nokv::bench {
namespace {

TEST(Statistics, TheMedianIsTheMiddleOrTheMeanOfTheTwoThere) {
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({4, 1, 100, 2}), 3);
}

TEST(Statistics, APercentileIsOneOfTheValues) {
  std::vector<double> hundred;
  for (int i = 1; i <= 100; ++i) hundred.push_back(i);
  EXPECT_EQ(percentile(hundred, 0.5), 50);
  EXPECT_EQ(percentile(hundred, 0.99), 99);
  EXPECT_EQ(percentile(hundred, 0.991), 100);
  EXPECT_EQ(percentile(hundred, 1), 100);
  EXPECT_EQ(percentile({3}, 0.01), 3);
}

TEST(BenchRow, TakesTheMedianOfItsRunsAndThePercentilesOfAllTheirOperations) {
  Row row;
  row.take({{30, {1, 1, 1}}, {10, {2, 2, 2}}, {20, {9}}});
  EXPECT_EQ(row.value, 20);
  EXPECT_EQ(row.min, 10);
  EXPECT_EQ(row.max, 30);
  EXPECT_EQ(row.count, 3);
  EXPECT_EQ(row.p50_us, 2);
  EXPECT_EQ(row.p99_us, 9);
}

TEST(BenchRow, WithoutLatenciesHasNoPercentiles) {
  Row row;
  row.take({{5, {}}});
  EXPECT_EQ(row.value, 5);
  EXPECT_FALSE(row.p50_us);
}

TEST(BenchRow, TheRatioNeedsBothTheValueAndAFloor) {
  Row row;
  row.value = 30;
  EXPECT_FALSE(row.ratio());
  row.floor = Floor{"echo", 20, "us"};
  EXPECT_EQ(row.ratio(), 1.5);
  row.value.reset();
  EXPECT_FALSE(row.ratio());
}

}  // namespace
}  // namespace nokv::bench
