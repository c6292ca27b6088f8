#include "client/content_type.h"

#include <string>

#include <gtest/gtest.h>

namespace nokv::client {
namespace {

using namespace std::string_view_literals;

TEST(ContentType, TheEndingDecidesWhateverItsCase) {
  EXPECT_EQ(content_type("/runs/1/metrics.JSONL", "\0\1"sv), "application/jsonl");
  EXPECT_EQ(content_type("/a.tar.gz", ""), "application/gzip");
}

TEST(ContentType, ADirectorysDotIsNoEnding) {
  EXPECT_EQ(content_type("/runs.json/data", "plain"), "text/plain; charset=utf-8");
}

TEST(ContentType, AHiddenFileHasNoEnding) {
  EXPECT_EQ(content_type("/.json", "plain"), "text/plain; charset=utf-8");
}

TEST(ContentType, WithoutAKnownEndingTheBytesTell) {
  EXPECT_EQ(content_type("/a", "\x89PNG\r\n\x1a\n...."), "image/png");
  EXPECT_EQ(content_type("/a.unknown", "#!/bin/sh\n"), "text/x-shellscript; charset=utf-8");
  EXPECT_EQ(content_type("/a", "\0\1\2"sv), "application/octet-stream");
  EXPECT_EQ(content_type("/a", ""), "text/plain; charset=utf-8");
}

TEST(ContentType, Utf8IsTextAndBrokenUtf8IsNot) {
  EXPECT_EQ(content_type("/a", "gr\xc3\xbc\xc3\x9f"), "text/plain; charset=utf-8");
  EXPECT_EQ(content_type("/a", "gr\xc3"), "text/plain; charset=utf-8");  // cut off
  EXPECT_EQ(content_type("/a", "gr\xc3(x"), "application/octet-stream");
  EXPECT_EQ(content_type("/a", "\xff\xfe"), "application/octet-stream");
}

}  // namespace
}  // namespace nokv::client
