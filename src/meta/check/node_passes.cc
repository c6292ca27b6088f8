#include "meta/check/node_passes.h"

#include <algorithm>

namespace nokv::meta::fsck {

using codec::Dentry;
using codec::Kind;
using codec::Table;

namespace {

// In a clone, what has records of its own is found by its directory's own entries.
Result<> see_own_entry(const Subject& subject, Report& report, const NodeId& id,
                       const NodeId& parent, std::string_view name) {
  if (parent.hops.empty()) return {};  // all its entries are its own
  NOKV_ASSIGN(auto own, subject.view.get(codec::dentry_key(parent, name), kNow));
  if (own) return {};
  report.add({.code = "own_entry",
              .path = path_of(subject.view, parent, name),
              .id = id.text(),
              .detail = "it was changed in the clone, whose directory has no entry of its own for "
                        "it, so a sweep would miss it",
              .repair = OwnEntry{parent, std::string(name)}});
  return {};
}

}  // namespace

// ---- nodes

Result<> NodePass::row(std::string_view key, std::string_view value) {
  NodeId id;
  codec::NodeRecord record;
  if (!codec::split_node_key(key, id)) return undecodable(key);
  if (!read(key, value, record)) return {};
  if (record.directory) return see_directory(id, *record.directory);
  if (record.inode) return see_file(id, record);
  return see_whiteout(id);
}

// The whiteout of a node in a clone; the list of them says that it is there.
Result<> NodePass::see_whiteout(const NodeId& id) {
  uint64_t clone = last_clone(id);
  NOKV_ASSIGN(auto row, view_.get_present(codec::grave_key(clone, id)));
  if (row) return {};
  report_.add({.code = "whiteout_unlisted",
               .is_error = false,
               .id = id.text(),
               .detail = "a removed node left a row behind that nobody would sweep",
               .repair = ListWhiteout{id}});
  return {};
}

Result<> NodePass::see_directory(const NodeId& id, const codec::Directory& directory) {
  ++directories_;
  Tree tree(view_, kNow);
  if (directory.quota) {
    NOKV_ASSIGN(auto row, view_.get_present(codec::node_table_key(Table::quota, id)));
    if (!row) {
      report_.add({.code = "quota_unlisted",
                   .is_error = false,
                   .path = path_of(view_, id),
                   .id = id.text(),
                   .detail = "the directory has a quota, and the list of those lacks it",
                   .repair = ListQuota{id}});
    }
  }
  if (!directory.parent) {
    NOKV_ASSIGN(NodeId root, tree.root());
    if (id != root) {
      report_.add({.code = "lost_directory",
                   .id = id.text(),
                   .detail = "the directory has no parent and is not the root"});
    }
    return {};
  }
  NOKV_ASSIGN(auto entry, tree.dentry(directory.parent, directory.name));
  if (entry && entry->child == id && entry->kind == Kind::directory) {
    return see_own_entry(subject_, report_, id, directory.parent, directory.name);
  }
  report_.add({.code = "lost_directory",
               .path = path_of(view_, directory.parent, directory.name),
               .id = id.text(),
               .detail = str("the directory says that it is '", directory.name, "' in ",
                             directory.parent.text(), ", which has no such entry; it has ",
                             directory.entries, " entries")});
  return {};
}

Result<> NodePass::see_file(const NodeId& id, const codec::NodeRecord& record) {
  auto links = view_.scan(codec::node_table_key(Table::link, id), {}, kNow);
  uint32_t rows = 0;
  NodeId parent;
  std::string name;
  for (;;) {
    NOKV_ASSIGN(bool more, links.next());
    if (!more) break;
    codec::LinkKey link;
    if (!codec::split_link_key(links.key(), link)) continue;  // the pass over links tells
    ++rows;
    parent = link.parent;
    name = link.name;
  }
  if (rows == record.links && rows != 0) return {};
  report_.add({.code = "link_count",
               .path = rows == 0 ? std::string() : path_of(view_, parent, name),
               .id = id.text(),
               .detail = str("says ", record.links, " names, has ", rows),
               .repair = rows == 0 ? Repair() : MendLink{id, parent, name}});
  return {};
}

// ---- links and moves

Result<> LinkPass::row(std::string_view key, std::string_view value) {
  codec::LinkKey link;
  codec::LinkRecord record;
  if (!codec::split_link_key(key, link)) return undecodable(key);
  if (!read(key, value, record)) return {};
  Tree tree(view_, kNow);
  NOKV_ASSIGN(auto node, view_.record<codec::NodeRecord>(codec::node_key(link.file), kNow));
  NOKV_ASSIGN(auto entry, tree.dentry(link.parent, link.name));
  bool named = entry && entry->child == link.file && !entry->inode;
  if (named && node && node->inode) {
    return see_own_entry(subject_, report_, link.file, link.parent, link.name);
  }
  report_.add(
      {.code = "link_row",
       .path = path_of(view_, link.parent, link.name),
       .id = link.file.text(),
       .detail = named ? "the link row's file has no record"
                       : "the link row names an entry that is not this file's",
       .repair = named ? Repair() : MendLink{link.file, link.parent, std::string(link.name)}});
  return {};
}

Result<> MovedPass::row(std::string_view key, std::string_view value) {
  NodeId file;
  codec::MovedRecord record;
  if (!codec::split_node_key(key, file)) return undecodable(key);
  if (!read(key, value, record)) return {};
  NOKV_ASSIGN(auto entry, Tree(view_, kNow).dentry(record.parent, record.name));
  if (entry && entry->child == file && entry->inode) {
    return see_own_entry(subject_, report_, file, record.parent, record.name);
  }
  report_.add({.code = "moved",
               .is_error = false,
               .path = path_of(view_, record.parent, record.name),
               .id = file.text(),
               .detail = str("the file is said to be '", record.name, "' in ", record.parent.text(),
                             ", and is not"),
               .repair = DropMoved{file}});
  return {};
}

// ---- owners

Result<bool> OwnerPass::step(size_t records) {
  std::string table = codec::table_key(Table::dentry);
  if (rows_ == nullptr) {
    rows_ = subject_.view.snapshot().iterate(table, codec::prefix_end(table));
    rows_->seek(table);
  }
  for (; records > 0 && rows_->valid(); --records) {
    report_.looked_at();
    codec::DentryKey key;
    if (!codec::split_dentry_key(rows_->key(), key)) {
      report_.add({.code = "undecodable",
                   .id = hex(rows_->key()),
                   .detail = "the record with this key cannot be decoded"});
      rows_->next();
      continue;
    }
    // Each change of an entry writes the directory's own record, in a clone too.
    std::string node_key = codec::node_key(key.directory);
    NOKV_ASSIGN(auto node, subject_.view.record<codec::NodeRecord>(node_key, kNow));
    NOKV_ASSIGN(auto swept, subject_.view.get_present(codec::detached_key(key.directory, 0)));
    if (!swept && (!node || !node->directory)) {
      report_.add({.code = "entries_without_directory",
                   .id = key.directory.text(),
                   .detail = str("'", key.name,
                                 "' and perhaps more lie in a directory that has no record")});
    }
    rows_->seek(codec::prefix_end(codec::dentry_key(key.directory, {})));
  }
  NOKV_TRY(rows_->status());
  return rows_->valid();
}

// ---- detached

Result<bool> DetachedPass::step(size_t records) {
  if (below_ != nullptr) {
    NOKV_ASSIGN(bool more, below_->step(records));
    if (!more) below_.reset();
    return true;
  }
  return TablePass::step(1);
}

Result<> DetachedPass::row(std::string_view key, std::string_view /*value*/) {
  NodeId id;
  uint64_t body_number = 0;
  if (!codec::split_detached_key(key, id, body_number)) return undecodable(key);
  if (body_number != 0) return {};
  NOKV_ASSIGN(auto node, Tree(view_, kNow).node(id));
  if (node && node->directory) {
    report_.add({.code = "detached_in_tree",
                 .path = path_of(view_, id),
                 .id = id.text(),
                 .detail = "the directory has a record and is marked to be swept",
                 .repair = DropRow{std::string(key)}});
    return {};
  }
  TreePass::Top top{.id = id, .detached = true, .of = str("below removed ", id.text(), ": ")};
  below_ = std::make_unique<TreePass>("detached", subject_, report_, std::move(top), walked_);
  return {};
}

// ---- rings

Result<bool> RingPass::step(size_t records) {
  if (walked_.directories == nodes_.directories()) return false;
  return TablePass::step(records);
}

Result<> RingPass::row(std::string_view key, std::string_view value) {
  NodeId id;
  codec::NodeRecord record;
  uint64_t birth = 0;
  std::string_view rest = value;
  if (!codec::split_node_key(key, id) || !codec::take_birth(rest, birth) ||
      !codec::decode(rest, record) || !record.directory) {
    return {};
  }
  NodeId here = record.directory->parent;
  for (size_t depth = 0; here && depth <= codec::kDepthMax; ++depth) {
    if (here == id) {
      report_.add({.code = "directory_ring",
                   .id = id.text(),
                   .detail = str("the directory '", record.directory->name,
                                 "' lies, by its parents, in itself")});
      return {};
    }
    NOKV_ASSIGN(auto node, Tree(view_, kNow).node(here));
    if (!node || !node->directory) return {};
    here = node->directory->parent;
  }
  return {};
}

// ---- chunks

Result<> ChunkPass::row(std::string_view key, std::string_view /*value*/) {
  codec::ChunkKey chunk;
  if (!codec::split_chunk_key(key, chunk)) return undecodable(key);
  ++rows_seen_;
  Chunks of{chunk.file, chunk.body_number};
  if (!last_ || *last_ != of) {
    last_ = of;
    NOKV_ASSIGN(auto row, view_.get_present(codec::detached_key(chunk.file, chunk.body_number)));
    last_swept_ = row.has_value();
  }
  if (last_swept_) ++swept_;
  return {};
}

Result<> ChunkPass::end() {
  // A body whose chunks are marked to be swept too was counted twice, and told by the walk.
  if (rows_seen_ <= walked_.chunks + swept_) return {};
  searching_ = true;
  return next_batch();
}

Result<> ChunkPass::next_batch() {
  batch_.clear();
  std::string table = codec::table_key(Table::chunk);
  std::string start = table;
  if (from_.file) {
    start = codec::node_table_key(Table::chunk, from_.file);
    codec::put_u64(start, from_.body_number);
    start = codec::prefix_end(std::move(start));
  }
  auto rows = view_.snapshot().iterate(start, codec::prefix_end(table));
  rows->seek(start);
  while (rows->valid() && batch_.size() < kBatch) {
    codec::ChunkKey chunk;
    std::string body = std::string(rows->key());
    if (codec::split_chunk_key(rows->key(), chunk)) {
      from_ = {chunk.file, chunk.body_number};
      NOKV_ASSIGN(auto row, view_.get_present(codec::detached_key(from_.file, from_.body_number)));
      if (!row) batch_.emplace_back(from_, false);
      body = codec::node_table_key(Table::chunk, chunk.file);
      codec::put_u64(body, chunk.body_number);
      rows->seek(codec::prefix_end(std::move(body)));
    } else {
      rows->next();
    }
  }
  NOKV_TRY(rows->status());
  std::ranges::sort(batch_);
  in_nodes_ = false;
  mentions_.reset();
  return {};
}

// Goes on through the entries, then the nodes; what is left of the batch then has no owner.
Result<bool> ChunkPass::strike_off(size_t records) {
  if (batch_.empty()) return false;
  if (mentions_ == nullptr) {
    std::string table = codec::table_key(in_nodes_ ? Table::node : Table::dentry);
    mentions_ = view_.snapshot().iterate(table, codec::prefix_end(table));
    mentions_->seek(table);
  }
  for (; records > 0 && mentions_->valid(); --records, mentions_->next()) {
    std::string_view value = mentions_->value();
    uint64_t birth = 0;
    Chunks of;
    Dentry dentry;
    codec::NodeRecord node;
    if (!codec::take_birth(value, birth)) continue;
    if (in_nodes_) {
      if (!codec::split_node_key(mentions_->key(), of.file) || !codec::decode(value, node))
        continue;
      if (node.inode) of.body_number = node.inode->body.body_number;
    } else {
      if (!codec::decode(value, dentry)) continue;
      of.file = dentry.child;
      if (dentry.inode) of.body_number = dentry.inode->body.body_number;
    }
    if (of.body_number == 0) continue;
    auto found = std::ranges::lower_bound(batch_, of, {}, [](const auto& it) { return it.first; });
    if (found != batch_.end() && found->first == of) found->second = true;
  }
  NOKV_TRY(mentions_->status());
  if (mentions_->valid()) return true;
  mentions_.reset();
  if (!in_nodes_) {
    in_nodes_ = true;
    return true;
  }
  for (const auto& [of, mentioned] : batch_) {
    if (mentioned) continue;
    report_.add({.code = "lost_chunks",
                 .is_error = false,
                 .id = of.file.text(),
                 .detail = str("chunk records of body ", of.body_number,
                               " of this file, which no entry mentions"),
                 .repair = ListChunks{of.file, of.body_number}});
  }
  NOKV_TRY(next_batch());
  return true;
}

Result<bool> ChunkPass::step(size_t records) {
  if (searching_) return strike_off(records);
  NOKV_ASSIGN(bool more, TablePass::step(records));
  return more || searching_;
}

}  // namespace nokv::meta::fsck
