#include "base/posix/posix_files.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/posix/system_error.h"
#include "base/posix/testing/temp_dir.h"

namespace nokv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PosixFilesTest : public testing::Test {
 protected:
  std::unique_ptr<File> make(const std::string& name) {
    return files.open(dir / name, OpenMode::create_new).value();
  }

  TempDir dir;
  PosixFiles files;
};

TEST_F(PosixFilesTest, WhatIsWrittenCanBeRead) {
  auto file = make("a");
  ASSERT_TRUE(file->write_at(0, "hello"));
  ASSERT_TRUE(file->write_at(10, "world"));
  ASSERT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 15U);
  EXPECT_EQ(file->read_at(0, 100).value(), std::string("hello\0\0\0\0\0world", 15));
  EXPECT_EQ(file->read_at(12, 2).value(), "rl");
  EXPECT_EQ(file->read_at(15, 1).value(), "");
  EXPECT_EQ(file->read_at(1 << 20, 1 << 20).value(), "");
}

TEST_F(PosixFilesTest, AReadOfMoreThanTheFileTakesNoMoreMemoryThanTheFile) {
  auto file = make("a");
  std::string big(200000, 'x');
  ASSERT_TRUE(file->write_at(0, big));
  auto read = file->read_at(0, size_t{1} << 60);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, big);
}

TEST_F(PosixFilesTest, RenamingToANewNameNeverReplaces) {
  ASSERT_TRUE(make("a")->write_at(0, "first"));
  ASSERT_TRUE(make("b")->write_at(0, "second"));
  EXPECT_EQ(files.rename_new(dir / "a", dir / "b").error().code(), Code::already_exists);
  ASSERT_TRUE(files.rename_new(dir / "a", dir / "c"));
  EXPECT_FALSE(files.exists(dir / "a").value());
  EXPECT_EQ(read_file(files, dir / "c", 100).value(), "first");
}

TEST_F(PosixFilesTest, StatTellsSizeTimeAndKind) {
  ASSERT_TRUE(make("a")->write_at(0, "12345"));
  auto info = files.stat(dir / "a").value();
  EXPECT_EQ(info.size, 5U);
  EXPECT_FALSE(info.is_directory);
  EXPECT_GT(info.modified_ns, int64_t{1'500'000'000} * 1'000'000'000);
  ASSERT_TRUE(files.make_dirs(dir / "d"));
  EXPECT_TRUE(files.stat(dir / "d").value().is_directory);
  EXPECT_EQ(files.stat(dir / "none").error().code(), Code::not_found);
}

TEST_F(PosixFilesTest, TruncateCutsAndExtends) {
  auto file = make("a");
  ASSERT_TRUE(file->write_at(0, "hello"));
  ASSERT_TRUE(file->truncate(2));
  ASSERT_TRUE(file->truncate(4));
  EXPECT_EQ(file->read_at(0, 10).value(), std::string("he\0\0", 4));
}

TEST_F(PosixFilesTest, OpenModesSayWhetherTheFileMustExist) {
  EXPECT_EQ(files.open(dir / "a", OpenMode::read).error().code(), Code::not_found);
  EXPECT_EQ(files.open(dir / "a", OpenMode::write).error().code(), Code::not_found);
  EXPECT_TRUE(files.open(dir / "a", OpenMode::create));
  EXPECT_TRUE(files.open(dir / "a", OpenMode::create));
  EXPECT_TRUE(files.open(dir / "a", OpenMode::write));
  EXPECT_EQ(files.open(dir / "a", OpenMode::create_new).error().code(), Code::already_exists);
}

TEST_F(PosixFilesTest, AFileOpenedForReadingCannotBeWritten) {
  make("a");
  auto file = files.open(dir / "a", OpenMode::read).value();
  EXPECT_FALSE(file->write_at(0, "x"));
}

TEST_F(PosixFilesTest, ErrorsNameThePathAndTheSystemsWords) {
  Error error = files.open(dir / "missing", OpenMode::read).error();
  EXPECT_EQ(error.message(), "open " + dir / "missing" + ": No such file or directory");
}

TEST_F(PosixFilesTest, ADirectoryIsNoFileAndAFileNoDirectory) {
  make("a");
  for (OpenMode mode : {OpenMode::read, OpenMode::write, OpenMode::create}) {
    EXPECT_EQ(files.open(dir.path(), mode).error().code(), Code::is_directory);
  }
  EXPECT_EQ(files.open(dir / "a/b", OpenMode::read).error().code(), Code::not_directory);
  EXPECT_EQ(files.list(dir / "a").error().code(), Code::not_directory);
  EXPECT_EQ(files.exists(dir / "a/b").value(), false);
}

TEST_F(PosixFilesTest, AZeroByteInAPathIsRefused) {
  std::string path = dir / std::string("a\0b", 3);
  EXPECT_EQ(files.open(path, OpenMode::create).error().code(), Code::invalid_argument);
}

TEST_F(PosixFilesTest, AFullDiskIsResourceExhausted) {
  if (!files.exists("/dev/full").value()) FAIL() << "no /dev/full on this machine";
  auto file = files.open("/dev/full", OpenMode::write).value();
  Error error = file->write_at(0, "x").error();
  EXPECT_EQ(error.code(), Code::resource_exhausted);
  EXPECT_THAT(error.message(), HasSubstr("/dev/full at 0: No space left"));
}

TEST(SystemError, TellsFullDisksAndBrokenOnesApart) {
  EXPECT_EQ(system_error(EDQUOT, "x").code(), Code::resource_exhausted);
  EXPECT_EQ(system_error(EIO, "x").code(), Code::data_loss);
  EXPECT_EQ(system_error(EACCES, "x").code(), Code::permission_denied);
  EXPECT_EQ(system_error(EMFILE, "x").code(), Code::unavailable);
  EXPECT_EQ(system_error(123456, "x").message(), "x: errno 123456");
}

TEST_F(PosixFilesTest, RenameReplaces) {
  ASSERT_TRUE(make("a")->write_at(0, "new"));
  ASSERT_TRUE(make("b")->write_at(0, "old"));
  ASSERT_TRUE(files.rename(dir / "a", dir / "b"));
  EXPECT_EQ(read_file(files, dir / "b", 10).value(), "new");
  EXPECT_THAT(files.list(dir.path()).value(), ElementsAre("b"));
  EXPECT_EQ(files.rename(dir / "a", dir / "b").error().code(), Code::not_found);
}

TEST_F(PosixFilesTest, RemoveTakesFilesAndEmptyDirectories) {
  ASSERT_TRUE(files.make_dirs(dir / "d/e"));
  EXPECT_EQ(files.remove(dir / "d").error().code(), Code::not_empty);
  EXPECT_TRUE(files.remove(dir / "d/e"));
  EXPECT_TRUE(files.remove(dir / "d"));
  EXPECT_EQ(files.remove(dir / "d").error().code(), Code::not_found);
}

TEST_F(PosixFilesTest, RemovingALinkLeavesWhatItPointsTo) {
  ASSERT_TRUE(files.make_dirs(dir / "d"));
  make("d/keep");
  std::filesystem::create_symlink(dir / "d", dir / "link");
  std::filesystem::create_symlink("nowhere", dir / "dangling");
  EXPECT_TRUE(files.exists(dir / "dangling").value());
  ASSERT_TRUE(remove_tree(files, dir / "dangling"));
  ASSERT_TRUE(remove_tree(files, dir / "link"));
  EXPECT_THAT(files.list(dir.path()).value(), ElementsAre("d"));
  EXPECT_TRUE(files.exists(dir / "d/keep").value());
}

TEST_F(PosixFilesTest, ListIsSorted) {
  for (const char* name : {"c", "a", ".b"}) make(name);
  EXPECT_THAT(files.list(dir.path()).value(), ElementsAre(".b", "a", "c"));
  EXPECT_EQ(files.list(dir / "missing").error().code(), Code::not_found);
}

TEST_F(PosixFilesTest, MakeDirsMakesParentsAndMayRepeat) {
  ASSERT_TRUE(files.make_dirs(dir / "x/y/z"));
  ASSERT_TRUE(files.make_dirs(dir / "x/y/z"));
  EXPECT_TRUE(files.sync_dir(dir / "x/y"));
  make("f");
  EXPECT_FALSE(files.make_dirs(dir / "f/g"));
}

TEST_F(PosixFilesTest, AnAtomicWriteLeavesNoTemporaryFile) {
  ASSERT_TRUE(write_file_atomic(files, dir / "a", "one"));
  ASSERT_TRUE(write_file_atomic(files, dir / "a", "two"));
  EXPECT_EQ(read_file(files, dir / "a", 10).value(), "two");
  EXPECT_THAT(files.list(dir.path()).value(), ElementsAre("a"));
}

TEST_F(PosixFilesTest, OneProcessLocksAFileOnce) {
  auto lock = files.lock(dir / "lock");
  ASSERT_TRUE(lock);
  PosixFiles other;
  EXPECT_EQ(other.lock(dir / "lock").error().code(), Code::failed_precondition);
  lock->reset();
  EXPECT_TRUE(other.lock(dir / "lock"));
}

TEST_F(PosixFilesTest, ALockHoldsAgainstAnotherProcess) {
  auto lock = files.lock(dir / "lock").value();
  pid_t child = fork();
  if (child == 0) {
    auto second = PosixFiles().lock(dir / "lock");
    _exit(!second && second.error().code() == Code::failed_precondition ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(PosixFilesTest, FreeBytesAreThoseOfTheDisk) {
  EXPECT_GT(files.free_bytes(dir.path()).value(), 0U);
  EXPECT_EQ(files.free_bytes(dir / "missing").error().code(), Code::not_found);
}

}  // namespace
}  // namespace nokv
