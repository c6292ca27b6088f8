#include "client/merge/plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "codec/key.h"

namespace nokv::client::merging {

namespace {

using codec::BodyFacts;
using codec::Kind;
using Paths = std::set<std::string>;

// Whether one of `paths` is at or above `path`.
bool covers(const Paths& paths, std::string_view path) {
  for (std::string_view at = path;; at = parent_of(at)) {
    if (paths.contains(std::string(at))) return true;
    if (at.empty()) return false;
  }
}

// Whether one of `paths` is at or below `path`.
bool any_within(const Paths& paths, const std::string& path) {
  if (paths.contains(path)) return true;
  auto next = paths.lower_bound(path + "/");
  return next != paths.end() && is_within(*next, path);
}

size_t depth_of(std::string_view path) {
  return static_cast<size_t>(std::ranges::count(path, '/'));
}

bool same_bytes(const BodyFacts& a, const BodyFacts& b) {
  return a.size == b.size && a.digest.kind != codec::DigestKind::none && a.digest == b.digest;
}

class Planner {
 public:
  Planner(const PlanInput& in, const Lookups& lookups)
      : in_(in), theirs_(in.theirs), ours_(in.ours), lookups_(lookups) {}

  Result<Plan> run() {
    NOKV_TRY(decide_moves());
    NOKV_TRY(decide_removals());
    NOKV_TRY(decide_creations());
    NOKV_TRY(decide_contents());
    if (theirs_wins()) {
      make_room();
    } else {
      leave_what_has_no_place();
    }
    for (Creation& it : creations_) it.to = place_in(theirs_, it.from);
    write_checks();
    write_moves_away();
    write_removals();
    write_places();
    write_contents();
    return std::move(out_);
  }

 private:
  using ConflictKind = MergeConflictKind;

  // What ours has under a path that the common state did not have there.
  struct Newcomer {
    std::string path;  // in ours
    Kind kind = Kind::none;
    BodyFacts facts;
    std::optional<std::string> base;  // it was moved here
  };
  struct Creation {
    std::string from;  // in theirs
    Kind kind = Kind::none;
    std::string to;  // once all is decided
  };

  // ---- where nodes will be

  std::string place_of(const std::string& base) {
    if (base.empty()) return {};
    if (++depth_ > 2 * codec::kDepthMax) {
      cyclic_ = true;
      --depth_;
      return {};
    }
    const Touch* theirs = theirs_.touch(base);
    const Touch* ours = ours_.touch(base);
    bool theirs_moved = theirs != nullptr && theirs->moved.has_value();
    bool ours_moved = ours != nullptr && ours->moved.has_value() && !by_theirs_.contains(base);
    std::string out;
    if (ours_moved) {
      out = place_in(ours_, *ours->moved);
    } else if (theirs_moved && !stays_.contains(base)) {
      out = place_in(theirs_, *theirs->moved);
    } else {
      out = join(place_of(std::string(parent_of(base))), name_of(base));
    }
    --depth_;
    return out;
  }

  // Of what is at `path` in a side.
  std::string place_in(const Changes& side, const std::string& path) {
    std::string directory(parent_of(path));
    if (directory.empty()) return path;
    auto base = side.base_of(directory);
    std::string above = base ? place_of(*base) : place_in(side, directory);
    return join(above, name_of(path));
  }

  // The topmost directory on the way to `path` of theirs that ours removed.
  std::optional<std::string> removed_above(std::string_view path) const {
    std::string_view directory = parent_of(path);
    for (; !directory.empty(); directory = parent_of(directory)) {
      if (auto base = theirs_.base_of(directory)) return ours_.removed_at(*base);
    }
    return std::nullopt;
  }
  bool is_settled(std::string_view base) const {
    for (std::string_view at = base; !at.empty(); at = parent_of(at)) {
      std::string key(at);
      if (settled_.contains(key)) return true;
      const Touch* it = theirs_.touch(key);
      if (it != nullptr && it->moved) return false;
    }
    return false;
  }
  bool settled_above(std::string_view path) const {
    for (std::string_view at = parent_of(path); !at.empty(); at = parent_of(at)) {
      if (settled_new_.contains(std::string(at))) return true;
      if (auto base = theirs_.base_of(at)) return is_settled(*base);
    }
    return false;
  }

  void find_newcomers() {
    newcomers_.clear();
    for (const auto& [path, it] : ours_.created()) {
      newcomers_[place_in(ours_, path)] = {path, it.kind, it.now, {}};
    }
    for (const auto& [base, touch] : ours_.touched()) {
      if (!touch.moved || by_theirs_.contains(base)) continue;
      newcomers_[place_of(base)] = {*touch.moved, touch.kind, touch.now, base};
    }
  }
  const Newcomer* newcomer(const std::string& place) const {
    auto found = newcomers_.find(place);
    return found == newcomers_.end() ? nullptr : &found->second;
  }

  // ---- conflicts

  bool theirs_wins() const { return in_.choice == MergeChoice::theirs; }

  BodyFacts facts_in(const Changes& side, const std::string& base) const {
    const Touch* it = side.touch(base);
    if (it != nullptr && (it->content || it->moved)) return it->now;
    return base_facts(base);
  }
  BodyFacts base_facts(const std::string& base) const {
    for (const Changes* side : {&theirs_, &ours_}) {
      const Touch* it = side->touch(base);
      if (it != nullptr && it->old != BodyFacts()) return it->old;
    }
    return {};
  }
  Kind kind_of(const std::string& base) const {
    const Touch* it = theirs_.touch(base);
    if (it == nullptr) it = ours_.touch(base);
    return it == nullptr ? Kind::directory : it->kind;
  }
  MergeSide side_of(const Changes& side, const std::string& base) const {
    return {side.full(side.path_of(base)), kind_of(base), facts_in(side, base)};
  }

  // About a node of the common state.
  void conflict(ConflictKind kind, const std::string& base, bool has_ours, bool has_theirs) {
    MergeConflict it{ours_.full(ours_.path_of(base)), kind};
    it.base = MergeSide{base, kind_of(base), base_facts(base)};
    if (has_ours) it.ours = side_of(ours_, base);
    if (has_theirs) it.theirs = side_of(theirs_, base);
    out_.conflicts.push_back(std::move(it));
  }
  // What theirs has at `path` goes to the directory for such.
  void put_aside(const std::string& path) {
    if (in_.choice != MergeChoice::aside || covers(aside_, path)) return;
    std::erase_if(aside_, [&](const std::string& other) { return is_within(other, path); });
    aside_.insert(path);
  }

  // Ours removed `base`, a directory or not, in which theirs changed something; it may have put
  // another one in its place.
  Result<> lost_in_ours(const std::string& base) {
    if (!settled_.insert(base).second) return {};
    std::string path = theirs_.path_of(base);
    std::string place = place_of(base);
    const Newcomer* there = newcomer(place);
    if (there != nullptr && there->kind != Kind::directory && kind_of(base) != Kind::directory) {
      NOKV_ASSIGN(bool same, lookups_.alike(theirs_.full(path), ours_.full(there->path)));
      if (same) return {};
    }
    conflict(ConflictKind::removed, base, false, true);
    if (there != nullptr) out_.conflicts.back().ours = side_of(*there);
    if (theirs_wins()) lost_.push_back(base);
    put_aside(path);
    return {};
  }
  // Theirs moved it, and it is not moved.
  void stay(const std::string& base) {
    stays_.insert(base);
    held_.insert(ours_.path_of(base));
  }

  MergeSide side_of(const Newcomer& it) const { return {ours_.full(it.path), it.kind, it.facts}; }

  // What ours has where theirs has something goes: back to where theirs has it, or for good.
  void make_way(const Newcomer& there) {
    if (!there.base) removals_.insert(there.path);
    bring_out(there.path);
  }
  // What ours moved to a path, or below it, goes back to where theirs has it.
  void bring_out(const std::string& path) {
    for (const std::string& base : ours_.moved_within(path)) {
      const Touch* theirs = theirs_.touch(base);
      if (theirs != nullptr && theirs->removed) continue;
      if (is_settled(base)) {  // it comes with a tree of theirs
        removals_.insert(ours_.path_of(base));
        continue;
      }
      by_theirs_.insert(base);
      moves_.insert(base);
    }
  }

  void created_twice(const std::string& path, Kind kind, const BodyFacts& facts,
                     const Newcomer& there) {
    MergeConflict it{ours_.full(there.path), ConflictKind::created};
    it.ours = side_of(there);
    it.theirs = MergeSide{theirs_.full(path), kind, facts};
    out_.conflicts.push_back(std::move(it));
  }

  // ---- what is done

  Result<> decide_moves() {
    find_newcomers();
    for (const auto& [base, touch] : theirs_.touched()) {
      if (!touch.moved || is_settled(base)) continue;
      bool gone = ours_.removed_at(base).has_value();
      if (auto removed = removed_above(*touch.moved)) {
        NOKV_TRY(lost_in_ours(*removed));
        if (gone) {
          settled_.insert(base);
        } else if (theirs_wins()) {  // it is in the copy of that directory
          settled_.insert(base);
          removals_.insert(ours_.path_of(base));
        } else {
          stay(base);
        }
        continue;
      }
      if (gone) {
        NOKV_TRY(lost_in_ours(base));
        continue;
      }
      NOKV_TRY(decide_move(base, touch));
    }
    find_newcomers();
    for (const std::string& base : Paths(moves_)) {
      const Newcomer* there = newcomer(place_of(base));
      if (there == nullptr || there->base == base) continue;
      const Touch& touch = *theirs_.touch(base);
      created_twice(*touch.moved, touch.kind, touch.now, *there);
      if (theirs_wins()) continue;
      stay(base);
      moves_.erase(base);
    }
    find_newcomers();
    return {};
  }

  Result<> decide_move(const std::string& base, const Touch& touch) {
    const Touch* ours = ours_.touch(base);
    if (ours != nullptr && ours->moved) {
      if (place_in(theirs_, *touch.moved) == place_in(ours_, *ours->moved)) return {};
      conflict(ConflictKind::renamed, base, true, true);
      if (!theirs_wins()) {
        held_.insert(*ours->moved);
        return {};
      }
      by_theirs_.insert(base);
    }
    moves_.insert(base);
    cyclic_ = false;
    (void)place_of(base);
    if (!cyclic_) return {};
    // Each side moved one directory into the other.
    if (theirs_wins()) {
      return fail(Code::failed_precondition, ours_.full(ours_.path_of(base)), " and ",
                  theirs_.full(*touch.moved),
                  ": one side moved the first into the second, the other the second into the "
                  "first; move one of them back before");
    }
    if (!by_theirs_.contains(base)) conflict(ConflictKind::renamed, base, true, true);
    stay(base);
    moves_.erase(base);
    return {};
  }

  // Deepest first: what has to stay makes the directories above it stay.
  Result<> decide_removals() {
    const auto& touched = theirs_.touched();
    std::vector<std::string> going;
    for (auto row = touched.rbegin(); row != touched.rend(); ++row) {
      const auto& [base, touch] = *row;
      if (!touch.removed || is_settled(base) || ours_.removed_at(base)) continue;
      std::string path = ours_.path_of(base);
      const Touch* ours = ours_.touch(base);
      bool moved = ours != nullptr && ours->moved.has_value();
      bool changed = ours != nullptr && (ours->content || ours->attributes);
      bool news = touch.kind == Kind::directory && has_news(path);
      if (moved || changed || news) NOKV_TRY(removed_but_changed(base, path, moved));
      going.push_back(std::move(path));
    }
    for (std::string& path : going) {
      if (any_within(held_, path)) continue;
      removals_.insert(std::move(path));
      ++out_.counts.removed;
    }
    return {};
  }

  // Theirs removed what ours changed; it may have put another one in its place.
  Result<> removed_but_changed(const std::string& base, const std::string& path, bool moved) {
    spoken_.insert(path);
    std::string old = theirs_.path_of(base);
    auto replacement = theirs_.created().find(old);
    bool replaced = replacement != theirs_.created().end();
    if (replaced && !moved && kind_of(base) != Kind::directory &&
        replacement->second.kind != Kind::directory) {
      NOKV_ASSIGN(bool same, lookups_.alike(theirs_.full(old), ours_.full(path)));
      if (same) {
        held_.insert(path);
        settled_new_.insert(old);
        return {};
      }
    }
    conflict(moved ? ConflictKind::renamed : ConflictKind::removed, base, true, false);
    if (theirs_wins()) {
      bring_out(path);
      return {};
    }
    held_.insert(path);
    if (!replaced || moved) return {};
    out_.conflicts.back().theirs =
        MergeSide{theirs_.full(old), replacement->second.kind, replacement->second.now};
    settled_new_.insert(old);
    put_aside(old);
    return {};
  }

  // Whether ours has something new at or below a path, of which nothing was said yet.
  bool has_news(const std::string& path) const {
    if (any_within(spoken_, path) || any_within(held_, path)) return false;
    const auto& created = ours_.created();
    auto next = created.lower_bound(path + "/");
    if (next != created.end() && is_within(next->first, path)) return true;
    return std::ranges::any_of(ours_.moved_within(path), [&](const std::string& base) {
      const Touch* theirs = theirs_.touch(base);
      return theirs == nullptr || (!theirs->removed && !theirs->moved);
    });
  }

  Result<> decide_contents() {
    for (const auto& [base, touch] : theirs_.touched()) {
      if (touch.removed || (!touch.content && !touch.attributes)) continue;
      if (is_settled(base)) continue;
      if (auto removed = ours_.removed_at(base)) {
        NOKV_TRY(lost_in_ours(*removed));
        continue;
      }
      const Touch* ours = ours_.touch(base);
      std::string from = theirs_.full(theirs_.path_of(base));
      std::string to = ours_.full(ours_.path_of(base));
      if (touch.content) {
        bool both = ours != nullptr && ours->content;
        bool same = both && same_bytes(touch.now, ours->now);
        if (both && !same) {
          NOKV_ASSIGN(same, lookups_.alike(from, to));
        }
        if (both && !same) said_twice(ConflictKind::content, base);
        if (!both || (!same && theirs_wins())) contents_.insert(base);
      }
      if (touch.attributes) {
        bool both = ours != nullptr && ours->attributes;
        bool same = false;
        if (both) {
          NOKV_ASSIGN(same, lookups_.same_attributes(from, to));
        }
        if (both && !same) said_twice(ConflictKind::attributes, base);
        if (!both || (!same && theirs_wins())) attributes_.insert(base);
      }
    }
    return {};
  }
  void said_twice(ConflictKind kind, const std::string& base) {
    conflict(kind, base, true, true);
    if (kind_of(base) != Kind::directory) put_aside(theirs_.path_of(base));
  }

  Result<> decide_creations() {
    for (const auto& [path, it] : theirs_.created()) {
      if (settled_new_.contains(path) || settled_above(path)) continue;
      if (auto removed = removed_above(path)) {
        NOKV_TRY(lost_in_ours(*removed));
        continue;
      }
      std::string place = place_in(theirs_, path);
      const Newcomer* there = newcomer(place);
      if (there == nullptr || (there->base && by_theirs_.contains(*there->base))) {
        creations_.push_back({path, it.kind, {}});
        continue;
      }
      if (it.kind == Kind::directory && there->kind == Kind::directory && !there->base) continue;
      if (it.kind != Kind::directory && there->kind != Kind::directory && !there->base) {
        NOKV_ASSIGN(bool same, lookups_.alike(theirs_.full(path), ours_.full(there->path)));
        if (same) continue;
      }
      created_twice(path, it.kind, it.now, *there);
      if (theirs_wins()) {
        creations_.push_back({path, it.kind, {}});
        continue;
      }
      settled_new_.insert(path);
      put_aside(path);
    }
    return {};
  }

  // Where a conflict left no room. What then stays may itself be in the way of something.
  void leave_what_has_no_place() {
    while (leave_moves() || leave_creations()) {
    }
  }
  bool leave_moves() {
    bool any = false;
    auto kept = places_that_stay();
    for (const std::string& base : Paths(moves_)) {
      const Touch* touch = theirs_.touch(base);
      if (touch == nullptr || !touch->moved || by_theirs_.contains(base)) continue;
      std::string place = place_of(base);
      if (place == ours_.path_of(base)) continue;
      const std::string* taken = stayer(kept, place);
      if (taken == nullptr && !settled_above(*touch->moved)) continue;
      if (taken != nullptr) {
        created_twice(*touch->moved, touch->kind, touch->now, kept_node(*taken));
      }
      stay(base);
      moves_.erase(base);
      std::string path = ours_.path_of(base);
      out_.counts.removed -= std::erase_if(
          removals_, [&](const std::string& removal) { return is_within(path, removal); });
      any = true;
    }
    return any;
  }
  // What must stay: where it will be, and its path in ours.
  std::map<std::string, std::string> places_that_stay() {
    std::map<std::string, std::string> out;
    for (const std::string& path : held_) {
      auto base = ours_.base_of(path);
      out[base ? place_of(*base) : place_in(ours_, path)] = path;
    }
    return out;
  }
  // The path in ours of what stays at a place or below it.
  static const std::string* stayer(const std::map<std::string, std::string>& kept,
                                   const std::string& place) {
    auto next = kept.lower_bound(place);
    if (next != kept.end() && next->first == place) return &next->second;
    next = kept.lower_bound(place + "/");
    return next != kept.end() && is_within(next->first, place) ? &next->second : nullptr;
  }
  bool leave_creations() {
    auto kept = places_that_stay();
    return std::erase_if(creations_, [&](const Creation& it) {
             std::string place = place_in(theirs_, it.from);
             const std::string* taken = stayer(kept, place);
             if (taken == nullptr && !settled_above(it.from)) return false;
             if (taken != nullptr) {
               created_twice(it.from, it.kind, theirs_.created().at(it.from).now,
                             kept_node(*taken));
               put_aside(it.from);
             }
             settled_new_.insert(it.from);
             return true;
           }) != 0;
  }
  // Theirs wins: what of ours is where theirs has something goes. What goes back to where theirs
  // has it may itself need room.
  void make_room() {
    Paths told;  // of ours
    for (const MergeConflict& it : out_.conflicts) {
      if (it.ours) told.insert(it.ours->path);
    }
    bool any = true;
    while (any) {
      any = false;
      std::map<std::string, Wanted> wanted = wanted_places();
      find_newcomers();
      Paths away = moved_away();
      for (const auto& [place, there] : newcomers_) {
        auto found = wanted.find(place);
        if (found == wanted.end() || is_going(there, away)) continue;
        const Wanted& it = found->second;
        if (there.base && there.base == it.base) continue;
        if (it.created && it.kind == Kind::directory && !there.base &&
            there.kind == Kind::directory) {
          continue;  // two new directories become one
        }
        if (told.insert(ours_.full(there.path)).second) {
          created_twice(it.path, it.kind, it.facts, there);
        }
        size_t before = by_theirs_.size() + removals_.size();
        make_way(there);
        if (by_theirs_.size() + removals_.size() == before) continue;
        any = true;
        away = moved_away();
      }
    }
  }
  struct Wanted {
    std::string path;  // of theirs
    Kind kind = Kind::none;
    BodyFacts facts;
    bool created = false;
    std::optional<std::string> base;
  };
  std::map<std::string, Wanted> wanted_places() {
    std::map<std::string, Wanted> out;
    auto add_node = [&](const std::string& base) {
      out[place_of(base)] = {theirs_.path_of(base), kind_of(base), facts_in(theirs_, base), false,
                             base};
    };
    for (const std::string& base : moves_) add_node(base);
    for (const std::string& base : lost_) add_node(base);
    for (const Creation& it : creations_) {
      out[place_in(theirs_, it.from)] = {
          it.from, it.kind, theirs_.created().at(it.from).now, true, {}};
    }
    return out;
  }
  bool is_going(const Newcomer& there, const Paths& away) const {
    if (there.base && by_theirs_.contains(*there.base)) return true;
    return is_removed(there.path, away);
  }
  Paths moved_away() const {
    Paths out;
    for (const std::string& base : moves_) out.insert(ours_.path_of(base));
    return out;
  }
  // Whether what ours has at a path is removed, by itself or with a directory above. What is in one
  // that is moved away, `away`, goes with that.
  bool is_removed(std::string_view path, const Paths& away) const {
    for (std::string_view at = path; !at.empty(); at = parent_of(at)) {
      if (removals_.contains(std::string(at))) return true;
      if (away.contains(std::string(at))) return false;
    }
    return false;
  }

  // What ours keeps at a path.
  Newcomer kept_node(const std::string& path) const {
    auto base = ours_.base_of(path);
    if (!base) return {path};
    return {path, kind_of(*base), facts_in(ours_, *base), {}};
  }

  // ---- how

  void step(codec::Operation op) { out_.steps.emplace_back(std::move(op)); }

  // That ours is still as it was when this was worked out.
  void check(const std::string& path, bool unchanged) {
    codec::Check op{.target = {.path = ours_.full(path)}, .exists = true};
    if (unchanged) op.newest_at_most = in_.ours_version;
    step(std::move(op));
  }
  void write_checks() {
    Paths files;
    for (const std::string& base : moves_) {
      if (kind_of(base) != Kind::directory) {
        files.insert(ours_.path_of(base));
      } else {
        check(ours_.path_of(base), false);
      }
    }
    for (const Paths* some : {&contents_, &attributes_}) {
      for (const std::string& base : *some) {
        if (kind_of(base) != Kind::directory) files.insert(ours_.path_of(base));
      }
    }
    for (const std::string& path : files) check(path, true);
    for (const std::string& path : topmost_removals()) check(path, true);
  }
  // Without what goes with a directory above.
  std::vector<std::string> topmost_removals() const {
    Paths away = moved_away();
    std::vector<std::string> out;
    for (const std::string& path : removals_) {
      if (away.contains(path) || !is_removed(parent_of(path), away)) out.push_back(path);
    }
    return out;
  }
  // Where a path of ours is once everything that is moved is on its way.
  std::string path_now(std::string_view path) const {
    for (std::string_view at = path; !at.empty(); at = parent_of(at)) {
      auto away = away_.find(std::string(at));
      if (away != away_.end()) return str(away->second, path.substr(at.size()));
    }
    return std::string(path);
  }

  // To its place at once where nothing else is in the way, else aside for a moment. Deepest first:
  // a path that is still to come does not lead through one that is gone.
  void write_moves_away() {
    Paths from;
    Paths to;
    for (const std::string& base : moves_) {
      from.insert(ours_.path_of(base));
      to.insert(place_of(base));
    }
    Paths made;
    for (const Creation& it : creations_) made.insert(it.to);
    std::vector<std::string> order(moves_.begin(), moves_.end());
    std::ranges::sort(order, std::greater<>(), [&](const std::string& base) {
      std::string path = ours_.path_of(base);
      return std::pair(depth_of(path), path);
    });
    for (const std::string& base : order) {
      std::string away = ours_.path_of(base);
      std::string place = place_of(base);
      if (away == place && !covers(from, parent_of(away))) continue;
      ++out_.counts.renamed;
      std::string_view directory = parent_of(place);
      bool direct = !covers(from, directory) && !covers(to, directory) &&
                    !covers(made, directory) && !from.contains(place) && !removals_.contains(place);
      std::string next = direct ? place : str(in_.scratch, "-", waiting_.size());
      step(codec::Rename{.from = {.path = ours_.full(away)},
                         .to = {.path = ours_.full(next)},
                         .mode = codec::RenameMode::no_replace});
      if (!direct) waiting_.emplace_back(next, place);
      away_.emplace(away, std::move(next));
    }
  }

  void write_removals() {
    for (const std::string& path : topmost_removals()) {
      step(codec::Remove{.target = {.path = ours_.full(path_now(path))}});
    }
  }

  // Directories, and what waits, from the top down.
  void write_places() {
    std::vector<std::pair<std::string, Step>> places;
    for (const auto& [from, to] : waiting_) {
      places.emplace_back(to, codec::Rename{.from = {.path = ours_.full(from)},
                                            .to = {.path = ours_.full(to)},
                                            .mode = codec::RenameMode::no_replace});
    }
    for (const Creation& it : creations_) {
      ++out_.counts.created;
      if (it.kind != Kind::directory) continue;
      places.emplace_back(it.to, TakeDirectory{theirs_.full(it.from), ours_.full(it.to)});
    }
    std::ranges::sort(places, {},
                      [](const auto& it) { return std::pair(depth_of(it.first), it.first); });
    for (auto& [place, what] : places) out_.steps.push_back(std::move(what));
  }

  void copy(const std::string& from, const std::string& to, codec::Exists exists) {
    step(codec::Copy{.from = {.path = theirs_.full(from)},
                     .from_at = in_.theirs_at,
                     .to = {.path = ours_.full(to)},
                     .exists = exists,
                     .no_follow = true});
  }
  void write_contents() {
    for (const Creation& it : creations_) {
      if (it.kind != Kind::directory) copy(it.from, it.to, codec::Exists::create);
    }
    for (const std::string& base : lost_) {
      ++out_.counts.created;
      out_.steps.emplace_back(
          TakeTree{theirs_.full(theirs_.path_of(base)), ours_.full(place_of(base))});
    }
    for (const std::string& path : aside_) {
      out_.steps.emplace_back(TakeTree{theirs_.full(path), str(in_.aside, "/", path)});
    }
    for (const std::string& base : contents_) {
      ++out_.counts.content;
      std::string to = place_of(base);
      bool file = kind_of(base) == Kind::file;
      if (!file) step(codec::Remove{.target = {.path = ours_.full(to)}});
      copy(theirs_.path_of(base), to, file ? codec::Exists::replace : codec::Exists::create);
    }
    for (const std::string& base : attributes_) {
      ++out_.counts.attributes;
      out_.steps.emplace_back(TakeAttributes{theirs_.full(theirs_.path_of(base)),
                                             ours_.full(ours_.path_of(base)),
                                             ours_.full(place_of(base))});
    }
  }

  const PlanInput& in_;
  const Changes& theirs_;
  const Changes& ours_;
  const Lookups& lookups_;
  Plan out_;

  size_t depth_ = 0;
  bool cyclic_ = false;
  std::map<std::string, Newcomer> newcomers_;  // by the path they will have

  // Base paths.
  Paths settled_;    // with all that theirs has below: done by a conflict
  Paths stays_;      // theirs moved it, and that is not done
  Paths by_theirs_;  // it goes where theirs has it, whatever ours did
  Paths moves_;
  Paths contents_;
  Paths attributes_;
  // Paths of theirs.
  Paths settled_new_;
  Paths aside_;
  // Paths of ours.
  Paths held_;    // must stay, and so the directories above
  Paths spoken_;  // whose removal is a conflict
  Paths removals_;

  std::vector<Creation> creations_;
  std::vector<std::string> lost_;  // base paths: ours removed it, theirs brings it back
  std::vector<std::pair<std::string, std::string>> waiting_;  // of ours: from, to
  std::map<std::string, std::string> away_;  // of ours: where it was, and is after the first moves
};

}  // namespace

Result<Plan> plan(const PlanInput& input, const Lookups& lookups) {
  return Planner(input, lookups).run();
}

}  // namespace nokv::client::merging
