// A sorted set that is copied at no cost: copies share what they have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace nokv::meta {

// A persistent treap: a change makes new nodes from the top down to where it is, O(log n) of them,
// and leaves those of older copies alone. So a copy may be read by any thread while this one
// changes. Rows are ordered by `Less`, which also compares rows with what is asked for; there are
// no two equal ones. Pointers to rows are good until the set changes or goes.
template <class Row, class Less = std::less<>>
class SharedSet {
  struct Node;
  using Link = std::shared_ptr<const Node>;
  struct Node {
    Row row;
    uint64_t priority;  // not below those of its children
    Link left;
    Link right;
  };

 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Does nothing when an equal row is there.
  void insert(Row row) {
    if (find(row) != nullptr) return;
    ++size_;
    uint64_t priority = next_priority();
    top_ = insert(top_, std::move(row), priority);
  }

  template <class Key>
  void erase(const Key& key) {
    if (find(key) == nullptr) return;
    --size_;
    top_ = erase(top_, key);
  }

  // The row that is equal to `key`; null: none.
  template <class Key>
  const Row* find(const Key& key) const {
    const Row* row = at_or_after(key);
    return row == nullptr || Less()(key, *row) ? nullptr : row;
  }

  // The first row that is not less than `key`; null: none.
  template <class Key>
  const Row* at_or_after(const Key& key) const {
    const Row* found = nullptr;
    for (const Node* at = top_.get(); at != nullptr;) {
      if (Less()(at->row, key)) {
        at = at->right.get();
      } else {
        found = &at->row;
        at = at->left.get();
      }
    }
    return found;
  }

  // The last row that is less than `key`; null: none.
  template <class Key>
  const Row* before(const Key& key) const {
    const Row* found = nullptr;
    for (const Node* at = top_.get(); at != nullptr;) {
      if (Less()(at->row, key)) {
        found = &at->row;
        at = at->right.get();
      } else {
        at = at->left.get();
      }
    }
    return found;
  }

  const Row* first() const { return end_of(&Node::left); }
  const Row* last() const { return end_of(&Node::right); }

  class Iterator {
   public:
    const Row& operator*() const { return path_.back()->row; }
    Iterator& operator++() {
      const Node* at = path_.back()->right.get();
      path_.pop_back();
      descend(at);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return path_.empty(); }

   private:
    friend class SharedSet;
    explicit Iterator(const Node* top) { descend(top); }
    void descend(const Node* at) {
      for (; at != nullptr; at = at->left.get()) path_.push_back(at);
    }
    std::vector<const Node*> path_;  // those whose row and right side come yet
  };
  Iterator begin() const { return Iterator(top_.get()); }
  std::default_sentinel_t end() const { return {}; }

 private:
  static Link with_left(const Node& node, Link left) {
    return std::make_shared<const Node>(node.row, node.priority, std::move(left), node.right);
  }
  static Link with_right(const Node& node, Link right) {
    return std::make_shared<const Node>(node.row, node.priority, node.left, std::move(right));
  }

  // What is less than `row`, and the rest.
  static std::pair<Link, Link> split(const Link& at, const Row& row) {
    if (at == nullptr) return {};
    if (Less()(at->row, row)) {
      auto [less, rest] = split(at->right, row);
      return {with_right(*at, std::move(less)), std::move(rest)};
    }
    auto [less, rest] = split(at->left, row);
    return {std::move(less), with_left(*at, std::move(rest))};
  }

  static Link insert(const Link& at, Row row, uint64_t priority) {
    if (at == nullptr || at->priority < priority) {
      auto [less, rest] = split(at, row);
      return std::make_shared<const Node>(std::move(row), priority, std::move(less),
                                          std::move(rest));
    }
    if (Less()(row, at->row)) return with_left(*at, insert(at->left, std::move(row), priority));
    return with_right(*at, insert(at->right, std::move(row), priority));
  }

  // All rows of `a` are less than those of `b`.
  static Link join(const Link& a, const Link& b) {
    if (a == nullptr) return b;
    if (b == nullptr) return a;
    if (a->priority < b->priority) return with_left(*b, join(a, b->left));
    return with_right(*a, join(a->right, b));
  }

  template <class Key>
  static Link erase(const Link& at, const Key& key) {
    if (Less()(at->row, key)) return with_right(*at, erase(at->right, key));
    if (Less()(key, at->row)) return with_left(*at, erase(at->left, key));
    return join(at->left, at->right);
  }

  const Row* end_of(Link Node::* side) const {
    const Node* at = top_.get();
    while (at != nullptr && at->*side != nullptr) at = (at->*side).get();
    return at == nullptr ? nullptr : &at->row;
  }

  // As good as random, and the same in every run: a counter, mixed (SplitMix64).
  uint64_t next_priority() {
    uint64_t mixed = seed_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }

  Link top_;
  size_t size_ = 0;
  uint64_t seed_ = 0;
};

}  // namespace nokv::meta
