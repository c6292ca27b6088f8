// How the shard is looked at and compared with the model.
#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "codec/key.h"
#include "meta/check/check.h"
#include "shard/testing/model_run.h"
#include "shard/testing/references.h"

namespace nokv::shard::model {

using codec::Kind;
using codec::Method;

namespace {

std::string shown(const std::string& path) { return path.size() > 40 ? path.substr(0, 40) : path; }

}  // namespace

namespace {

uint32_t names_below(const Tree& tree, Ino top, Ino file) {
  if (tree.at(top).kind != Kind::directory) return top == file ? 1 : 0;
  uint32_t out = 0;
  for (const auto& [name, ino] : tree.at(top).children) {
    out += ino == file ? 1 : 0;
    if (tree.at(ino).kind == Kind::directory) out += names_below(tree, ino, file);
  }
  return out;
}

}  // namespace

void Run::compare_entry(const codec::Entry& entry, const Tree& tree, Ino ino,
                        const std::string& what) {
  const Node& node = tree.at(ino);
  auto same = [&](bool holds, const char* which) {
    if (!holds) differ(str(shown(what), ": ", which, " differs"));
  };
  same(entry.kind == node.kind, "the kind");
  same(node.id->is(entry.id), "the id");
  same(entry.attributes.mode == node.mode, "the mode");
  same(entry.attributes.uid == node.uid, "the owner");
  same(entry.attributes.gid == node.gid, "the group");
  same(entry.attributes.rdev == node.rdev, "the device");
  same(node.mtime->is(entry.attributes.mtime_ns), "mtime");
  same(node.ctime->is(entry.attributes.ctime_ns), "ctime");
  same(node.btime->is(entry.attributes.btime_ns), "btime");
  std::map<std::string, std::string> xattrs;
  for (const auto& each : entry.xattrs) xattrs[each.name] = each.value;
  same(xattrs == node.xattrs, "extended attributes");
  if (node.kind == Kind::directory) {
    auto totals = tree.totals(ino);
    same(entry.entries == node.children.size(), "the count of entries");
    same(entry.quota == node.quota, "the quota");
    if (entry.totals.files != totals.files || entry.totals.directories != totals.directories ||
        entry.totals.bytes != totals.bytes) {
      differ(str(shown(what), ": totals are ", entry.totals.files, " files, ",
                 entry.totals.directories, " directories, ", entry.totals.bytes, " bytes, not ",
                 totals.files, ", ", totals.directories, ", ", totals.bytes));
    }
    if (entry.totals.newest != totals.newest) {
      differ(str(shown(what), ": newest is ", entry.totals.newest, ", not ", totals.newest));
    }
    return;
  }
  // Where a part of the tree is kept, it may tell of the names in it only.
  uint32_t fewest = kept_below_ == kRoot ? node.names : names_below(tree, kept_below_, ino);
  if (entry.links < std::max<uint32_t>(fewest, 1) || entry.links > node.names + node.ghosts) {
    differ(str(shown(what), ": the link count of ", entry.id.text(), " is ", entry.links, ", not ",
               fewest, " to ", node.names + node.ghosts));
  }
  same(entry.target == node.target, "the link's target");
  same(entry.body.size == node.size(), "the size");
  same(entry.body.generation == node.generation, "the generation");
  same(entry.body.content_type == node.content_type, "the content type");
}

void Run::compare_tree(const Tree& tree, Ino directory, const std::string& path,
                       const std::string& at, uint32_t page) {
  if (!fine()) return;
  std::string what = at.empty() ? path : path + " at " + at;
  auto entries = ns_.list(path, at, page);
  if (!entries) return differ(str("list ", shown(what), ": ", entries.error().message()));
  const auto& children = tree.at(directory).children;
  auto entry = entries->begin();
  for (const auto& [name, ino] : children) {
    if (entry == entries->end() || entry->name != name) {
      return differ(str(shown(what), ": a listing ", entry == entries->end() ? "ends" : "goes on",
                        " where '", shown(name), "' should be"));
    }
    std::string below = (path == "/" ? "" : path) + "/" + name;
    compare_entry(*entry, tree, ino, below + (at.empty() ? "" : " at " + at));
    const Node& node = tree.at(ino);
    if (node.kind == Kind::directory) {
      compare_tree(tree, ino, below, at, page);
    } else if (node.kind == Kind::file) {
      compare_bytes(tree, ino, {below, {}}, at);
    }
    if (!fine()) return;
    ++entry;
  }
  if (entry != entries->end()) differ(str(shown(what), ": lists '", shown(entry->name), "'"));
}

Result<std::string> Run::read_bytes(const codec::Target& target, const std::string& at) {
  std::string out;
  for (;;) {
    codec::OpenRequest request{target, {at}, 0, out.size(), 0};
    NOKV_ASSIGN(auto reply, ns_.call<codec::OpenReply>(Method::open, request));
    for (const auto& extent : reply.plan.extents) {
      if (extent.blob == 0) {
        out += std::string(extent.length, '\0');
        continue;
      }
      if (!extent.bytes.empty()) {
        out += extent.bytes;
        continue;
      }
      for (uint64_t done = 0; done < extent.length;) {
        uint64_t from = extent.blob_offset + done;
        uint64_t in_block = from % codec::kBlockBytes;
        uint64_t length = std::min(extent.length - done, codec::kBlockBytes - in_block);
        codec::GetBlockRequest get{extent.blob, static_cast<uint32_t>(from / codec::kBlockBytes),
                                   in_block, length};
        NOKV_ASSIGN(auto bytes, ns_.call<codec::Bytes>(Method::get_block, get));
        out += bytes.bytes;
        done += length;
      }
    }
    if (!reply.plan.more) return out;
  }
}

void Run::compare_bytes(const Tree& tree, Ino ino, const codec::Target& target,
                        const std::string& at) {
  auto bytes = read_bytes(target, at);
  const Bytes& expected = tree.at(ino).bytes;
  std::string what = shown(target.path) + (at.empty() ? "" : " at " + at);
  if (!bytes) {
    differ(str("open ", what, ": ", bytes.error().message()));
  } else if (*bytes != (expected ? *expected : "")) {
    differ(str(what, ": has other bytes (", bytes->size(), ") than were put there"));
  }
}

void Run::compare_one(const Tree& tree, const std::string& path, const std::string& at, bool follow,
                      const std::string& scope) {
  Pin pin;
  pin.path = scope;
  pin.tree = std::shared_ptr<const Tree>(std::shared_ptr<void>(), &tree);
  Tree::Spot spot;
  Code expected = pin.resolve(path, follow, spot);
  codec::StatRequest request{{{path, {}}}, {at}, follow};
  auto reply = ns_.call<codec::StatReply>(Method::stat, request);
  Code got = !reply ? reply.error().code() : reply->results.at(0).failure.code;
  std::string what = "stat " + path + (at.empty() ? "" : " at " + at);
  if (got != expected) {
    differ(str(shown(what), ": ", code_name(got), " instead of ", code_name(expected)));
  } else if (got == Code::ok) {
    compare_entry(reply->results[0].entry, tree, spot.ino, what);
  }
}

// Those listed are what they are; all directories that are in no clone are listed.
void Run::compare_quotas() {
  std::map<std::string, Ino> there;
  std::set<Ino> own;
  for (const auto& [ino, node] : world_.tree.nodes()) {
    if (!node->quota) continue;
    std::string path = world_.tree.path_of(ino);
    if (path.size() > codec::kPathMax) continue;
    there[path] = ino;
    if (node->id->value && node->id->value->hops.empty()) own.insert(ino);
  }
  codec::QuotasRequest request{{"/", {}}, 0, {}, 3};
  for (;;) {
    auto reply = ns_.call<codec::QuotasReply>(Method::quotas, request);
    if (!reply) return differ("quotas: " + reply.error().message());
    for (const auto& info : reply->quotas) {
      auto found = there.find(info.path);
      if (found == there.end()) return differ("a quota of " + shown(info.path) + " is listed");
      const Node& node = world_.tree.at(found->second);
      auto totals = world_.tree.totals(found->second);
      if (info.quota != node.quota || info.totals.bytes != totals.bytes ||
          info.totals.files != totals.files || info.totals.directories != totals.directories) {
        return differ("the quota of " + shown(info.path) + " is listed as another");
      }
      if (!node.id->is(info.id)) return differ("the id of " + shown(info.path) + " is another");
      own.erase(found->second);
      there.erase(found);
    }
    if (!reply->more) break;
    request.after = reply->next;
  }
  if (!own.empty()) differ("no quota is listed of " + shown(world_.tree.path_of(*own.begin())));
}

// What the log tells can be read where it says, and all that was kept of the path is told.
void Run::compare_log(const std::string& path) {
  auto log = ns_.call<codec::LogReply>(Method::log, codec::LogRequest{{path, {}}, 10'000});
  if (!log) return differ("log " + shown(path) + ": " + log.error().message());
  std::set<uint64_t> told;
  codec::NodeId now = ns_.stat(path)->id;
  for (const auto& entry : log->entries) {
    codec::StatRequest request{{{entry.path, {}}}, {entry.at}, true};
    auto reply = ns_.call<codec::StatReply>(Method::stat, request);
    std::string what = str("log ", shown(path), ": ", shown(entry.path), " at '", entry.at, "'");
    if (!reply) return differ(what + ": " + reply.error().message());
    const auto& result = reply->results.at(0);
    if (result.failure.code != Code::ok) return differ(what + ": " + result.failure.message);
    const codec::Entry& found = result.entry;
    if (found.body.generation != entry.generation) differ(what + ": another generation");
    if (entry.path != path && found.id != now) differ(what + ": another file");
    told.insert(entry.generation);
  }
  for (const Pin& pin : world_.pins) {
    Tree::Spot spot;
    if (pin.kind == codec::PinKind::clone || !covers(pin.path, path)) continue;
    if (pin.resolve(path, false, spot) != Code::ok) continue;
    const Node& node = pin.tree->at(spot.ino);
    if (node.kind == Kind::file && !told.contains(node.generation)) {
      differ(str("log ", shown(path), ": lacks generation ", node.generation));
    }
  }
}

void Run::compare_kept() {
  learn_pins();
  compare_quotas();
  compare_tree(world_.tree, kRoot, "/", "", 1000);
  for (const Pin& pin : world_.pins) {
    if (pin.kind == codec::PinKind::clone) continue;  // what it keeps, the clone shows
    std::string at = pin.name.empty() ? str("v", pin.version) : pin.name;
    ++counts_.kept_compared;
    kept_below_ = pin.scope;
    if (pin.of_file) {
      compare_one(*pin.tree, pin.path, at, false, pin.path);
      if (pin.tree->at(pin.scope).kind == Kind::file) {
        compare_bytes(*pin.tree, pin.scope, {pin.path, {}}, at);
      }
    } else {
      compare_tree(*pin.tree, pin.scope, pin.path, at, 3);
    }
    kept_below_ = kRoot;
    if (!fine()) return;
  }
}

namespace {

// What of a node a difference is about.
struct Look {
  Kind kind = Kind::none;
  uint32_t mode = 0, uid = 0, gid = 0;
  std::map<std::string, std::string> xattrs;
  std::string bytes;
  std::string target;
  bool operator==(const Look&) const = default;
};
using Looks = std::map<std::string, Look>;

void look_below(const Tree& tree, Ino ino, const std::string& path, Looks& out) {
  const Node& node = tree.at(ino);
  Look& look = out[path];
  look = {node.kind, node.mode, node.uid, node.gid, node.xattrs, {}, node.target};
  if (node.bytes) look.bytes = *node.bytes;
  for (const auto& [name, child] : node.children) {
    look_below(tree, child, (path == "/" ? "" : path) + "/" + name, out);
  }
}

// What the differences make of a: it must be b.
Looks patched(const Looks& a, const Looks& b, const std::string& top_a, const std::string& top_b,
              const std::vector<codec::Difference>& differences, std::string& problem) {
  using codec::DifferenceKind;
  std::map<std::string, std::string> moved{{top_a, top_b}};
  std::set<std::string> removed;
  auto of_b = [&](const std::string& path) {
    auto found = b.find(path);
    if (found == b.end()) problem = "tells of " + path + ", which is not there";
    return found == b.end() ? Look() : found->second;
  };
  for (const auto& each : differences) {
    if (each.change == DifferenceKind::removed) removed.insert(each.path);
    if (each.change == DifferenceKind::renamed) moved[each.old_path] = each.path;
  }
  Looks out;
  for (const auto& [path, look] : a) {
    if (removed.contains(path)) continue;
    std::string prefix = path;
    while (!moved.contains(prefix) && prefix.size() > 1) {
      prefix = prefix.substr(0, std::max<size_t>(prefix.rfind('/'), 1));
    }
    std::string rest = path == prefix ? "" : path.substr(prefix == "/" ? 0 : prefix.size());
    std::string to = moved.contains(prefix) ? moved[prefix] : prefix;
    out[rest.empty() ? to : (to == "/" ? "" : to) + rest] = look;
  }
  for (const auto& each : differences) {
    if (each.change == DifferenceKind::removed || each.change == DifferenceKind::renamed) continue;
    if (each.change == DifferenceKind::created && out.contains(each.path)) {
      problem = each.path + " was there before it was created";
    }
    out[each.path] = of_b(each.path);
  }
  return out;
}

}  // namespace

// Any two kept versions of a path, or of a clone and its source: what the shard says differs must
// turn the one into the other, and be nothing when they are alike.
void Run::compare_versions(SimRandom& random) {
  learn_pins();
  if (!fine()) return;
  struct Chosen {
    const Tree* tree;
    std::string at;
    std::string path;
    Ino ino = 0;
  };
  auto choose = [&](const std::string& wanted) {
    Chosen out{&world_.tree, "", wanted};
    std::string scope = "/";
    if (!world_.pins.empty() && random.one_in(2)) {
      const Pin& pin = world_.pins[random.below(world_.pins.size())];
      if (!pin.of_file && pin.kind != codec::PinKind::clone) {
        out.tree = pin.tree.get();
        out.at = pin.name.empty() ? str("v", pin.version) : pin.name;
        scope = pin.path;
      }
    }
    if (out.path.empty()) out.path = Draw(random, world_, version_).existing_path(*out.tree);
    if (!covers(scope, out.path)) out.path = scope;
    Tree::Spot spot;
    if (out.tree->resolve(out.path, false, spot, kRoot, scope) == Code::ok) out.ino = spot.ino;
    return out;
  };
  Chosen a = choose("");
  Chosen b = choose(random.one_in(2) ? a.path : "");
  auto is_directory = [](const Chosen& it) {
    return it.ino != 0 && it.tree->at(it.ino).kind == Kind::directory;
  };
  if (!is_directory(a) || !is_directory(b)) return;
  std::string what = str("diff ", a.path, " at '", a.at, "' ", b.path, " at '", b.at, "'");
  tell(what);
  std::vector<codec::Difference> differences;
  codec::DiffRequest request{{a.path, {}}, a.at, {b.path, {}}, b.at};
  request.limit = 3;
  for (;;) {
    auto reply = ns_.call<codec::DiffReply>(Method::diff, request);
    if (!reply && reply.error().code() == Code::failed_precondition) {
      if (a.tree->at(a.ino).line == b.tree->at(b.ino).line) differ(what + ": says unrelated");
      return;
    }
    if (!reply) return differ(what + ": " + reply.error().message());
    std::ranges::move(reply->differences, std::back_inserter(differences));
    if (!reply->more) break;
    request.cursor = reply->cursor;
  }
  Looks in_a;
  Looks in_b;
  look_below(*a.tree, a.ino, a.path, in_a);
  look_below(*b.tree, b.ino, b.path, in_b);
  std::string problem;
  Looks made = patched(in_a, in_b, a.path, b.path, differences, problem);
  if (made != in_b && problem.empty()) {
    for (const auto& [path, look] : in_b) {
      if (!made.contains(path)) problem = "does not tell of " + path;
      if (made.contains(path) && made[path] != look) problem = "does not tell how " + path + " is";
    }
    for (const auto& [path, look] : made) {
      if (!in_b.contains(path)) problem = "does not tell that " + path + " is gone";
    }
  }
  if (a.path == b.path && in_a == in_b && a.ino == b.ino && a.at == b.at && !differences.empty()) {
    problem = "tells of differences where there are none";
  }
  if (!problem.empty()) {
    for (const auto& each : differences) {
      tell(str("  ", static_cast<int>(each.change), " ", each.path, " was ", each.old_path));
    }
    return differ(what + ": " + problem);
  }
  if (!differences.empty()) ++counts_.diffs;
}

void Run::compare_references(bool at_rest) {
  std::map<std::string, uint64_t> objects;
  std::optional<Result<object::ListPage>> page;
  std::string after;
  do {
    page.reset();
    ns_.store().list("", after, 1000, ns_.scheduler().clock().now() + std::chrono::hours(1),
                     [&](Result<object::ListPage> listed) { page = std::move(listed); });
    ns_.scheduler().run_until([&] { return page.has_value(); }, std::chrono::hours(1));
    for (const auto& object : (*page)->objects) objects[object.key] = object.size;
    if (!objects.empty()) after = objects.rbegin()->first;
  } while ((*page)->more);
  for (const auto& it : world_.foreign) {
    if (objects.erase(it.object.key) == 0) differ(it.object.key + ", an imported object, is gone");
  }
  std::string problem = check_references(*ns_.shard().state()->snapshot, objects, at_rest);
  if (!problem.empty()) differ(problem);
  auto checked = meta::fsck::Check::begin(ns_.shard().state(), {.moments = true});
  if (!checked) return differ("fsck: " + checked.error().message());
  while ((*checked)->step(1000)) {
  }
  for (const auto& found : (*checked)->report().problems()) {
    // Of what was never below a pin's scope it may be said either way, which only keeps more.
    if (found.code == "filed_elsewhere") continue;
    differ(str("fsck: ", found.code, " ", found.path, " ", found.id, ": ", found.detail));
  }
}

// What the shard keeps, against what it was told to keep; moments are its own decision.
void Run::learn_pins() {
  auto reply =
      ns_.call<codec::SnapshotsReply>(Method::snapshots, codec::SnapshotsRequest{{}, true});
  if (!reply) return differ("snapshots: " + reply.error().message());
  std::vector<Pin> kept;
  for (const auto& info : reply->snapshots) {
    auto known = std::ranges::find_if(world_.pins, [&](const Pin& pin) {
      return pin.kind == info.kind && pin.version == info.version && pin.path == info.path &&
             pin.name == info.name;
    });
    if (known != world_.pins.end()) {
      if (!known->expires_ns->is(info.expires_ns))
        differ("the expiry of " + info.path + " differs");
      kept.push_back(*known);
      world_.pins.erase(known);
      continue;
    }
    if (info.kind != codec::PinKind::moment) return differ("a pin nobody asked for: " + info.path);
    auto tree = recent_.upper_bound(info.version);
    if (tree == recent_.begin()) return differ("a moment of long ago");
    Pin pin;
    pin.kind = info.kind;
    pin.version = info.version;
    pin.path = "/";
    pin.scope = kRoot;
    pin.expires_ns = std::make_shared<Learned<int64_t>>();
    pin.tree = std::prev(tree)->second;
    kept.push_back(std::move(pin));
    ++counts_.moments;
  }
  int64_t now =
      std::max(ns_.shard().state()->record.time_ns, to_unix_ns(ns_.scheduler().clock().wall()));
  for (const Pin& pin : world_.pins) {
    int64_t expires = pin.expires_ns->value.value_or(now);
    // A clone's pin goes some time after the clone; too early, and the clone shows it.
    bool may_go = pin.kind == codec::PinKind::moment || pin.kind == codec::PinKind::clone ||
                  (expires != 0 && expires <= now);
    if (!may_go) differ(str("the pin of ", pin.path, " at v", pin.version, " is gone"));
  }
  world_.pins = std::move(kept);
  recent_.clear();
  recent_[version_] = std::make_shared<const Tree>(world_.tree);
}

}  // namespace nokv::shard::model
