#include "cli/serve_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/posix/posix_files.h"

namespace nokv::cli {
namespace {

Result<ImportSettings> imports(const std::string& from, bool local) {
  std::string failed;
  auto line = parse_line({"--config=", "--import-from", from, "status"}, failed).value();
  Surroundings surroundings{[](const std::string&) { return std::nullopt; }};
  PosixFiles files;
  NOKV_ASSIGN(auto settings, Settings::load(files, surroundings, line.arguments));
  return import_settings(settings, local);
}

TEST(ImportSettings, WithoutOneOnlyThisMachineMayReadEverything) {
  EXPECT_TRUE(imports("", true)->any);
  auto others = imports("", false).value();
  EXPECT_FALSE(others.any);
  EXPECT_TRUE(others.from.empty());
}

TEST(ImportSettings, NameBucketsAndPrefixesOrAllOrNone) {
  EXPECT_TRUE(imports("any", false)->any);
  auto none = imports("none", true).value();
  EXPECT_FALSE(none.any);
  EXPECT_TRUE(none.from.empty());
  auto some = imports("s3://a,s3://b/c", true).value();
  EXPECT_FALSE(some.any);
  EXPECT_THAT(some.from, testing::ElementsAre("s3://a", "s3://b/c"));
  for (const char* bad : {"a", "s3://", "file:///etc", "s3://a,,s3://b", "s3://a,any"}) {
    EXPECT_EQ(imports(bad, true).error().code(), Code::invalid_argument) << bad;
  }
}

TEST(PlaceOptions, AnotherBucketIsReachedAsThatOfTheBodies) {
  ObjectOptions bodies{
      .backend = ObjectBackend::rustfs, .bucket = "own", .endpoint = "http://host:9000"};
  bodies.region = "here";
  auto place = place_options("s3://other/a/b", bodies).value();
  EXPECT_EQ(place.backend, ObjectBackend::rustfs);
  EXPECT_EQ(place.bucket, "other");
  EXPECT_EQ(place.root, "a/b");
  EXPECT_EQ(place.endpoint, "http://host:9000");
  EXPECT_EQ(place.region, "here");
  // In virtual-host style the bucket stands before the host.
  bodies.endpoint = "https://own.host";
  EXPECT_EQ(place_options("s3://other", bodies)->endpoint, "https://other.host");
  EXPECT_EQ(place_options("s3://own/backups", bodies)->endpoint, "https://own.host");
  bodies.endpoint = "https://ownhost";
  EXPECT_EQ(place_options("s3://other", bodies)->endpoint, "https://ownhost");
}

}  // namespace
}  // namespace nokv::cli
