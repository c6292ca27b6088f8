#include "meta/check/tree_pass.h"

#include <algorithm>
#include <utility>

namespace nokv::meta::fsck {

using codec::Dentry;
using codec::Kind;

TreePass::TreePass(std::string_view name, const Subject& subject, Report& report, Top top,
                   Walked& walked, SeeFile see_file)
    : name_(name),
      subject_(subject),
      report_(report),
      top_(std::move(top)),
      walked_(walked),
      see_file_(std::move(see_file)),
      tree_(subject.view, top_.at) {}

void TreePass::problem(std::string_view code, std::string path, const NodeId& id,
                       std::string detail, Repair repair, bool is_error) {
  // What was is not mended: the pin goes one day, and its records with it.
  if (top_.at != kNow) repair = {};
  if (top_.detached) path.clear();
  report_.add(
      {code, is_error, std::move(path), id.text(), top_.of + std::move(detail), std::move(repair)});
}

std::string TreePass::path(std::string_view name) const {
  std::string out = top_.path == "/" ? "" : top_.path;
  for (size_t i = 1; i < levels_.size(); ++i) out += "/" + levels_[i].name;
  if (!name.empty()) {
    out += '/';
    out += name;
  }
  return out.empty() ? "/" : out;
}

Result<bool> TreePass::step(size_t records) {
  if (!begun_) {
    begun_ = true;
    NOKV_TRY(begin());
  }
  for (; records > 0 && !levels_.empty(); --records) {
    Level& level = levels_.back();
    NOKV_ASSIGN(bool more, next(level));
    if (!more) {
      leave();
      continue;
    }
    report_.looked_at();
    // Copies: entering a directory takes the level's place at the back.
    std::string name = level.entries.name;
    Dentry dentry = level.entries.dentry;
    NOKV_TRY(see(level, name, dentry));
  }
  return !levels_.empty();
}

Result<> TreePass::begin() {
  if (top_.detached) {
    NOKV_TRY(enter(top_.id, {}, {}));
    levels_.back().counted = false;
    return {};
  }
  NOKV_ASSIGN(bool elsewhere, walked_elsewhere(top_.id));
  if (elsewhere) return {};
  report_.looked_at();
  NOKV_ASSIGN(auto record, tree_.node(top_.id));
  if (!record || !record->directory) {
    problem("missing_node", top_.path, top_.id, "the directory has no record");
    return {};
  }
  ++walked_.directories;
  return enter(top_.id, {}, *std::move(record->directory));
}

Result<> TreePass::enter(const NodeId& id, std::string name, codec::Directory record) {
  Level level{id, std::move(name), true, std::move(record), {}, {}, {}};
  std::string prefix = codec::dentry_key(id, {});
  level.entries.prefix_size = prefix.size();
  if (top_.inherited && !id.hops.empty()) {
    NOKV_ASSIGN(level.entries.seen_through, tree_.list(id));
  } else {
    level.entries.own = subject_.view.scan(prefix, prefix, top_.at);
    if (!id.hops.empty()) NOKV_TRY(begin_sums(level));
  }
  levels_.push_back(std::move(level));
  return {};
}

// A directory of a clone has what its source has, until its own entries say otherwise.
Result<> TreePass::begin_sums(Level& level) {
  NOKV_ASSIGN(level.source, tree_.source(level.id));
  if (!level.source) {  // the clone ended, or its record is missing, which its own pass tells
    level.counted = false;
    return {};
  }
  NOKV_ASSIGN(auto record, Tree(subject_.view, level.source->version).node(level.source->id));
  if (!record || !record->directory) return {};  // it was made in the clone
  const codec::Directory& directory = *record->directory;
  level.sums.entries = directory.entries;
  level.sums.totals.files = directory.totals.files;
  level.sums.totals.directories = directory.totals.directories;
  level.sums.totals.bytes = directory.totals.bytes;
  level.sums.totals.hops = directory.totals.hops;
  level.sums.totals.foreign_hops = directory.totals.foreign_hops;
  see_hops_through(level.source->parent, level.source->id, level.sums.totals);
  return {};
}

// An entry of the directory's own takes the place of the one it inherits, if there is one.
Result<> TreePass::see_own(Level& level, const std::string& name, bool whiteout) {
  std::optional<Dentry> inherited;
  if (level.source) {
    Tree then(subject_.view, level.source->version);
    NOKV_ASSIGN(inherited, then.dentry(level.source->id, name));
    if (inherited) {
      --level.sums.entries;
      codec::Totals& totals = level.sums.totals;
      if (inherited->kind != Kind::directory) {
        auto inode = then.inode(*inherited);
        if (!inode) level.counted = false;  // told where the source is walked
        --totals.files;
        totals.bytes -= inode ? inode->body.size : 0;
        return {};
      }
      NOKV_ASSIGN(auto record, then.node(inherited->child));
      if (!record || !record->directory) {
        level.counted = false;
        return {};
      }
      totals.files -= record->directory->totals.files;
      totals.directories -= record->directory->totals.directories + 1;
      totals.bytes -= record->directory->totals.bytes;
      return {};
    }
  }
  // Only what a clone inherits needs to be hidden. (Of a clone that ended it cannot be told.)
  bool may_hide = !level.id.hops.empty() && !level.source;
  if (whiteout && !may_hide) {
    problem("stray_whiteout", path(name), level.id, "a removed entry left a row behind", {}, false);
  }
  return {};
}

Result<bool> TreePass::next(Level& level) {
  Entries& entries = level.entries;
  if (entries.seen_through) {
    NOKV_ASSIGN(bool more, entries.seen_through->next());
    if (!more) return false;
    entries.name = entries.seen_through->entry().name;
    entries.dentry = entries.seen_through->entry().dentry;
    return true;
  }
  for (;;) {
    NOKV_ASSIGN(bool more, entries.own->next());
    if (!more) return false;
    entries.name.assign(entries.own->key().substr(entries.prefix_size));
    entries.dentry = Dentry();
    if (codec::decode(entries.own->raw().value, entries.dentry)) return true;
    level.counted = false;
    problem("undecodable", path(entries.name), level.id, "the entry cannot be decoded");
  }
}

Result<> TreePass::see(Level& level, const std::string& name, const Dentry& dentry) {
  bool whiteout = dentry.kind == Kind::none;
  if (level.entries.own) NOKV_TRY(see_own(level, name, whiteout));
  if (whiteout) return {};
  ++level.sums.entries;
  if (auto good = check_name(name); !good) {
    problem("bad_name", path(name), dentry.child, good.error().message());
  }
  if (!dentry.child || dentry.child.origin >= subject_.next_id()) {
    problem("bad_id", path(name), dentry.child,
            str("the next id to be given is ", subject_.next_id()),
            mend_next_id(dentry.child.origin));
  }
  NOKV_TRY(see_clone(level, name, dentry));
  return dentry.kind == Kind::directory ? see_directory(level, name, dentry)
                                        : see_file(level, name, dentry);
}

// What lies in a clone can do without it only when it is a file with all records of its own.
Result<> TreePass::see_clone(const Level& level, const std::string& name, const Dentry& dentry) {
  uint64_t clone = clone_held(level.id, dentry);
  if (clone == 0 || dentry.inode) return {};
  NOKV_ASSIGN(auto record, subject_.view.get(codec::clone_key(clone), top_.at));
  NOKV_ASSIGN(bool own, tree_.has_own_node(dentry.child));
  if (record || (own && dentry.kind != Kind::directory)) return {};
  problem("clone_missing", path(name), dentry.child,
          str("it lies in clone ", clone, ", which has no record"));
  return {};
}

// ---- directories

// Whether another walk sees the directory and all below it: a directory of a clone without a
// record of its own at its source; and at an older version, when nothing changed up to the version
// of the other walk, since each change below writes the record anew.
Result<bool> TreePass::walked_elsewhere(const NodeId& id) {
  std::string key = codec::node_key(id);
  if (!id.hops.empty() && !top_.inherited) {
    NOKV_ASSIGN(bool own, tree_.has_own_node(id));
    if (!own) return true;
  }
  if (top_.at == kNow) return false;
  NOKV_ASSIGN(auto then, subject_.view.get(key, top_.at));
  NOKV_ASSIGN(auto known, subject_.view.get(key, top_.known));
  return then && known && then->birth == known->birth;
}

Result<> TreePass::see_directory(Level& level, const std::string& name, const Dentry& dentry) {
  ++level.sums.totals.directories;
  const NodeId& id = dentry.child;
  NOKV_ASSIGN(auto record, tree_.node(id));
  if (!record || !record->directory) {
    level.counted = false;
    problem("missing_node", path(name), id, "the directory has a name and no record");
    return {};
  }
  const codec::Directory& directory = *record->directory;
  NOKV_ASSIGN(bool elsewhere, walked_elsewhere(id));
  bool named = directory.parent == level.id && directory.name == name;
  if (named && !elsewhere && levels_.size() < codec::kDepthMax) {
    ++walked_.directories;
    return enter(id, name, *std::move(record->directory));
  }
  // Not entered: it counts as what it says of itself.
  level.sums.totals.files += directory.totals.files;
  level.sums.totals.directories += directory.totals.directories;
  level.sums.totals.bytes += directory.totals.bytes;
  level.sums.totals.newest = std::max(level.sums.totals.newest, directory.totals.newest);
  raise_hops(level.id, level.sums.totals, id, &directory.totals);
  if (named && elsewhere) return {};
  if (named) {
    problem("too_deep", path(name), id, str("deeper than ", codec::kDepthMax, " directories"));
    return {};
  }
  NOKV_ASSIGN(auto there, tree_.dentry(directory.parent, directory.name));
  bool two_names = there && there->kind == Kind::directory && there->child == id;
  problem("back_pointer", path(name), id,
          str("the directory says that it is '", directory.name, "' in ", directory.parent.text(),
              two_names ? ", and that is so: it has two names" : ""),
          two_names ? Repair() : MendPlace{id, level.id, name});
  return {};
}

void TreePass::leave() {
  Level level = std::move(levels_.back());
  levels_.pop_back();
  std::string where = levels_.empty() ? top_.path : path(level.name);
  if (level.counted && !top_.detached) compare(level, where);  // what goes counts nowhere
  if (levels_.empty()) return;
  Level& above = levels_.back();
  if (!level.counted) above.counted = false;
  codec::Totals& totals = above.sums.totals;
  totals.files += level.sums.totals.files;
  totals.directories += level.sums.totals.directories;
  totals.bytes += level.sums.totals.bytes;
  totals.newest = std::max(totals.newest, level.record.totals.newest);
  raise_hops(above.id, totals, level.id, &level.sums.totals);
}

void TreePass::compare(const Level& level, const std::string& path) {
  const codec::Directory& says = level.record;
  const codec::Totals& counted = level.sums.totals;
  auto off = [](uint64_t is, uint64_t said) { return static_cast<int64_t>(is - said); };
  MendSums mend{level.id,
                off(level.sums.entries, says.entries),
                off(counted.files, says.totals.files),
                off(counted.directories, says.totals.directories),
                off(counted.bytes, says.totals.bytes),
                0};
  if (mend.entries != 0) {
    problem("entry_count", path, level.id,
            str("says ", says.entries, " entries, has ", level.sums.entries),
            MendSums{level.id, mend.entries});
  }
  mend.entries = 0;
  if (mend.files != 0 || mend.directories != 0 || mend.bytes != 0) {
    problem("totals", path, level.id,
            str("says ", says.totals.files, " files, ", says.totals.directories, " directories, ",
                says.totals.bytes, " bytes below it; there are ", counted.files, ", ",
                counted.directories, ", ", counted.bytes),
            mend);
  }
  if (says.totals.hops < counted.hops || says.totals.foreign_hops < counted.foreign_hops) {
    MendSums raise{level.id};
    raise.hops = counted.hops;
    raise.foreign_hops = counted.foreign_hops;
    problem("hops", path, level.id,
            str("says that nodes below have at most ", says.totals.hops,
                " hops of its own region and ", says.totals.foreign_hops,
                " of others; they have up to ", counted.hops, " and ", counted.foreign_hops),
            raise);
  }
  if (says.totals.newest > version() || says.since > version() ||
      says.totals.newest < counted.newest) {
    problem(
        "newest", path, level.id,
        str("says that version ", says.totals.newest, " changed something last; below it that is ",
            counted.newest, ", and the newest of all is ", version()),
        MendSums{level.id, 0, 0, 0, 0, std::max<uint64_t>(counted.newest, 1)}, false);
  }
}

// ---- files

Result<> TreePass::see_file(Level& level, const std::string& name, const Dentry& dentry) {
  ++level.sums.totals.files;
  raise_hops(level.id, level.sums.totals, dentry.child, nullptr);
  std::optional<codec::Inode> inode = dentry.inode;
  first_name_ = true;
  if (!inode) {
    NOKV_ASSIGN(inode, linked_file(level, name, dentry));
    if (!inode) {
      level.counted = false;
      return {};
    }
  }
  level.sums.totals.bytes += inode->body.size;
  if (inode->kind != dentry.kind) {
    problem("kind", path(name), dentry.child,
            str("the entry is of kind ", static_cast<int>(dentry.kind), ", the node of ",
                static_cast<int>(inode->kind)));
  }
  if (inode->kind == Kind::file) return see_body(path(name), dentry.child, inode->body);
  return {};
}

// The inode of a file whose entry does not hold it: then it has a node record and link rows.
Result<std::optional<codec::Inode>> TreePass::linked_file(const Level& level,
                                                          const std::string& name,
                                                          const Dentry& dentry) {
  NOKV_ASSIGN(auto record, tree_.node(dentry.child));
  if (!record || !record->inode) {
    problem("missing_node", path(name), dentry.child, "the file has a name and no record");
    return std::nullopt;
  }
  first_name_ = false;
  NOKV_ASSIGN(bool own, tree_.has_own_node(dentry.child));
  if (own) {
    std::string key = codec::link_key(dentry.child, level.id, name);
    NOKV_ASSIGN(auto row, subject_.view.get(key, top_.at));
    auto rows =
        subject_.view.scan(codec::node_table_key(codec::Table::link, dentry.child), {}, top_.at);
    NOKV_ASSIGN(bool any, rows.next());
    first_name_ = any && rows.key() == key;
    if (!row) {
      problem("link_row", path(name), dentry.child, "the file has a name without a link row",
              MendLink{dentry.child, level.id, name});
    }
  }
  return std::move(record->inode);
}

Result<> TreePass::see_body(const std::string& path, const NodeId& id, const codec::Body& body) {
  if (body.generation == 0 || body.generation > version()) {
    problem("body", path, id,
            str("its generation ", body.generation, " is no version up to ", version()));
  }
  if (body.base_size > body.size || (body.blob == 0) != (body.base_size == 0)) {
    problem("body", path, id,
            str("of its ", body.size, " bytes ", body.base_size, " lie in blob ", body.blob));
  }
  if (body.body_number != 0) NOKV_TRY(see_chunks(path, id, body));
  if (see_file_) see_file_(path, body, id);
  return {};
}

Result<> TreePass::see_chunks(const std::string& path, const NodeId& id, const codec::Body& body) {
  // Only its own: what a file of a clone inherits was looked at there.
  std::string prefix = codec::node_table_key(codec::Table::chunk, id);
  codec::put_u64(prefix, body.body_number);
  auto rows = subject_.view.scan(prefix, prefix, top_.at);
  for (;;) {
    NOKV_ASSIGN(bool more, rows.next());
    if (!more) break;
    if (first_name_) ++walked_.chunks;
    report_.looked_at();
    codec::ChunkKey key;
    codec::ChunkRecord chunk;
    if (!codec::split_chunk_key(rows.key(), key) || !codec::decode(rows.raw().value, chunk)) {
      problem("undecodable", path, id, "a chunk of its body cannot be decoded");
      continue;
    }
    uint64_t end = 0;
    bool good = true;
    for (const auto& extent : chunk.extents) {
      good = good && extent.offset >= end && extent.length <= codec::kChunkBytes &&
             extent.offset + extent.length <= codec::kChunkBytes;
      end = extent.offset + extent.length;
    }
    uint64_t start = uint64_t{key.index} * codec::kChunkBytes;
    if (!good || start + end > body.size) {
      problem(
          "chunk", path, id,
          str("chunk ", key.index, " overlaps itself or exceeds the file's ", body.size, " bytes"));
    }
  }
  if (top_.at != kNow || top_.detached) return {};
  std::string swept = codec::detached_key(id, body.body_number);
  NOKV_ASSIGN(auto row, subject_.view.get_present(swept));
  if (row) {
    problem("chunks_detached", path, id, "the chunks of its body are marked to be swept",
            DropRow{swept});
  }
  return {};
}

}  // namespace nokv::meta::fsck
