#include "codec/message.h"

#include <gtest/gtest.h>

#include "codec/rpc.h"

namespace nokv::codec {
namespace {

TEST(Message, AMessageComesBackAsItWas) {
  CommitRequest in;
  in.session[3] = 7;
  in.sequence = 1ULL << 60;
  in.durability = Durability::early;
  Mkdir mkdir;
  mkdir.target.path = std::string("/a/\xff", 4);
  mkdir.target.id = {9, {{5, 1}}};
  in.operations.push_back({mkdir});
  Publish publish;
  publish.if_generation = 0;
  publish.body.bytes = std::string(300, 'x');
  publish.body.block_crcs = {1, 0xffffffff};
  publish.mtime_ns = -5;
  in.operations.push_back({publish});
  std::string bytes = encoded(in);
  CommitRequest out;
  ASSERT_TRUE(decode(bytes, out));
  EXPECT_EQ(encoded(out), bytes);
  const auto& got = std::get<Publish>(out.operations[1].op);
  EXPECT_EQ(got.if_generation, 0U);
  EXPECT_EQ(got.mtime_ns, -5);
  EXPECT_EQ(got.body.block_crcs, (std::vector<uint32_t>{1, 0xffffffff}));
  EXPECT_EQ(std::get<Mkdir>(out.operations[0].op).target.id, mkdir.target.id);
}

TEST(Message, DefaultsTakeNoBytes) { EXPECT_EQ(encoded(Entry()).size(), 0U); }

TEST(Message, UnknownFieldsAreSkipped) {
  std::string bytes = encoded(Xattr{"n", "v"});
  put_varint(bytes, (99 << 3) | 2);
  put_varint(bytes, 3);
  bytes += "new";
  put_varint(bytes, 98 << 3);
  put_varint(bytes, 7);
  Xattr out;
  ASSERT_TRUE(decode(bytes, out));
  EXPECT_EQ(out.value, "v");
}

TEST(Message, EveryTruncationIsRefusedOrShorter) {
  std::string bytes = encoded(SnapshotRecord{.pin = 300, .path = "/abc", .labels = {{"k", "v"}}});
  for (size_t n = 0; n < bytes.size(); ++n) {
    SnapshotRecord out;
    if (decode(std::string_view(bytes).substr(0, n), out)) {
      EXPECT_LT(encoded(out).size(), bytes.size());
    }
  }
}

// Two bytes for each of `count` empty elements of field `number`.
std::string empty_elements(uint32_t number, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes += static_cast<char>(number << 3 | 2);
    bytes += '\0';
  }
  return bytes;
}

TEST(Message, EmptyElementsAreRefusedBeforeTheyTakeMoreMemoryThanTheLimit) {
  size_t fit = kElementBytesMax / sizeof(Entry);
  EXPECT_GT(fit, 50'000U) << "a listing has at most 10,000 entries";
  ListReply list;
  EXPECT_TRUE(decode(empty_elements(5, fit), list));
  EXPECT_EQ(list.entries.size(), fit);
  ListReply more;
  EXPECT_FALSE(decode(empty_elements(5, fit + 1), more));
  EXPECT_EQ(more.entries.size(), fit);
}

TEST(Message, ElementsInsideElementsCountTowardsTheSameLimit) {
  RedoGroup group;
  std::string record = empty_elements(2, 400'000);  // changes: 35 MB of them
  std::string bytes;
  for (int i = 0; i < 2; ++i) {
    put_varint(bytes, 2 << 3 | 2);
    put_varint(bytes, record.size());
    bytes += record;
  }
  EXPECT_TRUE(decode(std::string_view(bytes).substr(0, bytes.size() / 2), group));
  RedoGroup both;
  EXPECT_FALSE(decode(bytes, both));
}

TEST(Message, AnArrayOfZerosIsWrittenToo) {  // the only default that is
  EXPECT_EQ(encoded(CommitRequest()), std::string("\x0a\x10", 2) + std::string(16, '\0'));
}

TEST(Message, AnOperationThatIsNotKnownIsRefusedAndNotTakenForAnother) {
  OperationBox box;
  EXPECT_FALSE(decode("", box));
  std::string unknown;
  put_varint(unknown, 1999 << 3 | 2);
  put_varint(unknown, 0);
  EXPECT_FALSE(decode(unknown, box));
  std::string bytes = encoded(CommitRequest());
  bytes += "\x42\x03" + unknown;  // 8 operations
  CommitRequest request;
  EXPECT_FALSE(decode(bytes, request));
}

TEST(Message, NumbersThatDoNotFitAreRefused) {
  std::string bytes;
  put_varint(bytes, 1 << 3);
  put_varint(bytes, 1ULL << 32);  // Attributes.mode is 32 bits
  Attributes out;
  EXPECT_FALSE(decode(bytes, out));
}

}  // namespace
}  // namespace nokv::codec
