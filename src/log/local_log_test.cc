#include "log/local_log.h"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "base/posix/testing/temp_dir.h"
#include "log/segment.h"
#include "log/testing/groups.h"

namespace nokv::log {
namespace {

constexpr uint64_t kSegmentBytes = 4096;
constexpr size_t kGroupBytes = 200;  // a frame takes 296: 13 fit into a segment
constexpr uint64_t kFrame = frame_bytes(kGroupBytes);

class LocalLogTest : public testing::Test {
 protected:
  LocalLogTest() { reopen(); }

  Result<std::unique_ptr<LocalLog>> open() {
    return LocalLog::open(posix.env(), dir(), {.segment_bytes = kSegmentBytes});
  }
  void reopen() {
    log.reset();
    log = open().value();
    auto claim = log->claim("test").value();
    epoch = claim.epoch;
    tail = claim.tail;
  }
  void append_some(int count) {
    for (int i = 0; i < count; ++i) {
      Group group = make_group(tail.version.value() + 1, kGroupBytes);
      ASSERT_EQ(append(*log, epoch, tail, group), Appended::appended);
      tail = after(tail, group);
    }
  }
  std::string dir() const { return temp / "log"; }
  std::string segment(uint64_t number) const { return dir() + "/" + segment_name(number); }

  void overwrite(const std::string& path, uint64_t offset, const std::string& bytes) {
    auto file = posix.files.open(path, OpenMode::write).value();
    ASSERT_TRUE(file->write_at(offset, bytes));
  }
  void flip(const std::string& path, uint64_t offset) {
    std::string byte = posix.files.open(path, OpenMode::read).value()->read_at(offset, 1).value();
    byte[0] = static_cast<char>(byte[0] ^ 0x10);
    overwrite(path, offset, byte);
  }
  // The error of opening; fails when there is none.
  Error open_error() {
    log.reset();
    auto opened = open();
    EXPECT_FALSE(opened);
    return opened ? Error(Code::ok, "") : opened.error();
  }
  // The error of reading everything from the oldest version on.
  Error read_error() {
    auto reader = log->read(log->oldest()).value();
    while (true) {
      auto entry = reader->next();
      if (!entry) return entry.error();
      if (!*entry) return Error(Code::ok, "the tail was reached");
    }
  }

  TempDir temp;
  PosixEnv posix;
  std::unique_ptr<LocalLog> log;
  Epoch epoch;
  Position tail;
};

bool names(const Error& error, const std::string& what) {
  return error.message().find(what) != std::string::npos;
}

TEST_F(LocalLogTest, ATornTailIsCut) {
  append_some(5);
  Position before = tail;
  append_some(1);
  log.reset();
  flip(segment(1), 5 * kFrame + kFrameHeaderBytes + 3);
  reopen();
  EXPECT_EQ(tail, before);
  append_some(3);
  EXPECT_EQ(read_all(*log, Version{1}).size(), 8u);
}

TEST_F(LocalLogTest, AnyPartOfATornTailMayBeMissing) {
  append_some(2);
  Position before = tail;
  append_some(1);
  log.reset();
  auto whole = read_file(posix.files, segment(1), kSegmentBytes).value();
  for (uint64_t cut = 0; cut < kFrameHeaderBytes + kGroupBytes; cut += 9) {
    std::string torn = whole;
    std::fill(torn.begin() + static_cast<ptrdiff_t>(2 * kFrame + cut), torn.end(), '\0');
    overwrite(segment(1), 0, torn);
    auto opened = open();
    ASSERT_TRUE(opened) << cut << opened.error().message();
    ASSERT_EQ((*opened)->tail(), before) << cut;
  }
}

TEST_F(LocalLogTest, AFlippedByteBeforeTheTailIsDamageThatNamesFileAndOffset) {
  append_some(5);
  log.reset();
  for (uint64_t at = 0; at < kFrameHeaderBytes + kGroupBytes; ++at) {
    flip(segment(1), 2 * kFrame + at);
    Error error = open_error();
    ASSERT_EQ(error.code(), Code::data_loss) << at;
    ASSERT_TRUE(names(error, segment(1) + ": offset " + std::to_string(2 * kFrame)))
        << error.message();
    flip(segment(1), 2 * kFrame + at);
  }
  reopen();
  EXPECT_EQ(tail.version, Version{5});
}

TEST_F(LocalLogTest, AFlippedByteInAnOlderSegmentIsFoundByItsReader) {
  append_some(30);
  flip(segment(1), 12 * kFrame + 100);  // its last frame
  Error error = read_error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_TRUE(names(error, str(segment(1), ": offset ", 12 * kFrame))) << error.message();
  flip(segment(1), 12 * kFrame + 100);
  flip(segment(2), 3 * kFrame + 7);
  error = read_error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_TRUE(names(error, str(segment(2), ": offset ", 3 * kFrame))) << error.message();
}

TEST_F(LocalLogTest, ADamagedFirstFrameOfTheLastSegmentIsNotTakenForAnEmptyOne) {
  append_some(16);
  log.reset();
  flip(segment(2), 10);
  Error error = open_error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_TRUE(names(error, segment(2) + ": offset 0")) << error.message();
}

TEST_F(LocalLogTest, AMissingSegmentIsNamed) {
  append_some(40);
  log.reset();
  ASSERT_TRUE(posix.files.remove(segment(2)));
  Error error = open_error();
  EXPECT_EQ(error.code(), Code::data_loss);
  EXPECT_TRUE(names(error, segment(2)));
}

TEST_F(LocalLogTest, AShortenedSegmentIsDamage) {
  append_some(3);
  log.reset();
  ASSERT_TRUE(posix.files.open(segment(1), OpenMode::write).value()->truncate(kFrame));
  EXPECT_EQ(open_error().code(), Code::data_loss);
}

TEST_F(LocalLogTest, ALogWithoutItsIdentityOrSegmentsIsNotMadeAnew) {
  append_some(3);
  log.reset();
  std::string identity = dir() + "/IDENTITY";
  auto bytes = read_file(posix.files, identity, 1000).value();
  ASSERT_TRUE(posix.files.remove(identity));
  EXPECT_EQ(open_error().code(), Code::data_loss);
  ASSERT_TRUE(write_file_atomic(posix.files, identity, bytes));
  flip(identity, 20);
  EXPECT_TRUE(names(open_error(), identity));
  flip(identity, 20);
  ASSERT_TRUE(posix.files.remove(segment(1)));
  ASSERT_TRUE(remove_tree(posix.files, segment(2)));
  EXPECT_EQ(open_error().code(), Code::data_loss);
}

TEST_F(LocalLogTest, AnInterruptedCreationIsDoneAgain) {
  log.reset();
  ASSERT_TRUE(posix.files.remove(dir() + "/IDENTITY"));
  reopen();
  append_some(1);
}

// Scenario 22 of the design: old frames are not taken for new ones.
TEST_F(LocalLogTest, FramesOfARecycledSegmentAreNotTakenForNewOnes) {
  append_some(40);
  ASSERT_TRUE(log->trim(tail.version));
  append_some(14);  // into a reused file that is full of good old frames
  log.reset();
  uint64_t last = 0;
  auto files = posix.files.list(dir()).value();
  for (const std::string& name : files) {
    last = std::max(last, segment_number(name).value_or(0));
  }
  Position before = tail;
  reopen();
  EXPECT_EQ(tail, before);
  EXPECT_GT(last, 4u);
  EXPECT_EQ(read_all(*log, log->oldest()).back().after, before);
}

TEST_F(LocalLogTest, AFrameCopiedToAnotherPlaceIsNoFrame) {
  append_some(3);
  log.reset();
  std::string first =
      posix.files.open(segment(1), OpenMode::read).value()->read_at(0, kFrame).value();
  overwrite(segment(1), 5 * kFrame, first);
  reopen();
  EXPECT_EQ(tail.version, Version{3});
}

TEST_F(LocalLogTest, AnotherLogsSegmentIsNotRead) {
  append_some(3);
  log.reset();
  auto other =
      LocalLog::open(posix.env(), temp / "other", {.segment_bytes = kSegmentBytes}).value();
  other.reset();
  auto bytes = read_file(posix.files, segment(1), kSegmentBytes).value();
  overwrite(temp / "other" + "/" + segment_name(1), 0, bytes);
  other = LocalLog::open(posix.env(), temp / "other", {.segment_bytes = kSegmentBytes}).value();
  EXPECT_EQ(other->tail(), Position{});
}

TEST_F(LocalLogTest, TheDirectoryIsOpenedOnce) {
  auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::failed_precondition);
}

TEST_F(LocalLogTest, AGroupLargerThanASegmentIsRefused) {
  auto answer = append(*log, epoch, tail, make_group(1, kSegmentBytes));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::invalid_argument);
  append_some(1);
}

TEST_F(LocalLogTest, AGroupThatFillsASegmentFits) {
  Group group = make_group(1, kSegmentBytes - kFrameHeaderBytes);
  ASSERT_EQ(append(*log, epoch, tail, group), Appended::appended);
  tail = after(tail, group);
  append_some(2);
  Position before = tail;
  reopen();
  EXPECT_EQ(tail, before);
}

TEST_F(LocalLogTest, WithoutCreateAMissingLogIsNotFound) {
  auto missing = LocalLog::open(posix.env(), temp / "none", {.create = false});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::not_found);
}

TEST_F(LocalLogTest, AReaderRunsBesideAppendsAndTrims) {
  append_some(1);
  std::jthread reading([&] {
    auto reader = log->read(Version{1}).value();
    uint64_t expected = 1;
    while (expected <= 300) {
      auto entry = reader->next();
      if (!entry) {
        ASSERT_EQ(entry.error().code(), Code::not_found) << entry.error().message();
        expected = log->oldest().value();
        reader = log->read(Version{expected}).value();
      } else if (*entry) {
        ASSERT_EQ((*entry)->group.last.value(), expected++);
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (int i = 0; i < 30; ++i) {
    append_some(10);
    if (i % 5 == 4) {
      ASSERT_TRUE(log->trim(Version{tail.version.value() - 40}));
    }
  }
}

}  // namespace
}  // namespace nokv::log
