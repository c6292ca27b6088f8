#include "shard/comparisons.h"

#include <algorithm>

namespace nokv::shard {

namespace {

constexpr uint32_t kPage = 1000;
constexpr uint32_t kPageMax = 10'000;
constexpr size_t kWork = 20'000;  // names looked at for one page

using codec::Difference;
using codec::DifferenceKind;
using codec::Kind;

codec::BodyFacts facts_of(const codec::Inode& inode) {
  return {inode.body.generation, inode.body.size, inode.body.digest};
}

// Of two paths that are not both directories.
Result<std::vector<Difference>> compare_leaves(const meta::View& view, const ComparedSide& a,
                                               const ComparedSide& b) {
  std::vector<Difference> out;
  auto inode_of = [&](const ComparedSide& side) {
    return meta::Tree(view, side.moment.version).inode(side.located.dentry);
  };
  Kind kind_a = a.located.dentry.kind;
  Kind kind_b = b.located.dentry.kind;
  if (kind_a == kind_b) {
    NOKV_ASSIGN(auto in_a, inode_of(a));
    NOKV_ASSIGN(auto in_b, inode_of(b));
    auto difference = meta::content_difference(in_a, in_b);
    if (!difference) return out;
    difference->path = b.path;
    if (a.path != b.path) difference->old_path = a.path;
    out.push_back(*std::move(difference));
    return out;
  }
  Difference removed{.change = DifferenceKind::removed, .path = a.path, .kind = kind_a};
  Difference created{.change = DifferenceKind::created, .path = b.path, .kind = kind_b};
  if (kind_a != Kind::directory) {
    NOKV_ASSIGN(auto inode, inode_of(a));
    removed.old = facts_of(inode);
  }
  if (kind_b != Kind::directory) {
    NOKV_ASSIGN(auto inode, inode_of(b));
    created.now = facts_of(inode);
  }
  out.push_back(std::move(removed));
  out.push_back(std::move(created));
  return out;
}

}  // namespace

Result<codec::DiffReply> Comparisons::begin(std::shared_ptr<const meta::State> state,
                                            const ComparedSide& a, const ComparedSide& b,
                                            bool from_base, uint32_t limit) {
  auto held = std::make_unique<Held>();
  held->view = std::make_unique<meta::View>(state->view());
  held->state = std::move(state);
  held->version_a = a.version;
  held->version_b = b.version;
  bool directories =
      a.located.dentry.kind == Kind::directory && b.located.dentry.kind == Kind::directory;
  if (!directories && from_base) {
    const std::string& leaf = a.located.dentry.kind == Kind::directory ? b.path : a.path;
    return fail(Code::not_directory, leaf, ": only directories have come from a common state");
  }
  if (!directories) {
    codec::DiffReply reply{a.version, b.version};
    NOKV_ASSIGN(reply.differences, compare_leaves(*held->view, a, b));
    return reply;
  }
  auto side = [&](const ComparedSide& from) {
    return meta::Side{held->view.get(), from.moment.version, from.located.id(), from.path};
  };
  meta::Side from = side(a);
  if (from_base) {
    NOKV_ASSIGN(from, meta::Diff::base(from, side(b)));
    held->version_a = from.version == meta::kNow ? held->version_a : from.version;
  }
  NOKV_ASSIGN(held->diff, meta::Diff::begin(std::move(from), side(b)));
  return page(std::move(held), 0, limit);
}

Result<codec::DiffReply> Comparisons::next(uint64_t cursor, uint32_t limit) {
  // Taken out: two pages of one comparison are not worked out at once.
  auto held = all_.with([&](All& all) {
    auto found = all.held.find(cursor);
    if (found == all.held.end()) return std::unique_ptr<Held>();
    auto out = std::move(found->second);
    all.held.erase(found);
    return out;
  });
  if (held == nullptr || clock_.now() - held->used > ttl_) {
    return std::unexpected(
        Error(Code::stale, "the comparison was not asked for in time").with_hint("begin it again"));
  }
  return page(std::move(held), cursor, limit);
}

Result<codec::DiffReply> Comparisons::page(std::unique_ptr<Held> held, uint64_t cursor,
                                           uint32_t limit) {
  codec::DiffReply reply{held->version_a, held->version_b};
  size_t most = limit == 0 ? kPage : std::min(limit, kPageMax);
  NOKV_ASSIGN(reply.more, held->diff->step(kWork, most, reply.differences));
  if (!reply.more) return reply;
  held->used = clock_.now();
  reply.cursor = all_.with([&](All& all) {
    std::erase_if(all.held, [&](const auto& row) { return held->used - row.second->used > ttl_; });
    if (all.held.size() >= held_max_) {
      all.held.erase(
          std::ranges::min_element(all.held, {}, [](const auto& row) { return row.second->used; }));
    }
    if (cursor == 0) cursor = ++all.last;
    all.held[cursor] = std::move(held);
    return cursor;
  });
  return reply;
}

}  // namespace nokv::shard
