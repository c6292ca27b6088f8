#include "base/sim/sim_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sim/sim_random.h"

namespace nokv {
namespace {

using testing::ElementsAre;

class SimFilesTest : public testing::Test {
 protected:
  std::unique_ptr<File> make(const std::string& path) {
    return files.open(path, OpenMode::create_new).value();
  }

  SimFiles files;
  SimRandom random{1};
};

TEST_F(SimFilesTest, WhatIsWrittenCanBeRead) {
  auto file = make("/a");
  ASSERT_TRUE(file->write_at(0, "hello"));
  ASSERT_TRUE(file->write_at(7, "you"));
  ASSERT_TRUE(file->truncate(9));
  EXPECT_EQ(file->read_at(0, 100).value(), std::string("hello\0\0yo", 9));
  EXPECT_EQ(file->read_at(9, 1).value(), "");
  EXPECT_EQ(file->size().value(), 9U);
  EXPECT_EQ(files.open("a", OpenMode::read).value()->read_at(7, 2).value(), "yo");
}

TEST_F(SimFilesTest, OpenModesSayWhetherTheFileMustExist) {
  EXPECT_EQ(files.open("/a", OpenMode::read).error().code(), Code::not_found);
  EXPECT_EQ(files.open("/a", OpenMode::write).error().code(), Code::not_found);
  EXPECT_TRUE(files.open("/a", OpenMode::create));
  EXPECT_TRUE(files.open("/a", OpenMode::create));
  EXPECT_EQ(files.open("/a", OpenMode::create_new).error().code(), Code::already_exists);
  EXPECT_FALSE(files.open("/a", OpenMode::read).value()->write_at(0, "x"));
  EXPECT_EQ(files.open("/", OpenMode::read).error().code(), Code::is_directory);
  EXPECT_EQ(files.open("/a/b", OpenMode::create).error().code(), Code::not_directory);
  EXPECT_EQ(files.open("/no/b", OpenMode::create).error().code(), Code::not_found);
  EXPECT_EQ(files.open("/../a", OpenMode::create).error().code(), Code::invalid_argument);
}

TEST_F(SimFilesTest, ErrorsNameThePath) {
  EXPECT_EQ(files.open("/x/y", OpenMode::read).error().message(),
            "open /x/y: No such file or directory");
}

TEST_F(SimFilesTest, RenameReplacesAndTakesDirectoriesAlong) {
  ASSERT_TRUE(files.make_dirs("/d/e"));
  ASSERT_TRUE(make("/d/e/a")->write_at(0, "new"));
  ASSERT_TRUE(make("/b")->write_at(0, "old"));
  ASSERT_TRUE(files.rename("/d/e/a", "/b"));
  EXPECT_EQ(read_file(files, "/b", 10).value(), "new");
  ASSERT_TRUE(files.rename("/b", "/d/e/a"));
  ASSERT_TRUE(files.rename("/d", "/f"));
  EXPECT_EQ(read_file(files, "/f/e/a", 10).value(), "new");
  EXPECT_EQ(files.rename("/f", "/f/e/g").error().code(), Code::invalid_argument);
  EXPECT_EQ(files.rename("/f/e/a", "/f").error().code(), Code::is_directory);
  EXPECT_EQ(files.rename("/nothing", "/b").error().code(), Code::not_found);
  EXPECT_THAT(files.list("/").value(), ElementsAre("f"));
}

TEST_F(SimFilesTest, RemoveTakesFilesAndEmptyDirectories) {
  ASSERT_TRUE(files.make_dirs("/d/e"));
  EXPECT_EQ(files.remove("/d").error().code(), Code::not_empty);
  ASSERT_TRUE(files.remove("/d/e"));
  ASSERT_TRUE(files.remove("/d"));
  EXPECT_EQ(files.exists("/d").value(), false);
  EXPECT_EQ(files.remove("/d").error().code(), Code::not_found);
}

TEST_F(SimFilesTest, ARemovedFileLivesOnWhereItIsOpen) {
  auto file = make("/a");
  ASSERT_TRUE(file->write_at(0, "x"));
  ASSERT_TRUE(files.remove("/a"));
  EXPECT_EQ(file->read_at(0, 1).value(), "x");
  ASSERT_TRUE(file->write_at(1, "y"));
  EXPECT_EQ(files.bytes_used(), 0U);
}

TEST_F(SimFilesTest, AFileIsLockedOnce) {
  auto lock = files.lock("/lock").value();
  EXPECT_EQ(files.lock("/lock").error().code(), Code::failed_precondition);
  lock.reset();
  EXPECT_TRUE(files.lock("/lock"));
}

TEST_F(SimFilesTest, ADeadProcesssLocksAndFilesAreFreeAndItsWritesStay) {
  auto lock = files.lock("/lock").value();
  auto file = make("/a");
  ASSERT_TRUE(file->write_at(0, "x"));
  files.process_dies();
  EXPECT_EQ(file->read_at(0, 1).error().code(), Code::unavailable);
  EXPECT_EQ(file->write_at(0, "y").error().code(), Code::unavailable);
  EXPECT_EQ(file->sync().error().code(), Code::unavailable);
  auto second = files.lock("/lock");
  ASSERT_TRUE(second);
  lock.reset();  // the dead one's; the living one stays
  EXPECT_FALSE(files.lock("/lock"));
  EXPECT_EQ(read_file(files, "/a", 10).value(), "x");
}

TEST_F(SimFilesTest, TheNthWriteFailsOnceAndLeavesHalf) {
  auto file = make("/a");
  files.fail_nth(DiskCall::write, 2, Code::resource_exhausted);
  ASSERT_TRUE(file->write_at(0, "aaaa"));
  Error error = file->write_at(0, "bbbb").error();
  EXPECT_EQ(error.code(), Code::resource_exhausted);
  EXPECT_EQ(error.message(), "write /a at 0: No space left on device");
  EXPECT_EQ(file->read_at(0, 4).value(), "bbaa");
  EXPECT_TRUE(file->write_at(0, "cccc"));
}

TEST_F(SimFilesTest, AReadCanFail) {
  auto file = make("/a");
  files.fail_nth(DiskCall::read, 1, Code::data_loss);
  EXPECT_EQ(file->read_at(0, 4).error().code(), Code::data_loss);
  EXPECT_TRUE(file->read_at(0, 4));
}

TEST_F(SimFilesTest, AFailedSyncIsNotHealedByALaterOne) {
  auto file = make("/a");
  files.sync_all();
  ASSERT_TRUE(file->write_at(0, "lost"));
  files.fail_nth(DiskCall::sync, 1, Code::data_loss);
  EXPECT_EQ(file->sync().error().code(), Code::data_loss);
  EXPECT_EQ(file->read_at(0, 4).value(), "lost");
  ASSERT_TRUE(file->sync());
  files.power_cut(random);
  EXPECT_EQ(read_file(files, "/a", 10).value(), "");
}

TEST_F(SimFilesTest, AFullDiskRefusesAndTellsWhatIsFree) {
  files.set_capacity(10);
  auto file = make("/a");
  ASSERT_TRUE(file->write_at(0, "12345678"));
  EXPECT_EQ(files.free_bytes("/").value(), 2U);
  EXPECT_EQ(file->write_at(8, "901").error().code(), Code::resource_exhausted);
  EXPECT_EQ(file->truncate(11).error().code(), Code::resource_exhausted);
  EXPECT_TRUE(file->write_at(0, "overwrite!"));
  EXPECT_EQ(files.free_bytes("/").value(), 0U);
  ASSERT_TRUE(files.remove("/a"));
  EXPECT_EQ(files.free_bytes("/").value(), 10U);
}

TEST_F(SimFilesTest, AFlippedByteIsReadAndStaysFlipped) {
  auto file = make("/a");
  ASSERT_TRUE(file->write_at(0, "abc"));
  files.sync_all();
  files.flip_byte("/a", 1, 0x20);
  EXPECT_EQ(file->read_at(0, 3).value(), "aBc");
  files.power_cut(random);
  EXPECT_EQ(read_file(files, "/a", 10).value(), "aBc");
}

TEST_F(SimFilesTest, AHaltedDiskFailsEveryCallUntilThePowerIsCut) {
  auto file = make("/a");
  files.sync_all();
  files.halt_after(2);
  ASSERT_TRUE(file->write_at(0, "x"));
  ASSERT_TRUE(file->sync());
  EXPECT_TRUE(files.halted());
  uint64_t changes = files.changes();
  EXPECT_EQ(file->write_at(0, "y").error().code(), Code::unavailable);
  EXPECT_FALSE(file->read_at(0, 1));
  EXPECT_FALSE(files.exists("/a"));
  EXPECT_FALSE(files.rename("/a", "/b"));
  EXPECT_EQ(files.changes(), changes);
  files.power_cut(random);
  EXPECT_EQ(read_file(files, "/a", 10).value(), "x");
}

}  // namespace
}  // namespace nokv
