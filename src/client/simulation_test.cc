// The whole server with its clients, store and network, from one seed: workload and faults, then
// healing, then the oracles of client/testing/sim_history.h.
//
// NOKV_SIM_SEEDS says how many seeds are tried, NOKV_SEED tries one.
#include <gtest/gtest.h>

#include "client/testing/sim_client.h"

namespace nokv::client {
namespace {

using namespace std::chrono_literals;

TEST(Simulation, ThinLine) {
  auto run = [](uint64_t seed) {
    SimWorld world(seed);
    SimHistory history(world);
    EXPECT_TRUE(world.start_server());
    SimClient client(world, history, "alice");
    bool ready = false;
    client.ask<codec::StatusReply>(codec::Method::init, codec::InitRequest(),
                                   [&](const codec::StatusReply&) { ready = true; });
    EXPECT_TRUE(world.run_until([&] { return ready; }, 1min));
    client.start(3);
    world.run_for(5s);
    world.crash_server(SimCrash::power);
    world.run_for(1s);
    EXPECT_TRUE(world.start_server());
    world.run_for(5s);
    client.pause();
    EXPECT_TRUE(world.run_until([&] { return client.idle(); }, 20min));
    for (const std::string& complaint : history.judge()) ADD_FAILURE() << complaint;
    auto counts = history.counts();
    printf("requests %lu done %lu refused %lu unknown %lu early %lu resent %lu reads %lu\n",
           counts.requests, counts.done, counts.refused, counts.unknown, counts.early,
           counts.resent, counts.reads);
    return world.scheduler().history();
  };
  EXPECT_EQ(run(1), run(1));
}

}  // namespace
}  // namespace nokv::client
