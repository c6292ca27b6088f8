#include "codec/envelope.h"

#include <gtest/gtest.h>

#include "codec/testing/golden.h"

namespace nokv::codec {
namespace {

template <class Head>
std::string encoded(const Head& head, std::string_view body = "") {
  std::string out;
  encode(head, out);
  return out.append(body);
}

const RequestHead kRequest{.id = 300, .method = 5, .deadline_ms = 30'000};
const ReplyHead kReply{.id = 300};
const ReplyHead kFailure{.id = 7,
                         .code = Code::overloaded,
                         .outcome = Outcome::maybe_done,
                         .retry_after_ms = 250,
                         .message = "64 requests are waiting",
                         .hint = "send fewer at once"};

TEST(Envelope, TheGoldenMessagesAreWhatIsWritten) {
  EXPECT_EQ(encoded(kRequest, "ping"), golden("request.v1.hex"));
  EXPECT_EQ(encoded(kReply, "pong"), golden("reply.v1.hex"));
  EXPECT_EQ(encoded(kFailure), golden("failure.v1.hex"));
}

TEST(Envelope, TheGoldenMessagesAreRead) {
  RequestHead request;
  ReplyHead reply;
  std::string_view body;
  std::string bytes = golden("request.v1.hex");
  ASSERT_TRUE(decode(bytes, request, body));
  EXPECT_EQ(request, kRequest);
  EXPECT_EQ(body, "ping");
  bytes = golden("reply.v1.hex");
  ASSERT_TRUE(decode(bytes, reply, body));
  EXPECT_EQ(reply, kReply);
  EXPECT_EQ(body, "pong");
  bytes = golden("failure.v1.hex");
  ASSERT_TRUE(decode(bytes, reply, body));
  EXPECT_EQ(reply, kFailure);
  EXPECT_EQ(body, "");
}

TEST(Envelope, TheShortFormOfASuccessIsTheSame) {
  std::string out;
  encode_ok_reply(300, out);
  EXPECT_EQ(out, encoded(kReply));
}

TEST(Envelope, TheLargestNumbersSurvive) {
  RequestHead head{.kind = EnvelopeKind::push,
                   .id = UINT64_MAX,
                   .method = UINT32_MAX,
                   .deadline_ms = UINT64_MAX};
  RequestHead back;
  std::string_view body;
  std::string bytes = encoded(head);
  ASSERT_TRUE(decode(bytes, back, body));
  EXPECT_EQ(back, head);
}

TEST(Envelope, AReplyDoesNotKeepWhatTheLastOneSaid) {
  ReplyHead head = kFailure;
  std::string_view body;
  std::string bytes = encoded(kReply, "x");
  ASSERT_TRUE(decode(bytes, head, body));
  EXPECT_EQ(head, kReply);
}

TEST(Envelope, EveryTruncationIsRefused) {
  std::string_view body;
  for (std::string whole : {encoded(kRequest), encoded(kFailure)}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      RequestHead request;
      ReplyHead reply;
      std::string_view part = std::string_view(whole).substr(0, size);
      if (whole == encoded(kRequest)) {
        EXPECT_FALSE(decode(part, request, body)) << size;
      } else {
        EXPECT_FALSE(decode(part, reply, body)) << size;
      }
    }
  }
}

TEST(Envelope, ANumberHasOneForm) {
  using std::string_literals::operator""s;
  RequestHead head;
  std::string_view body;
  EXPECT_TRUE(decode("\x01\x01\x01\x00"s, head, body));
  EXPECT_FALSE(decode("\x01\x81\x00\x01\x00"s, head, body)) << "a needless zero";
  EXPECT_FALSE(decode("\x01" + std::string(9, '\xff') + "\x02\x01\x00"s, head, body)) << "2^64";
  EXPECT_FALSE(decode("\x01\x01\x80\x80\x80\x80\x10\x00"s, head, body)) << "method 2^32";
  EXPECT_FALSE(decode("\x07\x01\x01\x00"s, head, body)) << "kind 7";
}

TEST(Envelope, AnErrorArrivesWithAllItSays) {
  Error error = to_error(kFailure);
  EXPECT_EQ(error.code(), Code::overloaded);
  EXPECT_EQ(error.outcome(), Outcome::maybe_done);
  EXPECT_EQ(error.message(), "64 requests are waiting");
  EXPECT_EQ(error.hint(), "send fewer at once");
}

TEST(Envelope, ACodeFromANewerPeerMeansTryLater) {
  Error error = to_error(ReplyHead{.code = static_cast<Code>(200), .message = "new thing"});
  EXPECT_EQ(error.code(), Code::unavailable);
  EXPECT_EQ(error.message(), "error code 200: new thing");
}

}  // namespace
}  // namespace nokv::codec
