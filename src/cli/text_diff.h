// Unified differences of small texts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nokv::cli {

// Whether people can read it: no NUL in it, and not more than kTextMax bytes.
constexpr size_t kTextMax = 1 << 20;
bool is_text(std::string_view bytes);

// In the unified format of POSIX `diff -U 3`, with these names in its two header lines; empty when
// they are the same, nullopt when they differ in more lines than is worth showing (kEditsMax).
// Shortest edit scripts after E. W. Myers, "An O(ND) Difference Algorithm and Its Variations",
// 1986.
constexpr size_t kEditsMax = 2000;
std::optional<std::string> unified_diff(std::string_view before, std::string_view after,
                                        std::string_view name_before, std::string_view name_after);

}  // namespace nokv::cli
