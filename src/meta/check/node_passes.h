// Rows about nodes, each against the others: what the walk from the top cannot see.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meta/check/pass.h"
#include "meta/check/tree_pass.h"

namespace nokv::meta::fsck {

// Each directory has a name, each other node the links that it counts.
class NodePass final : public TablePass {
 public:
  NodePass(const Subject& subject, Report& report)
      : TablePass("nodes", subject, report, codec::table_key(codec::Table::node)) {}
  uint64_t directories() const { return directories_; }

 private:
  Result<> row(std::string_view key, std::string_view value) override;
  Result<> see_directory(const NodeId& id, const codec::Directory& directory);
  Result<> see_file(const NodeId& id, const codec::NodeRecord& record);
  Result<> see_whiteout(const NodeId& id);

  uint64_t directories_ = 0;
};

// Each link row has its node and its entry.
class LinkPass final : public TablePass {
 public:
  LinkPass(const Subject& subject, Report& report)
      : TablePass("links", subject, report, codec::table_key(codec::Table::link)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// Each moved record tells where its file is.
class MovedPass final : public TablePass {
 public:
  MovedPass(const Subject& subject, Report& report)
      : TablePass("moved", subject, report, codec::table_key(codec::Table::moved)) {}

 private:
  Result<> row(std::string_view key, std::string_view value) override;
};

// Entries belong to a directory that is there, or to one that is being swept. One look for each
// directory, not for each entry.
class OwnerPass final : public Pass {
 public:
  OwnerPass(const Subject& subject, Report& report) : subject_(subject), report_(report) {}
  std::string_view name() const override { return "owners"; }
  Result<bool> step(size_t records) override;

 private:
  const Subject& subject_;
  Report& report_;
  std::unique_ptr<engine::Iterator> rows_;
};

// What left the tree and is to be swept: it is not in the tree too. Walks what lies below.
class DetachedPass final : public TablePass {
 public:
  DetachedPass(const Subject& subject, Report& report, Walked& walked)
      : TablePass("detached", subject, report, codec::table_key(codec::Table::detached)),
        walked_(walked) {}
  Result<bool> step(size_t records) override;

 private:
  Result<> row(std::string_view key, std::string_view value) override;

  Walked& walked_;
  std::unique_ptr<TreePass> below_;
};

// When the walks met fewer directories than there are: those in a ring of parents.
class RingPass final : public TablePass {
 public:
  RingPass(const Subject& subject, Report& report, const Walked& walked, const NodePass& nodes)
      : TablePass("rings", subject, report, codec::table_key(codec::Table::node)),
        walked_(walked),
        nodes_(nodes) {}
  Result<bool> step(size_t records) override;

 private:
  Result<> row(std::string_view key, std::string_view value) override;

  const Walked& walked_;
  const NodePass& nodes_;
};

// Chunk records are mentioned by a body or marked to be swept. The walks counted those mentioned;
// when rows are left over, they are looked for in batches of kBatch bodies, with one more scan of
// all entries for each batch.
class ChunkPass final : public TablePass {
 public:
  static constexpr size_t kBatch = 1 << 16;
  ChunkPass(const Subject& subject, Report& report, const Walked& walked)
      : TablePass("chunks", subject, report, codec::table_key(codec::Table::chunk)),
        walked_(walked) {}
  Result<bool> step(size_t records) override;

 private:
  struct Chunks {
    NodeId file;
    uint64_t body_number = 0;
    auto operator<=>(const Chunks&) const = default;
  };
  Result<> row(std::string_view key, std::string_view value) override;
  Result<> end() override;
  Result<bool> strike_off(size_t records);
  Result<> next_batch();

  const Walked& walked_;
  uint64_t rows_seen_ = 0;
  uint64_t swept_ = 0;
  std::optional<Chunks> last_;
  bool last_swept_ = false;
  // Looking for those left over.
  bool searching_ = false;
  Chunks from_;
  std::vector<std::pair<Chunks, bool>> batch_;  // sorted; whether somebody mentions it
  bool in_nodes_ = false;
  std::unique_ptr<engine::Iterator> mentions_;
};

}  // namespace nokv::meta::fsck
