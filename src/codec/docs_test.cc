// The pages in docs/formats say what the code does: every struct with all its fields, and the
// golden files as they are.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "codec/testing/fields.h"
#include "codec/testing/messages.h"

namespace nokv::codec {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(NOKV_SOURCE_DIR "/" + path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Sections "### Name" with the numbers in the first column of their tables.
std::map<std::string, std::vector<uint32_t>> documented(const std::string& page) {
  std::string text = text_of("docs/formats/" + page);
  std::map<std::string, std::vector<uint32_t>> out;
  std::vector<uint32_t>* numbers = nullptr;
  for (std::string_view line : lines_of(text)) {
    if (line.starts_with("### ")) {
      numbers = &out[std::string(line.substr(4))];
    } else if (line.starts_with("## ")) {
      numbers = nullptr;
    } else if (uint32_t number = 0; numbers != nullptr && line.starts_with("| ")) {
      auto [end, error] = std::from_chars(line.data() + 2, line.data() + line.size(), number);
      if (error == std::errc()) numbers->push_back(number);
    }
  }
  return out;
}

struct Compare {
  std::map<std::string, std::vector<uint32_t>> pages;
  std::set<std::string> seen;

  template <class T>
  void operator()(const char* name) {
    FieldNumbers fields;
    T message;
    T::fields(message, fields);
    std::ranges::sort(fields.numbers);
    EXPECT_EQ(pages[name], fields.numbers) << "docs/formats has other fields of " << name;
    seen.insert(name);
  }
};

Compare compared() {
  Compare compare;
  for (const char* page : {"records.md", "redo.md", "rpc.md", "backup.md"})
    compare.pages.merge(documented(page));
  for_each_message(compare);
  return compare;
}

TEST(Docs, TellEveryFieldOfEveryStruct) {
  Compare compare = compared();
  for (const auto& [name, numbers] : compare.pages) {
    EXPECT_TRUE(compare.seen.contains(name)) << name << " is documented and is none";
  }
}

// The other way round: a struct with fields() that is missing in codec/testing/messages.h would
// be tested by nothing.
TEST(Docs, AndTheTestsKnowEveryStructThereIs) {
  Compare compare = compared();
  for (const char* header :
       {"record.h", "redo.h", "operation.h", "rpc.h", "rpc_upkeep.h", "backup.h"}) {
    std::string text = text_of(std::string("src/codec/") + header);
    std::string name;
    for (std::string_view line : lines_of(text)) {
      if (line.starts_with("struct ")) name = line.substr(7, line.find(' ', 7) - 7);
      if (!line.starts_with("  static void fields(") || name == "OperationBox") continue;
      EXPECT_TRUE(compare.seen.contains(name))
          << header << ": add " << name << " to codec/testing/messages.h";
    }
  }
}

TEST(Docs, ShowTheGoldenFilesAsTheyAre) {
  constexpr std::pair<const char*, const char*> shown[] = {
      {"keys.md", "keys.v1.hex"},        {"message.md", "node_id.v1.hex"},
      {"records.md", "dentry.v1.hex"},   {"redo.md", "redo_group.v1.hex"},
      {"rpc.md", "commit.v1.hex"},       {"frame.md", "frame.v1.hex"},
      {"envelope.md", "request.v1.hex"}, {"envelope.md", "reply.v1.hex"},
      {"envelope.md", "failure.v1.hex"}};
  for (const auto& [page, file] : shown) {
    std::string bytes = text_of(std::string("src/codec/testdata/") + file);
    while (bytes.ends_with('\n')) bytes.pop_back();
    EXPECT_NE(text_of(std::string("docs/formats/") + page).find(bytes), std::string::npos)
        << page << " shows another " << file;
  }
}

}  // namespace
}  // namespace nokv::codec
