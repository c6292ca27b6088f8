// The whole server with its clients, store and network, from one seed: workload and faults, then
// healing, then the oracles of client/testing/sim_history.h.
//
// NOKV_SIM_SEEDS says how many seeds are tried, NOKV_SEED tries one and prints its history.
#include <cstdio>
#include <cstdlib>

#include <gtest/gtest.h>

#include "client/testing/sim_run.h"

namespace nokv::client {
namespace {

// A number of the environment, or 0.
uint64_t number(const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

// Sanitizers make it ten to twenty times slower.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSeeds = 20;
#else
constexpr uint64_t kSeeds = 200;
#endif

void print(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fputc('\n', stderr);
}

TEST(Simulation, WhateverFailsEveryPromiseHolds) {
  uint64_t one = number("NOKV_SEED");
  uint64_t first = one != 0 ? one : 1;
  uint64_t seeds = number("NOKV_SIM_SEEDS") != 0 ? number("NOKV_SIM_SEEDS") : kSeeds;
  uint64_t last = one != 0 ? one : seeds;
  SimHistory::Counts all;
  uint64_t crashes = 0;
  uint64_t heard = 0;
  uint64_t gaps = 0;
  for (uint64_t seed = first; seed <= last; ++seed) {
    // A check() that fails ends the process: the seed has to be there by then.
    std::fprintf(stderr, "\rNOKV_SEED=%lu ", seed);
    SimResult result = run_simulation(seed, one != 0 ? print : nullptr);
    for (const std::string& complaint : result.complaints) {
      ADD_FAILURE() << "NOKV_SEED=" << seed << ": " << complaint;
    }
    if (HasFailure()) return;
    all.done += result.counts.done;
    all.refused += result.counts.refused;
    all.unknown += result.counts.unknown;
    all.early += result.counts.early;
    all.resent += result.counts.resent;
    all.reads += result.counts.reads;
    crashes += result.crashes;
    heard += result.heard;
    gaps += result.gaps;
  }
  RecordProperty("requests_done", static_cast<int>(all.done));
  std::printf(
      "%lu done, %lu refused, %lu unknown, %lu early, %lu sent again, %lu reads, "
      "%lu crashes, %lu events heard, %lu gaps\n",
      all.done, all.refused, all.unknown, all.early, all.resent, all.reads, crashes, heard, gaps);
  // A workload in which nothing happens proves nothing.
  uint64_t runs = last - first + 1;
  EXPECT_GT(all.done, runs * 50);
  EXPECT_GT(all.resent, runs);
  EXPECT_GT(all.reads, runs * 50);
  EXPECT_GT(heard, runs * 100);
}

TEST(Simulation, OneSeedIsOneHistory) {
  SimResult first = run_simulation(7);
  SimResult second = run_simulation(7);
  EXPECT_EQ(first.digest, second.digest);
  EXPECT_NE(first.digest, run_simulation(8).digest);
}

}  // namespace
}  // namespace nokv::client
