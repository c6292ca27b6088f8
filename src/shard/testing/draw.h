// Draws requests that often work and sometimes must not, for tests against the model.
#pragma once

#include <string>

#include "base/sim/sim_random.h"
#include "codec/operation.h"
#include "shard/testing/model.h"

namespace nokv::shard::model {

// Home: the test. What it draws depends on the random numbers and the world only.
class Draw {
 public:
  Draw(SimRandom& random, const World& world, uint64_t version)
      : random_(random), world_(world), version_(version) {}

  // One transaction, of one or several operations.
  codec::CommitRequest request();

  // A path: of something that is there, of something new in a directory that is there, or any.
  std::string path(const Tree& tree);
  std::string existing_path(const Tree& tree);
  std::string directory_path(const Tree& tree);
  std::string new_path(const Tree& tree);
  std::string snapshot_name();
  Bytes bytes(size_t most);

 private:
  bool chance(uint64_t percent) { return random_.below(100) < percent; }
  std::string name();
  codec::Target target(const Tree& tree, const std::string& path);
  // A path that a pin keeps, and what to call that pin.
  std::pair<std::string, std::string> kept_path();
  uint64_t generation(const Tree& tree, const std::string& path);
  codec::NewBody body();
  codec::NewBody imported();
  void give(auto& op);  // times and extended attributes
  bool body_of_upload(codec::NewBody& out);

  codec::Operation operation(const Tree& tree, bool first, bool alone);
  codec::Operation publish(const Tree& tree, bool alone);
  codec::Operation append(const Tree& tree);
  codec::Operation make_node(const Tree& tree);
  codec::Operation rename(const Tree& tree, bool alone);
  codec::Operation remove(const Tree& tree, bool alone);
  codec::Operation attributes(const Tree& tree);
  codec::Operation precondition(const Tree& tree);
  codec::Operation snapshot();
  codec::Operation policy();
  codec::Operation copy(const Tree& tree, bool alone);
  codec::Operation undelete(const Tree& tree);
  codec::Operation clone(const Tree& tree, bool alone);
  codec::Operation rollback(const Tree& tree);
  codec::Operation into_the_gone();
  codec::Operation quota(const Tree& tree);

  SimRandom& random_;
  const World& world_;
  uint64_t version_;  // the newest
};

// One line that says what an operation asks for.
std::string describe(const codec::Operation& op);
std::string describe(const codec::CommitRequest& request);

}  // namespace nokv::shard::model
