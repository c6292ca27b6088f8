#include "shard/testing/draw.h"

#include <algorithm>
#include <array>

#include "codec/crc32c.h"

namespace nokv::shard::model {

using codec::Kind;
using codec::Operation;

namespace {
constexpr int64_t kSecond = 1'000'000'000;
constexpr size_t kNodesMax = 60;  // beyond it, removing is drawn more often
}  // namespace

std::string Draw::name() {
  if (random_.one_in(60)) return "\xff\xfe";
  if (random_.one_in(60)) return std::string(255, 'n');
  return std::string(1, static_cast<char>('a' + random_.below(4)));
}

std::string Draw::existing_path(const Tree& tree) {
  std::string path;
  Ino here = kRoot;
  size_t depth = 1 + random_.below(4);
  for (size_t i = 0; i < depth; ++i) {
    const auto& children = tree.at(here).children;
    if (children.empty()) break;
    auto child = children.begin();
    std::advance(child, static_cast<ptrdiff_t>(random_.below(children.size())));
    path += "/" + child->first;
    here = child->second;
  }
  return path.empty() ? "/" : path;
}

std::string Draw::directory_path(const Tree& tree) {
  std::string path = existing_path(tree);
  Tree::Spot spot;
  if (tree.resolve(path, false, spot) == Code::ok && tree.at(spot.ino).kind == Kind::directory) {
    return path;
  }
  return path.substr(0, std::max<size_t>(path.rfind('/'), 1));
}

std::string Draw::new_path(const Tree& tree) {
  std::string directory = directory_path(tree);
  if (std::ranges::count(directory, '/') > 4) directory = "/";
  return (directory == "/" ? "" : directory) + "/" + name();
}

std::string Draw::path(const Tree& tree) {
  uint64_t draw = random_.below(100);
  if (draw < 50) return existing_path(tree);
  if (draw < 90) return new_path(tree);
  if (draw < 91) return random_.one_in(2) ? "/.." : "/a/" + std::string(256, 'x');
  std::string out;
  for (size_t i = 0, depth = 1 + random_.below(4); i < depth; ++i) out += "/" + name();
  return out;
}

codec::Target Draw::target(const Tree& tree, const std::string& path) {
  size_t slash = path.rfind('/');
  if (!chance(15) || slash == std::string::npos || path == "/") return {path, {}};
  Tree::Spot spot;
  if (tree.resolve(path.substr(0, slash), false, spot) != Code::ok) return {path, {}};
  const auto& id = tree.at(spot.ino).id->value;
  if (!id || tree.at(spot.ino).kind != Kind::directory) return {path, {}};
  return {path.substr(slash + 1), *id};
}

uint64_t Draw::generation(const Tree& tree, const std::string& path) {
  Tree::Spot spot;
  if (chance(25) || tree.resolve(path, true, spot) != Code::ok) return random_.below(version_ + 1);
  // Not one that this very transaction makes: only the shard knows its version.
  return std::min(tree.at(spot.ino).generation, version_);
}

Bytes Draw::bytes(size_t most) {
  std::string out(random_.below(most + 1), '\0');
  uint64_t word = random_.next();
  for (size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) word = word * 6364136223846793005ULL + 1442695040888963407ULL;
    out[i] = static_cast<char>(word >> (8 * (i % 8)));
  }
  return std::make_shared<const std::string>(std::move(out));
}

bool Draw::body_of_upload(codec::NewBody& out) {
  if (world_.uploads.empty()) return false;
  auto upload = world_.uploads.begin();
  std::advance(upload, static_cast<ptrdiff_t>(random_.below(world_.uploads.size())));
  const Upload& from = upload->second;
  for (const auto& [blob, bytes] : from.written) {
    bool used = from.published.contains(blob) || !from.open;
    if (used && !chance(5)) continue;
    out.upload = upload->first;
    out.first_blob = blob;
    out.size = bytes->size();
    for (size_t at = 0; at < bytes->size(); at += codec::kBlockBytes) {
      out.block_crcs.push_back(crc32c(std::string_view(*bytes).substr(at, codec::kBlockBytes)));
    }
    return true;
  }
  return false;
}

// An object, or a part of one.
codec::NewBody Draw::imported() {
  codec::NewBody out;
  const Foreign& from = world_.foreign[random_.below(world_.foreign.size())];
  out.external = from.object;
  out.size = from.object.size;
  if (chance(30)) {
    out.external->offset = random_.below(from.object.size + 1);
    out.size = random_.below(from.object.size - out.external->offset + 1);
  }
  return out;
}

codec::NewBody Draw::body() {
  codec::NewBody out;
  if (chance(30) && body_of_upload(out)) return out;
  if (!world_.foreign.empty() && chance(10)) return imported();
  out.bytes = *bytes(random_.one_in(40) ? codec::kInlineMax : 60);
  out.size = out.bytes.size();
  return out;
}

void Draw::give(auto& op) {
  auto time = [&] { return static_cast<int64_t>(random_.below(1000)) * kSecond; };
  if (chance(10)) op.mtime_ns = time();
  if (chance(5)) op.ctime_ns = time();
  if (chance(5)) op.btime_ns = time();
  if (chance(10)) op.xattrs.push_back({"user.k", "v"});
}

Operation Draw::publish(const Tree& tree, bool alone) {
  codec::Publish op;
  op.target = target(tree, path(tree));
  op.body = body();
  op.mode = 0600 + static_cast<uint32_t>(random_.below(64));
  op.uid = static_cast<uint32_t>(random_.below(3));
  op.parents = chance(15);
  op.keep_undo = alone && chance(15);
  if (chance(30)) op.exists = static_cast<codec::Exists>(1 + random_.below(2));
  if (chance(15)) op.if_generation = generation(tree, op.target.path);
  give(op);
  if (chance(10)) op.body.content_type = "text/plain";
  return op;
}

Operation Draw::append(const Tree& tree) {
  codec::Append op;
  op.target = target(tree, existing_path(tree));
  op.body = body();
  Tree::Spot spot;
  if (chance(30)) op.at_size = random_.below(80);
  if (chance(20) && tree.resolve(op.target.path, true, spot) == Code::ok) {
    op.at_size = tree.at(spot.ino).size();
  }
  if (chance(15)) op.if_generation = generation(tree, op.target.path);
  return op;
}

Operation Draw::make_node(const Tree& tree) {
  codec::MakeNode op;
  op.target = target(tree, new_path(tree));
  op.mode = 0777;
  if (chance(70)) {
    op.kind = Kind::symlink;
    uint64_t draw = random_.below(4);
    op.link_target = draw == 0   ? name()
                     : draw == 1 ? "../" + name()
                     : draw == 2 ? path(tree)
                                 : directory_path(tree);
  } else {
    constexpr std::array kKinds{Kind::fifo, Kind::socket, Kind::block, Kind::character, Kind::file};
    op.kind = kKinds[random_.below(kKinds.size())];
    op.rdev = random_.below(300);
  }
  give(op);
  return op;
}

Operation Draw::rename(const Tree& tree, bool alone) {
  codec::Rename op;
  op.from = target(tree, existing_path(tree));
  op.to = target(tree, path(tree));
  if (chance(30)) op.mode = static_cast<codec::RenameMode>(1 + random_.below(2));
  op.parents = chance(10);
  op.keep_undo = alone && chance(20);
  return op;
}

Operation Draw::remove(const Tree& tree, bool alone) {
  codec::Remove op;
  op.target = target(tree, chance(85) ? existing_path(tree) : path(tree));
  op.kind = static_cast<codec::RemoveKind>(random_.below(3));
  op.missing_ok = chance(20);
  op.keep_undo = alone && chance(25);
  if (chance(10)) op.if_generation = generation(tree, op.target.path);
  return op;
}

Operation Draw::attributes(const Tree& tree) {
  std::string at = path(tree);
  if (chance(50)) {
    codec::SetAttributes op;
    op.target = target(tree, at);
    op.follow = chance(50);
    if (chance(50)) op.mode = static_cast<uint32_t>(random_.below(010000));
    if (chance(30)) op.uid = static_cast<uint32_t>(random_.below(5));
    if (chance(30)) op.gid = static_cast<uint32_t>(random_.below(5));
    if (chance(30)) op.mtime_ns = static_cast<int64_t>(random_.below(1000)) * kSecond;
    if (chance(20)) op.mtime_now = true;
    if (chance(10)) op.ctime_ns = static_cast<int64_t>(random_.below(1000)) * kSecond;
    if (chance(10)) op.btime_ns = static_cast<int64_t>(random_.below(1000)) * kSecond;
    return op;
  }
  codec::SetXattr op;
  op.target = target(tree, at);
  op.follow = chance(50);
  op.name = chance(50) ? "user.k" : "user.l";
  if (chance(70)) op.value = *bytes(20);
  if (chance(30)) op.exists = static_cast<codec::Exists>(1 + random_.below(2));
  return op;
}

Operation Draw::precondition(const Tree& tree) {
  codec::Check op;
  op.target = target(tree, path(tree));
  uint64_t draw = random_.below(3);
  if (draw == 0) op.exists = chance(70);
  if (draw == 1) op.generation = generation(tree, op.target.path);
  if (draw == 2) op.newest_at_most = version_ - random_.below(std::min<uint64_t>(version_, 30) + 1);
  return op;
}

std::string Draw::snapshot_name() { return str("s", random_.below(4)); }

Operation Draw::snapshot() {
  if (chance(55)) {
    codec::SnapshotCreate op;
    op.name = snapshot_name();
    op.target.path = chance(40) ? "/" : directory_path(world_.tree);
    if (chance(25)) op.ttl_ns = static_cast<int64_t>(1 + random_.below(7200)) * kSecond;
    return op;
  }
  if (chance(80)) return codec::SnapshotRemove{snapshot_name()};
  return codec::SnapshotRenew{snapshot_name(),
                              static_cast<int64_t>(random_.below(3)) * 3600 * kSecond};
}

Operation Draw::policy() {
  codec::SetPolicy op;
  if (chance(60))
    op.policy.ladder = {{1 * kSecond, 7200 * kSecond}, {3600 * kSecond, 36000 * kSecond}};
  if (chance(70)) op.policy.undo_ns = static_cast<int64_t>(1 + random_.below(36000)) * kSecond;
  return op;
}

std::pair<std::string, std::string> Draw::kept_path() {
  if (world_.pins.empty()) return {path(world_.tree), chance(50) ? "v1" : "s1"};
  const Pin& pin = world_.pins[random_.below(world_.pins.size())];
  if (pin.kind == codec::PinKind::clone) return {path(world_.tree), "s1"};
  std::string when = pin.name.empty() || chance(30) ? str("v", pin.version) : pin.name;
  if (pin.of_file || chance(10)) return {pin.path, when};
  std::string drawn = chance(70) ? existing_path(*pin.tree) : path(*pin.tree);
  if (!covers(pin.path, drawn) && !chance(10)) drawn = pin.path + "/" + name();
  if (pin.path == "/" && drawn.starts_with("//")) drawn.erase(0, 1);
  return {drawn, when};
}

Operation Draw::copy(const Tree& tree, bool alone) {
  codec::Copy op;
  op.from = target(tree, existing_path(tree));
  if (alone && chance(40)) {
    auto [from, when] = kept_path();
    op.from = {from, {}};
    op.from_at = when;
  }
  op.to = target(tree, path(tree));
  op.parents = chance(10);
  op.keep_undo = alone && chance(10);
  op.no_follow = chance(20);
  if (chance(20)) op.exists = static_cast<codec::Exists>(1 + random_.below(2));
  if (chance(10)) op.if_generation = generation(tree, op.to.path);
  return op;
}

Operation Draw::undelete(const Tree& tree) {
  codec::Undelete op;
  auto [from, when] = kept_path();
  op.target.path = from;
  if (chance(60)) op.at = when;
  if (chance(50)) op.as = {new_path(tree), {}};
  return op;
}

Operation Draw::clone(const Tree& tree, bool alone) {
  codec::Clone op;
  op.from = target(tree, chance(80) ? directory_path(tree) : existing_path(tree));
  if (alone && chance(40)) {
    auto [from, when] = kept_path();
    op.from = {from, {}};
    op.from_at = when;
  }
  op.replace = chance(25);
  if (op.replace) {
    op.to = target(tree, chance(80) ? directory_path(tree) : path(tree));
    op.keep_undo = alone && chance(50);
  } else {
    op.to = target(tree, chance(90) ? new_path(tree) : path(tree));
  }
  op.parents = chance(10);
  return op;
}

Operation Draw::rollback(const Tree& tree) {
  codec::Rollback op;
  auto [from, when] = kept_path();
  op.target = chance(90) ? codec::Target{from, {}} : target(tree, existing_path(tree));
  if (op.target.path.empty()) op.target.path = "/";
  op.at = when;
  op.keep_undo = chance(50);
  return op;
}

// A directory's id whose tree was removed, replaced or rolled back.
Operation Draw::into_the_gone() {
  codec::Mkdir op;
  op.mode = 0755;
  op.target.path = name();
  if (world_.gone.empty()) {
    op.target.path.insert(0, "/");
    return op;
  }
  const auto& id = world_.gone[random_.below(world_.gone.size())]->value;
  if (id) op.target.id = *id;
  if (!id) op.target.path.insert(0, "/");
  return op;
}

Operation Draw::quota(const Tree& tree) {
  codec::SetQuota op;
  op.target = target(tree, chance(90) ? directory_path(tree) : path(tree));
  codec::Totals totals;
  Tree::Spot spot;
  if (tree.resolve(op.target.path, true, spot) == Code::ok &&
      tree.at(spot.ino).kind == Kind::directory) {
    totals = tree.totals(spot.ino);
  }
  auto limit = [&](uint64_t used, uint64_t room) -> uint64_t {
    if (chance(40)) return 0;
    return chance(20) ? random_.below(used + 1) : used + random_.below(used / 2 + room);
  };
  bool bytes = chance(60);
  if (bytes) op.max_bytes = limit(totals.bytes, 300);
  if (!bytes || chance(50)) op.max_entries = limit(totals.files + totals.directories, 8);
  return op;
}

Operation Draw::operation(const Tree& tree, bool first, bool alone) {
  uint64_t choices = tree.nodes().size() > kNodesMax ? 135 : 115;
  uint64_t draw = random_.below(choices + (world_.quotas ? 3 : 0));
  if (draw < 14) {
    codec::Mkdir op;
    op.target = target(tree, path(tree));
    op.mode = 0755;
    op.parents = chance(20);
    op.exist_ok = chance(20);
    give(op);
    return op;
  }
  if (draw < 40) return publish(tree, alone);
  if (draw < 47) return append(tree);
  if (draw < 53) return make_node(tree);
  if (draw < 59) return codec::Link{target(tree, existing_path(tree)), target(tree, path(tree))};
  if (draw < 71) return rename(tree, alone);
  if (draw < 77) return attributes(tree);
  if (draw < 81) return precondition(tree);
  if (draw < 82 && first) return codec::KeepUndo{target(tree, existing_path(tree))};
  if (draw < 87 && first) return snapshot();
  if (draw < 88 && first) return policy();
  if (draw < 93) return copy(tree, alone);
  if (draw < 96 && alone) return undelete(tree);
  if (draw < 97) return into_the_gone();
  bool room = tree.nodes().size() < kNodesMax * 2;
  if (draw < 103 && first && room) return clone(tree, alone);
  if (draw < 106 && alone && room) return rollback(tree);
  if (draw < 109 && world_.quotas) return quota(tree);
  return remove(tree, alone);
}

codec::CommitRequest Draw::request() {
  codec::CommitRequest out;
  size_t count = chance(65) ? 1 : 2 + random_.below(4);
  World scratch = world_;
  for (size_t i = 0; i < count; ++i) {
    // Most of what several operations do together should work, or nothing ever would.
    for (int tries = 0; tries < 4; ++tries) {
      codec::OperationBox box{operation(scratch.tree, i == 0, count == 1)};
      std::string wrong;
      bool fine = apply(scratch, {box}, {version_ + 1, {}, nullptr}, wrong) == Code::ok;
      if (!fine && tries < 3 && (count > 1 ? !chance(5) : chance(50))) continue;
      out.operations.push_back(std::move(box));
      break;
    }
  }
  out.dry_run = random_.one_in(50);
  return out;
}

}  // namespace nokv::shard::model
