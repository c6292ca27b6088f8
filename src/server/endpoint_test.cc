// Who is near, and what becomes of deadlines is with the service (pages_test.cc has a host).
#include "server/endpoint.h"

#include <gtest/gtest.h>

#include "server/server.h"

namespace nokv::server {
namespace {

TEST(Endpoint, OnlyPeersOfThisMachineMayBeToldDirectories) {
  for (const char* peer :
       {"unix:/run/nokv", "127.0.0.1:5000", "[::1]:5000", "nokv://127.0.0.1:1"}) {
    EXPECT_TRUE(is_local_peer(peer)) << peer;
  }
  for (const char* peer : {"10.0.0.1:5000", "128.127.0.1:1", "[2001:db8::1]:1", "", "1127.0.0.1"}) {
    EXPECT_FALSE(is_local_peer(peer)) << peer;
  }
}

TEST(Endpoint, OnlyLoopbackAddressesAreServedWithoutMore) {
  EXPECT_TRUE(is_loopback({.host = "127.0.0.1"}));
  EXPECT_TRUE(is_loopback({.host = "localhost"}));
  EXPECT_TRUE(is_loopback({.host = "::1"}));
  EXPECT_FALSE(is_loopback({.host = "0.0.0.0"}));
  EXPECT_FALSE(is_loopback({.host = "192.168.1.1"}));
}

}  // namespace
}  // namespace nokv::server
