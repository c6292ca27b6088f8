#include "client/merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/merge/plan.h"
#include "client/walk.h"

namespace nokv::client {

namespace {

using codec::Entry;
using codec::Kind;
using merging::Changes;

constexpr int kAttempts = 8;
constexpr size_t kDifferencesMax = 500'000;  // of a side

bool same_attributes(const Entry& a, const Entry& b) {
  return a.attributes.mode == b.attributes.mode && a.attributes.uid == b.attributes.uid &&
         a.attributes.gid == b.attributes.gid && a.xattrs == b.xattrs;
}

bool alike(const Entry& a, const Entry& b) {
  if (a.kind != b.kind || a.target != b.target || a.body.size != b.body.size) return false;
  if (a.kind != Kind::file) return a.attributes.rdev == b.attributes.rdev;
  if (a.body.size == 0) return true;
  if (a.body.blob != 0 && a.body.blob == b.body.blob) return true;
  return a.body.digest.kind != codec::DigestKind::none && a.body.digest == b.body.digest;
}

std::string plain(std::string_view path) {
  std::string out;
  for (char c : path) {
    if (c != '/' || !out.ends_with('/')) out += c;
  }
  if (!out.ends_with('/')) out += '/';
  return out;
}

// What is merged must not hold itself.
Result<> check_apart(std::string_view a, std::string_view b) {
  std::string first = plain(a);
  std::string second = plain(b);
  if (first == second) {
    return fail(Code::invalid_argument, a, ": a directory is not merged with itself");
  }
  if (first.starts_with(second)) std::swap(first, second);
  if (!second.starts_with(first)) return {};
  first.pop_back();
  second.pop_back();
  return std::unexpected(
      Error(Code::invalid_argument, str(second, ": lies inside ", first.empty() ? "/" : first))
          .with_hint("one that lies elsewhere can be merged: nokv mv"));
}

class Merge {
 public:
  Merge(Client& client, const MergeOptions& options) : client_(client), options_(options) {}

  Result<MergeReport> run() {
    report_.from = options_.from;
    report_.to = options_.to;
    if (options_.renew && !options_.at.empty()) {
      return fail(Code::invalid_argument, report_.from,
                  ": what it has now is not merged, so it is not renewed");
    }
    if (report_.to.empty()) NOKV_TRY(find_target());
    NOKV_TRY(check_apart(report_.from, report_.to));
    if (options_.choice == MergeChoice::aside) {
      NOKV_TRY(check_apart(options_.aside, report_.from));
      NOKV_TRY(check_apart(options_.aside, report_.to));
      auto there = client_.stat({.path = options_.aside}, {.call = options_.call});
      if (there) return fail(Code::already_exists, options_.aside, ": it exists");
      if (there.error().code() != Code::not_found) return std::unexpected(there.error());
    }
    std::pair<uint64_t, uint64_t> before;
    for (int attempt = 1;; ++attempt) {
      auto done = once();
      if (done && options_.renew && report_.merged && !options_.dry_run) renew();
      if (done) return report_;
      // What it was worked out from has changed since.
      bool again = done.error().code() == Code::aborted || (raced_ && is_race(done.error()));
      if (!again) return std::unexpected(std::move(done).error());
      std::pair now(report_.from_version, report_.to_version);
      if (now == before) {
        return std::unexpected(
            Error(Code::failed_precondition,
                  str("the conflicts between ", report_.from, " and ", report_.to,
                      " cannot be decided all in one way: ", done.error().message()))
                .with_hint("see them with --check, and decide those of moved directories by hand"));
      }
      before = now;
      if (attempt == kAttempts) {
        return std::unexpected(
            Error(Code::aborted,
                  str(report_.from, " and ", report_.to,
                      " change faster than they can be merged: ", done.error().message()))
                .with_hint("merge a state that rests: nokv snapshot create NAME and --at NAME"));
      }
    }
  }

 private:
  static bool is_race(const Error& error) {
    return error.code() == Code::not_found || error.code() == Code::already_exists ||
           error.code() == Code::not_directory || error.code() == Code::is_directory;
  }

  Result<> find_target() {
    NOKV_ASSIGN(auto stat, client_.stat({.path = report_.from}, {.call = options_.call}));
    if (stat.entry.kind != Kind::directory) {
      return fail(Code::not_directory, report_.from, ": only directories are merged");
    }
    if (!stat.entry.cloned_from) {
      return std::unexpected(Error(Code::failed_precondition, str(report_.from, ": is no clone"))
                                 .with_hint("say what it is merged into: nokv merge A B"));
    }
    if (stat.entry.cloned_from->path.empty()) {
      return std::unexpected(
          Error(Code::failed_precondition,
                str(report_.from, ": the directory it was cloned from is gone"))
              .with_hint("bring it back (nokv undelete), or say what it is merged into"));
    }
    report_.to = stat.entry.cloned_from->path;
    return {};
  }

  Result<> once() {
    raced_ = false;
    report_.conflicts.clear();
    Changes theirs(report_.from);
    Changes ours(report_.to);
    NOKV_ASSIGN(report_.from_version, changes(report_.to, {}, report_.from, options_.at, theirs));
    NOKV_ASSIGN(report_.to_version, changes(report_.from, options_.at, report_.to, {}, ours));
    NOKV_ASSIGN(std::string scratch, scratch_name());
    merging::Lookups lookups{
        [&](const std::string& a, const std::string& b) { return compare(a, b, alike); },
        [&](const std::string& a, const std::string& b) { return compare(a, b, same_attributes); }};
    merging::PlanInput input{
        theirs, ours, report_.to_version, options_.at, scratch, options_.choice, options_.aside};
    raced_ = true;  // what follows goes by what was read before
    NOKV_ASSIGN(auto plan, merging::plan(input, lookups));
    report_.conflicts = std::move(plan.conflicts);
    report_.counts = plan.counts;
    if (!report_.conflicts.empty() && options_.choice == MergeChoice::report) return {};
    return write(std::move(plan.steps));
  }

  // What both have now becomes their common state, unless `from` has more by now. The merge stands
  // whatever comes of it.
  void renew() {
    std::vector<codec::Operation> operations;
    operations.emplace_back(
        codec::Check{.target = {.path = report_.from}, .newest_at_most = report_.from_version});
    operations.emplace_back(codec::Clone{.from = {.path = report_.to},
                                         .to = {.path = report_.from},
                                         .replace = true,
                                         .keep_undo = true});
    auto done = client_.commit(std::move(operations), {.call = options_.call});
    if (!done) {
      bool changed = done.error().code() == Code::aborted || is_race(done.error());
      report_.not_renewed =
          changed ? "it was changed meanwhile; merge again" : done.error().message();
      return;
    }
    report_.renewed = true;
    report_.renew_undo_version = done->results.back().undo_version;
  }

  // From the common state of both to `of`.
  Result<uint64_t> changes(const std::string& other, const std::string& other_at,
                           const std::string& of, const std::string& of_at, Changes& out) {
    codec::DiffRequest request{.a = {.path = other},
                               .from = other_at,
                               .b = {.path = of},
                               .to = of_at,
                               .limit = 10'000,
                               .from_base = true};
    size_t count = 0;
    for (;;) {
      NOKV_ASSIGN(auto page, client_.diff(request, options_.call));
      count += page.differences.size();
      if (count > kDifferencesMax) {
        return fail(Code::resource_exhausted, of, ": more than ", kDifferencesMax,
                    " differences since the common state");
      }
      for (const auto& it : page.differences) out.add(it);
      report_.base_version = page.version_a;
      if (!page.more) return page.version_b;
      request.cursor = page.cursor;
    }
  }

  // Of which nothing in the target begins with it.
  Result<std::string> scratch_name() {
    for (uint64_t n = report_.to_version;; ++n) {
      std::string name = str(".nokv-merge-", n);
      codec::ListRequest request{.target = {.path = report_.to}, .after = name, .limit = 1};
      NOKV_ASSIGN(auto page, client_.list_page(std::move(request), options_.call));
      if (page.entries.empty() || !page.entries.front().name.starts_with(name)) return name;
    }
  }

  Result<Entry> entry(const std::string& path, const std::string& at) {
    auto known = entries_.find({path, at});
    if (known != entries_.end()) return known->second;
    NOKV_ASSIGN(auto stat, client_.stat({.path = path}, {.at = {.at = at}, .call = options_.call}));
    return std::move(stat.entry);
  }
  // Asks for many at once; what is not there is asked for again where it is used, and told there.
  Result<> fetch(const std::vector<std::string>& paths, const std::string& at) {
    constexpr size_t kAtOnce = 1000;
    for (size_t from = 0; from < paths.size(); from += kAtOnce) {
      std::vector<codec::Target> targets;
      for (size_t i = from; i < std::min(paths.size(), from + kAtOnce); ++i) {
        targets.push_back({.path = paths[i]});
      }
      NOKV_ASSIGN(auto reply,
                  client_.stat_many(targets, {.at = {.at = at}, .call = options_.call}));
      for (size_t i = 0; i < reply.results.size(); ++i) {
        auto& result = reply.results[i];
        if (result.failure.code != Code::ok) continue;
        entries_.insert_or_assign({targets[i].path, at}, std::move(result.entry));
      }
    }
    return {};
  }
  Result<> fetch_for(const std::vector<merging::Step>& steps) {
    std::vector<std::string> theirs;
    std::vector<std::string> ours;
    for (const auto& step : steps) {
      if (const auto* directory = std::get_if<merging::TakeDirectory>(&step)) {
        theirs.push_back(directory->from);
      } else if (const auto* attributes = std::get_if<merging::TakeAttributes>(&step)) {
        theirs.push_back(attributes->from);
        ours.push_back(attributes->there);
      }
    }
    entries_.clear();
    NOKV_TRY(fetch(theirs, options_.at));
    return fetch(ours, {});
  }
  Result<bool> compare(const std::string& theirs, const std::string& ours,
                       bool (*same)(const Entry&, const Entry&)) {
    NOKV_ASSIGN(auto a, entry(theirs, options_.at));
    NOKV_ASSIGN(auto b, entry(ours, {}));
    return same(a, b);
  }

  // ---- the transaction

  Result<> write(std::vector<merging::Step> steps) {
    report_.merged = true;
    if (steps.empty()) return {};
    NOKV_TRY(fetch_for(steps));
    operations_.clear();
    add(codec::KeepUndo{{.path = report_.to}});
    if (options_.at.empty()) {
      add(codec::Check{.target = {.path = report_.from}, .newest_at_most = report_.from_version});
    }
    if (options_.choice == MergeChoice::aside) {
      add(codec::Check{.target = {.path = options_.aside}, .exists = false});
    }
    for (auto& step : steps) {
      NOKV_TRY(std::visit([&](auto& it) { return take(it); }, step));
      if (operations_.size() > codec::kOperationsMax) {
        report_.merged = false;
        return std::unexpected(
            Error(Code::resource_exhausted, str("a merge of more than ", codec::kOperationsMax,
                                                " operations is more than one transaction"))
                .with_hint("merge directories below one after another: nokv merge A/x B/x"));
      }
    }
    auto done = client_.commit(std::move(operations_),
                               {.dry_run = options_.dry_run, .call = options_.call});
    report_.merged = done.has_value();
    if (!done) return std::unexpected(std::move(done).error());
    if (options_.dry_run) return {};
    report_.version = done->version;
    report_.undo_version = done->results.front().undo_version;
    return {};
  }
  void add(codec::Operation op) { operations_.push_back(std::move(op)); }

  Result<> take(codec::Operation& op) {
    add(std::move(op));
    return {};
  }
  void add_directory(const Entry& it, const std::string& to, bool parents) {
    add(codec::Mkdir{.target = {.path = to},
                     .mode = it.attributes.mode,
                     .uid = it.attributes.uid,
                     .gid = it.attributes.gid,
                     .parents = parents,
                     .mtime_ns = it.attributes.mtime_ns,
                     .xattrs = it.xattrs});
  }
  Result<> take(const merging::TakeDirectory& it) {
    NOKV_ASSIGN(auto from, entry(it.from, options_.at));
    add_directory(from, it.to, false);
    return {};
  }
  Result<> take(const merging::TakeAttributes& it) {
    NOKV_ASSIGN(auto from, entry(it.from, options_.at));
    const codec::Attributes& to_be = from.attributes;
    add(codec::SetAttributes{
        .target = {.path = it.to}, .mode = to_be.mode, .uid = to_be.uid, .gid = to_be.gid});
    NOKV_ASSIGN(auto now, entry(it.there, {}));
    for (const auto& xattr : from.xattrs) {
      if (std::ranges::find(now.xattrs, xattr) != now.xattrs.end()) continue;
      add(codec::SetXattr{.target = {.path = it.to}, .name = xattr.name, .value = xattr.value});
    }
    for (const auto& xattr : now.xattrs) {
      if (std::ranges::find(from.xattrs, xattr.name, &codec::Xattr::name) == from.xattrs.end()) {
        add(codec::SetXattr{.target = {.path = it.to}, .name = xattr.name});
      }
    }
    return {};
  }
  Result<> take(const merging::TakeTree& it) {
    NOKV_ASSIGN(auto top, entry(it.from, options_.at));
    if (top.kind != Kind::directory) {
      add_copy(it.from, it.to, true);
      return {};
    }
    Walker walker(client_,
                  {.target = {.path = it.from}, .at = {.at = options_.at}, .call = options_.call});
    for (;;) {
      NOKV_ASSIGN(auto next, walker.next());
      if (!next || operations_.size() > codec::kOperationsMax) return {};
      if (next->entry.kind == Kind::directory) {
        add_directory(next->entry, it.to + next->path, next->path.empty());
      } else {
        add_copy(it.from + next->path, it.to + next->path, false);
      }
    }
  }
  void add_copy(const std::string& from, const std::string& to, bool parents) {
    add(codec::Copy{.from = {.path = from},
                    .from_at = options_.at,
                    .to = {.path = to},
                    .exists = codec::Exists::create,
                    .parents = parents,
                    .no_follow = true});
  }

  Client& client_;
  const MergeOptions& options_;
  MergeReport report_;
  bool raced_ = false;
  std::map<std::pair<std::string, std::string>, Entry> entries_;  // by path and version
  std::vector<codec::Operation> operations_;
};

}  // namespace

Result<MergeReport> merge(Client& client, const MergeOptions& options) {
  return Merge(client, options).run();
}

}  // namespace nokv::client
