#include "meta/quotas.h"

#include <utility>

#include "codec/key.h"

namespace nokv::meta {

namespace {

codec::QuotaInfo info_of(std::string path, const NodeId& id, const codec::Directory& directory) {
  return {std::move(path), id, directory.quota, directory.totals};
}

}  // namespace

Result<std::vector<codec::QuotaInfo>> quotas_above(const Tree& tree, const NodeId& directory,
                                                   const NodeId& top, std::string_view top_path) {
  NOKV_ASSIGN(auto path, tree.path_of(directory, top, top_path));
  if (!path) return fail(Code::stale, "node ", directory.text(), " is no longer in the tree");
  std::vector<codec::QuotaInfo> out;
  NodeId here = directory;
  for (;;) {
    NOKV_ASSIGN(auto node, tree.node(here));
    if (!node || !node->directory) return damaged(codec::node_key(here));
    if (here == directory || node->directory->quota) {
      out.push_back(info_of(*path, here, *node->directory));
    }
    if (here == top) return out;
    here = node->directory->parent;
    path->resize(std::max<size_t>(path->rfind('/'), 1));
  }
}

Result<QuotaPage> quotas_below(const Tree& tree, const NodeId& below, const NodeId& after,
                               uint32_t limit) {
  NOKV_ASSIGN(auto below_path, tree.path_of(below));
  if (!below_path) return fail(Code::stale, "node ", below.text(), " is no longer in the tree");
  QuotaPage out;
  std::string table = codec::table_key(codec::Table::quota);
  std::string start = table;
  if (after) start = codec::prefix_end(codec::node_table_key(codec::Table::quota, after));
  auto rows = tree.view().snapshot().iterate(start, codec::prefix_end(table));
  uint32_t seen = 0;
  for (rows->seek(start); rows->valid(); rows->next()) {
    if (seen++ == limit) {
      out.more = true;
      break;
    }
    if (!codec::split_node_key(rows->key(), out.next)) return damaged(rows->key());
    NOKV_ASSIGN(auto node, tree.node(out.next));
    if (!node || !node->directory || !node->directory->quota) continue;
    NOKV_ASSIGN(auto path, tree.path_of(out.next, below, *below_path));
    if (path) out.quotas.push_back(info_of(*std::move(path), out.next, *node->directory));
  }
  NOKV_TRY(rows->status());
  return out;
}

}  // namespace nokv::meta
