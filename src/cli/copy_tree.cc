#include "cli/copy_tree.h"

#include <utility>
#include <vector>

#include "cli/paths.h"

namespace nokv::cli {
namespace {

constexpr size_t kBatch = 2000;

class Copier {
 public:
  Copier(Context& context, Client& client, const CopyTree& what, bool& partly)
      : context_(context), client_(client), what_(what), partly_(partly) {}

  Result<CopiedTree> run() {
    // Directories still to be read, as paths below the source: "" first. Depth first keeps it
    // short.
    std::vector<std::string> left = {""};
    bool first = true;
    while (!left.empty()) {
      std::string below = std::move(left.back());
      left.pop_back();
      NOKV_TRY(directory(below, first, left));
      first = false;
    }
    NOKV_TRY(send());
    return done_;
  }

 private:
  Result<> directory(const std::string& below, bool first, std::vector<std::string>& left) {
    std::string from = what_.from + below;
    std::string to = what_.to + below;
    auto lister =
        client_.list({.target = {.path = from}, .at = {.at = what_.at}, .call = context_.call()});
    NOKV_ASSIGN(auto entry, lister.next());
    if (first) {
      done_.at = lister.version();
      NOKV_TRY(make_directory(to, lister.directory(), what_.parents));
    }
    for (; entry;) {
      std::string name = "/" + entry->name;
      if (entry->kind == codec::Kind::directory) {
        NOKV_TRY(make_directory(to + name, *entry, false));
        left.push_back(below + name);
      } else {
        NOKV_TRY(file(from + name, to + name, *entry));
      }
      NOKV_ASSIGN(entry, lister.next());
    }
    return {};
  }

  Result<> make_directory(std::string path, const codec::Entry& entry, bool parents) {
    ++done_.directories;
    return add(codec::Mkdir{.target = {.path = std::move(path)},
                            .mode = entry.attributes.mode,
                            .uid = entry.attributes.uid,
                            .gid = entry.attributes.gid,
                            .parents = parents,
                            .exist_ok = true});
  }

  Result<> file(std::string from, std::string to, const codec::Entry& entry) {
    ++done_.files;
    if (entry.kind == codec::Kind::symlink) {
      // Copy would follow it.
      return add(codec::MakeNode{.target = {.path = std::move(to)},
                                 .kind = codec::Kind::symlink,
                                 .link_target = entry.target,
                                 .mode = 0777,
                                 .uid = entry.attributes.uid,
                                 .gid = entry.attributes.gid});
    }
    return add(codec::Copy{.from = {.path = std::move(from)},
                           .from_at = what_.at,
                           .to = {.path = std::move(to)},
                           .exists = what_.rules.exists,
                           .if_generation = what_.rules.if_generation,
                           .keep_undo = true});
  }

  Result<> add(codec::Operation operation) {
    operations_.push_back(std::move(operation));
    return operations_.size() < kBatch ? Result<>() : send();
  }

  Result<> send() {
    if (operations_.empty()) return {};
    auto reply = client_.commit(std::exchange(operations_, {}), context_.write_options());
    if (!reply) return std::unexpected(std::move(reply).error());
    done_.version = reply->version;
    partly_ = true;
    return {};
  }

  Context& context_;
  Client& client_;
  const CopyTree& what_;
  bool& partly_;
  std::vector<codec::Operation> operations_;
  CopiedTree done_;
};

}  // namespace

Result<CopiedTree> copy_tree(Context& context, Client& client, const CopyTree& what, bool& partly) {
  partly = false;
  return Copier(context, client, what, partly).run();
}

}  // namespace nokv::cli
