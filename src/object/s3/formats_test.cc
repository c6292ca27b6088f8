#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "object/s3/answers.h"
#include "object/s3/dates.h"
#include "object/s3/digest.h"
#include "object/s3/profile.h"
#include "object/s3/sigv4.h"
#include "object/s3/xml.h"

namespace nokv::object {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Pair;

// The examples of the Amazon S3 API Reference, "Signature Calculations for the Authorization
// Header" and "Authenticating Requests: Using Query Parameters".
class SigV4Test : public testing::Test {
 protected:
  std::string authorization(SignableRequest request, std::string_view payload) {
    request.host = "examplebucket.s3.amazonaws.com";
    for (const auto& [name, value] : sign_headers(context, request, hex(sha256(payload)))) {
      if (name == "authorization") return value;
    }
    return {};
  }

  Credentials credentials{"AKIAIOSFODNN7EXAMPLE",
                          Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), Secret(),
                          std::nullopt, "test"};
  SigningContext context{credentials, "us-east-1",
                         parse_iso_date("2013-05-24T00:00:00.000Z").value_or(WallTime{})};
};

TEST_F(SigV4Test, AGetWithARangeIsSignedAsPublished) {
  EXPECT_EQ(authorization({"GET", "", "/test.txt", {}, {{"range", "bytes=0-9"}}}, ""),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_F(SigV4Test, APutWithMoreHeadersIsSignedAsPublished) {
  SignableRequest put{
      "PUT",
      "",
      "/" + uri_encode("test$file.text", true),
      {},
      {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}};
  EXPECT_THAT(authorization(put, "Welcome to Amazon S3."),
              EndsWith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST_F(SigV4Test, QueriesAreSignedAsPublished) {
  EXPECT_THAT(authorization({"GET", "", "/", {{"lifecycle", ""}}, {}}, ""),
              EndsWith("fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(authorization({"GET", "", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}}, ""),
              EndsWith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST_F(SigV4Test, AUrlIsPresignedAsPublished) {
  SignableRequest get{"GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {}};
  std::string query = presign_query(context, get, std::chrono::hours(24));
  EXPECT_THAT(query, HasSubstr("X-Amz-Expires=86400"));
  EXPECT_THAT(query, EndsWith("&X-Amz-Signature="
                              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
}

TEST_F(SigV4Test, ASessionTokenIsSentAndSigned) {
  credentials.session_token = Secret("token");
  auto headers = sign_headers(context, {"GET", "h", "/", {}, {}}, kUnsignedPayload);
  EXPECT_THAT(headers, testing::Contains(Pair("x-amz-security-token", "token")));
  EXPECT_THAT(headers, testing::Contains(Pair("authorization", HasSubstr("x-amz-security-token"))));
}

TEST(UriEncode, KeepsOnlyWhatIsUnreserved) {
  EXPECT_EQ(uri_encode("a/b c+~%", true), "a/b%20c%2B~%25");
  EXPECT_EQ(uri_encode("a/b", false), "a%2Fb");
  EXPECT_EQ(canonical_query({{"b", "2"}, {"a b", "&"}, {"a", ""}}), "a=&a%20b=%26&b=2");
}

TEST(Digest, GivesThePublishedValues) {
  EXPECT_EQ(hex(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(base64("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64_crc32c(0xe3069283U), "4waSgw==");
}

TEST(Dates, AreReadAndWrittenInEachOfTheThreeForms) {
  auto time = parse_iso_date("2009-10-12T17:50:30.250Z").value_or(WallTime{});
  EXPECT_EQ(to_unix_ns(time), int64_t{1255369830'250'000'000});
  EXPECT_EQ(amz_date(time), "20091012T175030Z");
  auto same = parse_http_date("Mon, 12 Oct 2009 17:50:30 GMT").value_or(WallTime{});
  EXPECT_EQ(to_unix_ns(same), int64_t{1255369830'000'000'000});
  for (const char* bad : {"", "2009-10-12", "2009-13-12T17:50:30Z", "2009-10-12T27:50:30Z",
                          "2009-10-12T17:50:30.xZ"}) {
    EXPECT_FALSE(parse_iso_date(bad)) << bad;
  }
  EXPECT_FALSE(parse_http_date("Mon, 12 Okt 2009 17:50:30 GMT"));
}

std::vector<std::pair<std::string, std::string>> elements(std::string_view document) {
  std::vector<std::pair<std::string, std::string>> out;
  auto read = read_xml(document, [&](std::string_view path, const std::string& text) {
    out.emplace_back(path, text);
  });
  if (!read) out.emplace_back("error", read.error().message());
  return out;
}

TEST(Xml, ElementsAreGivenWithPathAndDecodedText) {
  EXPECT_THAT(
      elements("<?xml version='1.0'?>\n<!-- > --><n:a x='>' y=\"'\">\n <b>1 &lt;&#50;&#x20AC;"
               "</b>\n<c/><d><![CDATA[<&>]]></d>\n</n:a>\n"),
      ElementsAre(Pair("a/b", "1 <2\xe2\x82\xac"), Pair("a/c", ""), Pair("a/d", "<&>"),
                  Pair("a", "")));
}

TEST(Xml, WhatIsMalformedIsRefused) {
  for (const char* bad :
       {"", "x", "<a>", "<a></b>", "<a/><b/>", "</a>", "<a>&unknown;</a>", "<a>&lt</a>", "<a", "<>",
        "<!DOCTYPE a><a/>", "<a><![CDATA[</a>", "<a>&#x110000;</a>", "&amp;<a/>", "<a x='/>"}) {
    EXPECT_FALSE(read_xml(bad, [](std::string_view, const std::string&) {})) << bad;
  }
  std::string deep;
  for (size_t i = 0; i <= kXmlDepthMax; ++i) deep += "<a>";
  auto read = read_xml(deep, [](std::string_view, const std::string&) {});
  EXPECT_THAT(read.error().message(), HasSubstr("too deep"));
}

TEST(Answers, AnErrorIsReadAsFarAsItGoes) {
  auto error = read_error("<Error><Code>SlowDown</Code><Message>wait\na bit</Message></Error>");
  EXPECT_EQ(error.code, "SlowDown");
  EXPECT_EQ(error.message, "wait a bit");
  EXPECT_EQ(read_error("<Error><Code>X</Code><Mess").code, "X");
  EXPECT_EQ(read_error("502 bad gateway").message, "502 bad gateway");
}

TEST(Answers, AListingIsReadWithEncodedKeys) {
  auto page = read_list(
      "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Contents>"
      "<Key>a%2Fb+c%2B%zz</Key><Size>12</Size><ETag>&quot;e&quot;</ETag>"
      "<LastModified>2009-10-12T17:50:30.000Z</LastModified></Contents></ListBucketResult>");
  ASSERT_TRUE(page) << page.error().message();
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_TRUE(page->more);
  EXPECT_EQ(page->objects[0].key, "a/b c+%zz");
  EXPECT_EQ(page->objects[0].size, 12U);
  EXPECT_EQ(page->objects[0].etag, "e");
  EXPECT_FALSE(read_list("<Other/>"));
  EXPECT_FALSE(
      read_list("<ListBucketResult><Contents><Size>x</Size></Contents></ListBucketResult>"));
}

TEST(Answers, ADeletionNamesWhatFailed) {
  auto errors = read_delete_errors(
      "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>");
  ASSERT_TRUE(errors);
  ASSERT_EQ(errors->size(), 1U);
  EXPECT_EQ(errors->front().key, "a");
  EXPECT_EQ(errors->front().error.code, "AccessDenied");
  EXPECT_THAT(write_delete({"a<&\x01"}), HasSubstr("<Key>a&lt;&amp;&#1;</Key>"));
}

TEST(Profile, IsFoundUnderBothSpellings) {
  std::string_view text =
      "# c\n[default]\naws_access_key_id = A\n\n[ profile dev ]\r\nregion=x\r\n[dev]\nk=v = w\n";
  EXPECT_THAT(read_profile(text, "default"), ElementsAre(Pair("aws_access_key_id", "A")));
  EXPECT_THAT(read_profile(text, "dev"), ElementsAre(Pair("k", "v = w"), Pair("region", "x")));
  EXPECT_TRUE(read_profile(text, "none").empty());
}

}  // namespace
}  // namespace nokv::object
