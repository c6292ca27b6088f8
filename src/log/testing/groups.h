// Groups to append in tests, and what is read back.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "log/log_store.h"

namespace nokv::log {

// The group of versions (last - count, last] whose bytes tell them apart.
inline Group make_group(uint64_t last, size_t size, uint64_t count = 1) {
  std::string bytes = str("group ", last, " ");
  while (bytes.size() < size) bytes += static_cast<char>('a' + (bytes.size() + last) % 26);
  return {Version{last - count + 1}, Version{last}, std::move(bytes)};
}

inline Position after(const Position& before, const Group& group) {
  return {group.last, chain(before.digest, group)};
}

// The answer of an append to a store that answers from inside it.
inline Result<Appended> append(LogStore& store, Epoch epoch, const Position& previous,
                               const Group& group) {
  Result<Appended> answer = fail(Code::unavailable, "no answer");
  store.append(epoch, previous, group, [&](Result<Appended> got) { answer = std::move(got); });
  return answer;
}

// All groups from `from` on, to the tail.
inline std::vector<Reader::Entry> read_all(LogStore& store, Version from) {
  std::vector<Reader::Entry> out;
  auto reader = store.read(from);
  EXPECT_TRUE(reader) << reader.error().message();
  while (reader) {
    auto next = (*reader)->next();
    EXPECT_TRUE(next) << next.error().message();
    if (!next) break;
    std::optional<Reader::Entry> entry = *std::move(next);
    if (!entry) break;
    out.push_back(*std::move(entry));
  }
  return out;
}

}  // namespace nokv::log
