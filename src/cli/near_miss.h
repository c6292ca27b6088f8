// "did you mean": the known word that a mistyped one is nearest to.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::cli {

// How many characters must be inserted, removed, replaced or swapped with their neighbour to turn
// one into the other; above `limit` it is limit + 1.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

// The candidate nearest to `word`, or empty when none is near: a third of its length away at most,
// or beginning with it, or it with the other's case.
std::string near_miss(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace nokv::cli
