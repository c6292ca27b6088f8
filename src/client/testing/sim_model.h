// The namespace as anybody would write it down: paths and contents, one operation after another.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "codec/rpc.h"

namespace nokv::client {

// A value. Knows directories, files with several names, and the operations that SimClient sends.
class SimModel {
 public:
  // All of `operations` as the record of `version`, or nothing and why. What uploads bring is in
  // `bodies`, by first blob.
  using Bodies = std::map<uint64_t, std::shared_ptr<const std::string>>;
  Result<> apply(const std::vector<codec::OperationBox>& operations, uint64_t version,
                 const Bodies& bodies);

  // What a read must show, as text: the same as the functions below make of an answer.
  std::string stat(const std::string& path) const;
  std::string list(const std::string& path) const;
  std::optional<std::string> content(const std::string& path) const;

  // Every path but the root, in order.
  std::vector<std::string> paths() const;
  // Every entry as "path stat", one a line.
  std::string dump() const;

 private:
  struct File {
    std::shared_ptr<const std::string> bytes;
    uint64_t generation = 0;
    uint32_t links = 1;
    bool unsure_links = false;  // a name went with a tree, and counts until that is swept
  };
  struct Node {
    uint64_t file = 0;       // 0: a directory
    uint64_t directory = 0;  // and which one
  };
  struct Change {
    uint64_t version;
    const Bodies& bodies;
    std::set<uint64_t> published;
  };

  Result<> run(const codec::Operation& operation, Change& change);
  Result<> run(const codec::Mkdir& op, Change& change);
  Result<> run(const codec::Publish& op, Change& change);
  Result<> run(const codec::Append& op, Change& change);
  Result<> run(const codec::Link& op, Change& change);
  Result<> run(const codec::Rename& op, Change& change);
  Result<> run(const codec::Remove& op, Change& change);
  Result<> run(const codec::Check& op, Change& change);
  Result<> run(const codec::SnapshotCreate& op, Change& change);
  Result<> run(const codec::SnapshotRemove& op, Change& change);
  Result<> run(const codec::SetQuota& op, Change& change);
  Result<> run(const codec::OpenUpload&, Change&) { return {}; }
  Result<> run(const codec::CloseUpload&, Change&) { return {}; }
  template <class Other>
  Result<> run(const Other&, Change&) {
    return fail(Code::unimplemented, "the model does not know this operation");
  }

  struct Usage {
    uint64_t bytes = 0;
    uint64_t entries = 0;  // of all directories below too
  };

  const Node* find(const std::string& path) const;
  Usage usage(const std::string& path) const;
  // Against the state before the transaction.
  Result<> check_quotas(const SimModel& before) const;
  bool is_directory(const std::string& path) const;
  Result<> has_place(const std::string& path) const;
  std::vector<std::string> below(const std::string& path) const;
  void unlink(const std::string& path);
  void move(const std::string& from, const std::string& to);
  Result<> publish(uint64_t file, std::shared_ptr<const std::string> bytes, Change& change);

  std::map<std::string, Node> nodes_;  // without the root
  std::map<uint64_t, File> files_;
  std::set<std::string> snapshots_;
  std::map<uint64_t, codec::SetQuota> quotas_;  // by directory
  uint64_t last_file_ = 0;
  uint64_t last_directory_ = 0;
};

// Whether an answer's words are those of the model, where "links=?" stands for any number.
bool same_words(std::string_view of_model, std::string_view of_answer);

// "publish /a/f, remove /b": for people who look into a seed that fails.
std::string words(const std::vector<codec::OperationBox>& operations);

// One entry of an answer, as SimModel::stat() says it.
std::string stat_text(const codec::Entry& entry);
// A whole listing, as SimModel::list() says it.
std::string list_text(const std::vector<codec::Entry>& entries);

}  // namespace nokv::client
