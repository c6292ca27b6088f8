// A simulated namespace with fsck, and ways to damage it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/digester.h"
#include "codec/key.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard {

class CheckedNamespace : public testing::Test {
 protected:
  explicit CheckedNamespace(BackgroundOptions background = SimNamespace::quiet_background())
      : ns(1, std::move(background)) {}
  void SetUp() override;

  codec::CommitReply must(std::vector<codec::Operation> operations);

  codec::FsckReply fsck(const codec::FsckRequest& request = {});
  static std::string text(const codec::FsckReply& reply);
  void expect_clean(const codec::FsckRequest& request = {});
  // One of the problems has the code; gives the first of them.
  codec::Problem expect_found(std::string_view code, const codec::FsckRequest& request = {});
  // --repair mends all of it, and a second run is clean.
  void expect_mended();

  // Writes past the shard, straight into the engine; a change after it makes the shard look again.
  void plant(const std::string& key, std::optional<std::string> value);
  std::string stored(const std::string& key);
  // Reads a record of a versioned table, lets `change` change it, and writes it back.
  template <class T>
  void alter(const std::string& key, const std::function<void(T&)>& change) {
    std::string value = stored(key);
    std::string_view rest = value;
    uint64_t birth = 0;
    T record;
    ASSERT_TRUE(codec::take_birth(rest, birth) && codec::decode(rest, record));
    change(record);
    plant(key, codec::versioned_value(birth, record));
  }
  // The same for tables that hold only the present.
  template <class T>
  void alter_row(const std::string& key, const std::function<void(T&)>& change) {
    T record;
    ASSERT_TRUE(codec::decode(stored(key), record));
    change(record);
    plant(key, codec::encoded(record));
  }
  std::vector<std::string> keys(const std::string& prefix);
  std::vector<std::string> keys(codec::Table table) { return keys(codec::table_key(table)); }
  std::vector<std::string> past_keys(codec::Table table);

  codec::NodeId id_of(const std::string& path);
  uint64_t blob_of(const std::string& path) { return ns.stat(path)->body.blob; }

  static codec::Digest digest_of(codec::DigestKind kind, std::string_view bytes);
  // A file whose body lies in the store.
  void put_big(const std::string& path, const std::string& bytes, codec::Digest digest = {});
  void put_object(const std::string& name, const std::string& bytes);
  codec::GcReply gc();

  SimNamespace ns;

 private:
  int pokes_ = 0;
};

codec::Operation clone_op(const std::string& from, const std::string& to,
                          const std::string& from_at = {});

}  // namespace nokv::shard
