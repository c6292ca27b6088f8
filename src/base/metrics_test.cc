#include "base/metrics.h"

#include <thread>

#include <gtest/gtest.h>

namespace nokv {
namespace {

TEST(Metrics, TheTextHasHelpTypeAndSamplesByName) {
  Metrics metrics;
  metrics.gauge("nokv_shard_queue_requests", "waiting; high: too slow").set(-3);
  metrics.counter("nokv_log_bytes_total", "written\nto \\ the log").add(7);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP nokv_log_bytes_total written\\nto \\\\ the log\n"
            "# TYPE nokv_log_bytes_total counter\n"
            "nokv_log_bytes_total 7\n"
            "# HELP nokv_shard_queue_requests waiting; high: too slow\n"
            "# TYPE nokv_shard_queue_requests gauge\n"
            "nokv_shard_queue_requests -3\n");
}

TEST(Metrics, EachCombinationOfLabelsIsASeries) {
  Metrics metrics;
  metrics.counter("nokv_rpc_requests_total", "h", {{"verb", "put"}}).add(2);
  metrics.counter("nokv_rpc_requests_total", "h", {{"verb", "a\"b\\"}}).add();
  metrics.counter("nokv_rpc_requests_total", "h", {{"verb", "put"}}).add();
  EXPECT_EQ(metrics.prometheus(),
            "# HELP nokv_rpc_requests_total h\n"
            "# TYPE nokv_rpc_requests_total counter\n"
            "nokv_rpc_requests_total{verb=\"a\\\"b\\\\\"} 1\n"
            "nokv_rpc_requests_total{verb=\"put\"} 3\n");
}

TEST(Metrics, AHistogramsBucketsAreCumulativeAndInclusive) {
  Metrics metrics;
  const double bounds[] = {0.5, 2};
  Histogram& histogram = metrics.histogram("nokv_log_sync_seconds", "h", bounds, {{"disk", "a"}});
  for (double value : {0.25, 0.5, 1.0, 4.0}) histogram.observe(value);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP nokv_log_sync_seconds h\n"
            "# TYPE nokv_log_sync_seconds histogram\n"
            "nokv_log_sync_seconds_bucket{disk=\"a\",le=\"0.5\"} 2\n"
            "nokv_log_sync_seconds_bucket{disk=\"a\",le=\"2\"} 3\n"
            "nokv_log_sync_seconds_bucket{disk=\"a\",le=\"+Inf\"} 4\n"
            "nokv_log_sync_seconds_sum{disk=\"a\"} 5.75\n"
            "nokv_log_sync_seconds_count{disk=\"a\"} 4\n");
  EXPECT_EQ(histogram.snapshot().count(), 4U);
}

TEST(Metrics, AGaugeMayBeAskedWhenTheTextIsMade) {
  Metrics metrics;
  double value = 1;
  metrics.gauge_from("nokv_process_memory_bytes", "h", [&] { return value; });
  value = 2.5;
  EXPECT_NE(metrics.prometheus().find("nokv_process_memory_bytes 2.5\n"), std::string::npos);
}

TEST(Metrics, NoAdditionIsLostBetweenThreads) {
  Metrics metrics;
  Counter& counter = metrics.counter("nokv_test_things_total", "h");
  Histogram& histogram = metrics.histogram("nokv_test_wait_seconds", "h", duration_buckets());
  {
    auto add = [&] {
      for (int i = 0; i < 10000; ++i) {
        counter.add();
        histogram.observe(1);
      }
    };
    std::jthread a(add);
    std::jthread b(add);
  }
  EXPECT_EQ(counter.value(), 20000U);
  EXPECT_EQ(histogram.snapshot().count(), 20000U);
  EXPECT_EQ(histogram.snapshot().sum, 20000);
}

TEST(Metrics, ANameThatBreaksTheRulesIsNoticed) {
  Metrics metrics;
  EXPECT_DEATH(metrics.counter("nokv_log_written_bytes", "h"), "_total");
  EXPECT_DEATH(metrics.gauge("nokv_log_bytes_total", "h"), "_total");
  EXPECT_DEATH(metrics.gauge("log_queue_bytes", "h"), "nokv_");
  EXPECT_DEATH(metrics.gauge("nokv_log_Queue_bytes", "h"), "nokv_");
  EXPECT_DEATH(metrics.gauge("nokv_bytes", "h"), "nokv_");
  metrics.gauge("nokv_log_segments", "h");
  metrics.gauge("nokv_log_queue_bytes", "h");
  EXPECT_DEATH(metrics.histogram("nokv_log_queue_bytes", "h", size_buckets()), "one kind");
}

}  // namespace
}  // namespace nokv
