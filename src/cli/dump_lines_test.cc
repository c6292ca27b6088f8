#include "cli/dump_lines.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include <gtest/gtest.h>

#include "cli/values.h"

namespace nokv::cli {
namespace {

using codec::Kind;

DumpNode node(Kind kind) {
  DumpNode out{"/a", {}, {}};
  out.entry.kind = kind;
  out.entry.attributes = {04755, 7, 8, 1'763'961'587'123'456'789, -1, 0, 0};
  return out;
}

// What is written of what was read.
template <class Line>
std::string again(const Line& line) {
  auto parsed = parse_dump_line(dump_text(line));
  if (!parsed) return parsed.error().message();
  return std::visit([](const auto& it) { return dump_text(it); }, *parsed);
}

TEST(DumpLines, EveryLineReadsBackAsItWasWritten) {
  DumpHeader header{1, "00ff", "/x\xff", 7, 1'000'000'001, true};
  EXPECT_EQ(again(header), dump_text(header));
  DumpSnapshot snapshot;
  snapshot.snapshot.name = "s";
  snapshot.snapshot.path = "/";
  snapshot.snapshot.expires_ns = 5;
  snapshot.snapshot.labels = {{"k", "v"}};
  EXPECT_EQ(again(snapshot), dump_text(snapshot));
  EXPECT_EQ(again(DumpData{std::string("\0\xff\n", 3)}),
            dump_text(DumpData{std::string("\0\xff\n", 3)}));
  EXPECT_EQ(again(DumpEnd{9}), dump_text(DumpEnd{9}));
  for (auto kind : {Kind::file, Kind::directory, Kind::symlink, Kind::fifo, Kind::socket,
                    Kind::block, Kind::character}) {
    DumpNode it = node(kind);
    it.entry.attributes.rdev = kind == Kind::block ? UINT64_MAX : 0;
    if (kind == Kind::symlink) it.entry.target = "\xfe\\x41";
    if (kind == Kind::file) {
      it.entry.body.size = UINT64_MAX;
      it.entry.body.digest = {codec::DigestKind::xxh3_128, std::string(16, '\x9c')};
      it.entry.body.content_type = "text/plain";
      it.entry.body.producer = "p\n";
    }
    it.entry.xattrs = {{"user.b", ""}, {"user.\xff", std::string("\0v", 2)}};
    EXPECT_EQ(again(it), dump_text(it));
  }
  DumpNode link = node(Kind::file);
  link.link = "/earlier";
  EXPECT_EQ(again(link), dump_text(link));
}

TEST(DumpLines, NodesKeepTheirBytes) {
  DumpNode it = node(Kind::symlink);
  it.path = "/\xff/\\xfe \"q\"\n";
  it.entry.target = "\xfe\\x41";
  it.entry.xattrs = {{"user.\xff", std::string("\0v", 2)}};
  auto parsed = parse_dump_line(dump_text(it));
  ASSERT_TRUE(parsed);
  const auto& read = std::get<DumpNode>(*parsed);
  EXPECT_EQ(read.path, it.path);
  EXPECT_EQ(read.entry.target, it.entry.target);
  EXPECT_EQ(read.entry.xattrs, it.entry.xattrs);
  EXPECT_EQ(read.entry.attributes, it.entry.attributes);
}

std::string text_of(const std::string& path) {
  std::ifstream in(NOKV_SOURCE_DIR "/" + path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(DumpLines, TheExampleOfThePageIsReadAndWritten) {
  std::string example = text_of("src/cli/testdata/dump.v1.jsonl");
  EXPECT_NE(text_of("docs/formats/dump.md").find("```\n" + example + "```\n"), std::string::npos);
  std::istringstream lines(example);
  std::string written;
  for (std::string line; std::getline(lines, line);) {
    auto parsed = parse_dump_line(line);
    ASSERT_TRUE(parsed) << parsed.error().message();
    written += std::visit([](const auto& it) { return dump_text(it); }, *parsed) + "\n";
  }
  EXPECT_EQ(written, example);
}

TEST(DumpLines, WhatIsWrongIsNamed) {
  std::string good = dump_text(node(Kind::fifo));
  ASSERT_TRUE(parse_dump_line(good));
  for (const char* bad :
       {"", "[]", "7", "{", "{\"a\":[1]}", "{\"a\":{\"b\":{}}}", "{\"path\":\"/a\"}",
        "{\"path\":\"a\",\"link\":\"/b\",\"ctime\":\"1970-01-01T00:00:00.000000000Z\"}",
        "{\"data\":\"A\"}", "{\"data\":7.5}", "{\"end\":\"7\"}", "{\"dump\":2}", "{\"end\":-1}"}) {
    EXPECT_FALSE(parse_dump_line(bad)) << bad;
  }
  auto without = parse_dump_line("{\"path\":\"/a\",\"kind\":\"fifo\"}");
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().message(), "needs a field 'mode'");
}

// A line that names what is made, with `more` fields.
std::string node_with(const std::string& more) {
  return "{" + more + dump_text(node(Kind::file)).substr(1);
}

TEST(DumpLines, JsonIsReadInEveryFormItMayHave) {
  auto parsed = parse_dump_line(
      " {\t\"max_entries\" : 18446744073709551615 , \"unknown\":{\"a\":null,\"b\":-1.5e3},"
      "\"\\u0070ath\":\"\\/\\u00e9\\ud83d\\ude00\\n\\u0000\",\"mode\":1,\"path\":\"/second\"," +
      dump_text(node(Kind::fifo)).substr(1) + " \r");
  ASSERT_TRUE(parsed) << parsed.error().message();
  const auto& read = std::get<DumpNode>(*parsed);
  EXPECT_EQ(read.path, std::string("/é😀\n\0", 9)) << "of fields with one name the first counts";
  EXPECT_EQ(read.entry.attributes.mode, 1U);
  EXPECT_EQ(read.entry.quota.max_entries, UINT64_MAX);
}

TEST(DumpLines, WhatIsNoJsonIsNoLine) {
  ASSERT_TRUE(parse_dump_line(node_with("\"x\":{},")));
  std::string deep(kDumpLineMax, '{');
  for (const std::string& bad :
       {node_with("") + "x", node_with("") + "{}", node_with(","), node_with("\"x\":01,"),
        node_with("\"x\":nul,"), node_with("\"x\":NaN,"), node_with("x:1,"),
        node_with("\"x\":\"\xff\","), node_with("\"x\":\"\xed\xa0\x80\","),
        node_with("\"x\":\"\\ud83d\","), node_with("\"x\":\"\n\","), node_with("/**/"),
        node_with("\"x\":[],"), node_with("\"x\":{\"y\":{}},"), deep}) {
    auto parsed = parse_dump_line(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().message(), "is no line of a dump") << bad;
  }
}

TEST(DumpLines, NumbersAreWholeAndOf64Bits) {
  for (const char* bad : {"18446744073709551616", "-1", "1.0", "1e3", "\"1\"", "true", "null"}) {
    auto parsed = parse_dump_line(node_with(str("\"max_bytes\":", bad, ",")));
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().message(), "bad field 'max_bytes'") << bad;
  }
}

TEST(DumpLines, ATimeAndBase64AreTakenOnlyInTheirOneForm) {
  for (int64_t ns : {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{-1'000'000'000},
                     int64_t{1'763'961'587'123'456'789}, int64_t{9'223'372'036'854'775'807}}) {
    EXPECT_EQ(parse_rfc3339(rfc3339(ns)), ns);
  }
  for (const char* bad : {"", "2026-02-30T00:00:00.000000000Z", "2026-02-20T24:00:00.000000000Z",
                          "2026-02-20T00:00:00Z", "9999-01-01T00:00:00.000000000Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
  for (const char* text : {"", "a", "ab", "abc", "abcd"}) {
    EXPECT_EQ(base64_bytes(base64(text)), text);
  }
  for (const char* bad : {"a", "ab=c", "a===", "ab==cd==", "aB==", "YR==", "YW!="}) {
    EXPECT_FALSE(base64_bytes(bad)) << bad;
  }
}

}  // namespace
}  // namespace nokv::cli
