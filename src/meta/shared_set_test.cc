#include "meta/shared_set.h"

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace nokv::meta {
namespace {

using Set = SharedSet<int>;

std::vector<int> rows(const Set& set) {
  std::vector<int> out;
  for (int row : set) out.push_back(row);
  return out;
}

const int* at_or_after(const std::set<int>& set, int key) {
  auto found = set.lower_bound(key);
  return found == set.end() ? nullptr : &*found;
}

const int* before(const std::set<int>& set, int key) {
  auto found = set.lower_bound(key);
  return found == set.begin() ? nullptr : &*std::prev(found);
}

void expect_same(const int* a, const int* b) {
  ASSERT_EQ(a == nullptr, b == nullptr);
  if (a != nullptr) {
    EXPECT_EQ(*a, *b);
  }
}

TEST(SharedSet, HoldsWhatASetHoldsAndCopiesStayAsTheyWere) {
  std::mt19937 random(1);
  Set set;
  std::set<int> model;
  std::vector<std::pair<Set, std::set<int>>> copies;
  for (int step = 0; step < 20'000; ++step) {
    int key = static_cast<int>(random() % 500);
    if (random() % 2 == 0) {
      set.insert(key);
      model.insert(key);
    } else {
      set.erase(key);
      model.erase(key);
    }
    if (step % 1000 == 0) copies.emplace_back(set, model);
    int probe = static_cast<int>(random() % 500);
    expect_same(set.find(probe), model.contains(probe) ? &probe : nullptr);
    expect_same(set.at_or_after(probe), at_or_after(model, probe));
    expect_same(set.before(probe), before(model, probe));
    expect_same(set.first(), model.empty() ? nullptr : &*model.begin());
    expect_same(set.last(), model.empty() ? nullptr : &*model.rbegin());
    ASSERT_EQ(set.size(), model.size());
  }
  copies.emplace_back(set, model);
  for (const auto& [copy, then] : copies) {
    EXPECT_EQ(rows(copy), std::vector<int>(then.begin(), then.end()));
  }
}

// Counts how often rows are compared.
struct Counting {
  static inline int comparisons = 0;
  bool operator()(int a, int b) const {
    ++comparisons;
    return a < b;
  }
};

TEST(SharedSet, AChangeLooksAtFewOfManyRows) {
  SharedSet<int, Counting> set;
  constexpr int kRows = 100'000;
  for (int i = 0; i < kRows; ++i) set.insert(i);  // ascending: the worst for a tree without balance
  auto copy = set;
  constexpr int kTries = 1000;
  Counting::comparisons = 0;
  for (int i = 0; i < kTries; ++i) set.erase(i * (kRows / kTries));
  for (int i = 0; i < kTries; ++i) set.insert(i * (kRows / kTries));
  EXPECT_LT(Counting::comparisons / (2 * kTries), 150);
  EXPECT_EQ(copy.size(), set.size());
}

}  // namespace
}  // namespace nokv::meta
