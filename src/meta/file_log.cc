#include "meta/file_log.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "codec/key.h"
#include "meta/read.h"

namespace nokv::meta {

namespace {

class FileLog {
 public:
  FileLog(const State& state, const std::string& path)
      : state_(state), view_(state.view()), path_(path) {}

  Result<std::vector<codec::LogEntry>> run() {
    NOKV_TRY(see_path(Moment(), ""));
    for (const auto& [version, pins] : state_.pins->by_version()) {
      std::string at = str("v", version);
      auto moment =
          resolve_at(view_, *state_.pins, state_.record.policy, at, path_, state_.record.time_ns);
      if (moment && moment->version == kNow) continue;
      if (moment) NOKV_TRY(see_path(*moment, at));
      for (uint64_t id : pins) {
        const codec::PinRecord& pin = *state_.pins->find(id);
        // The base of a clone goes with the clone, so nobody can count on it.
        if (!pin.going && pin.kind != codec::PinKind::clone) NOKV_TRY(see_file(pin, at));
      }
    }
    if (entries_.empty()) return fail(Code::not_found, path_, ": no kept version has it");
    std::ranges::sort(entries_, std::greater<>(), [](const codec::LogEntry& entry) {
      return std::tie(entry.generation, entry.path);
    });
    return std::move(entries_);
  }

 private:
  // What the path showed.
  Result<> see_path(const Moment& moment, const std::string& at) {
    auto located = resolve_path_at(view_, moment, path_, true);
    if (!located || located->dentry.kind == codec::Kind::directory) return {};
    Tree tree(view_, moment.version, moment.scope);
    if (!file_) {
      file_ = located->id();
      learn({located->parent, located->name});
      NOKV_TRY(learn_places(tree));
    }
    return add(tree, *located, path_, at);
  }

  // Where the file was, if it was elsewhere.
  Result<> see_file(const codec::PinRecord& pin, const std::string& at) {
    if (!file_) return {};
    Tree tree(view_, pin.version, pin.scope);
    NOKV_TRY(learn_places(tree));
    if (pin.parent) {  // of one file
      if (pin.scope != file_) return {};
      return see_place(tree, {pin.parent, pin.name}, pin.path, at);
    }
    for (const FileName& place : places_) {
      NOKV_ASSIGN(auto directory, tree.shown_path(place.parent, pin.scope, pin.path));
      if (directory) {
        NOKV_TRY(see_place(tree, place, join_path(*directory, place.name), at));
      }
    }
    return {};
  }

  Result<> see_place(const Tree& tree, const FileName& place, const std::string& path,
                     const std::string& at) {
    NOKV_ASSIGN(auto dentry, tree.dentry(place.parent, place.name));
    if (!dentry || dentry->child != file_) return {};
    return add(tree, {place.parent, place.name, *std::move(dentry)}, path, at);
  }

  // Where the file may have been at the tree's version, or before.
  Result<> learn_places(const Tree& tree) {
    NOKV_ASSIGN(auto moved, tree.moved(file_));
    if (moved) {
      learn({moved->parent, moved->name});
      learn({moved->first_parent, moved->first_name});
    }
    NOKV_ASSIGN(auto names, tree.names(file_));
    for (auto& name : names) learn(std::move(name));
    return {};
  }

  void learn(FileName place) {
    bool known = std::ranges::any_of(places_, [&](const FileName& it) {
      return it.parent == place.parent && it.name == place.name;
    });
    if (!known) places_.push_back(std::move(place));
  }

  Result<> add(const Tree& tree, const Located& located, const std::string& path,
               const std::string& at) {
    NOKV_ASSIGN(auto entry, entry_of(tree, located));
    if (!seen_.emplace(entry.id, entry.body.generation).second) return {};
    entries_.push_back({path, entry.body.generation, entry.body.size, entry.body.digest,
                        entry.attributes.ctime_ns, entry.body.principal,
                        codec::EventKind::published, true, at});
    return {};
  }

  const State& state_;
  View view_;
  const std::string& path_;
  NodeId file_;                   // at the path, as the newest version shows it
  std::vector<FileName> places_;  // where it was
  std::set<std::pair<NodeId, uint64_t>> seen_;
  std::vector<codec::LogEntry> entries_;
};

}  // namespace

Result<std::vector<codec::LogEntry>> file_log(const State& state, const std::string& path) {
  return FileLog(state, path).run();
}

}  // namespace nokv::meta
