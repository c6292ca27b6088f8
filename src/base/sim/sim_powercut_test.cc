#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/sim/sim_disk.h"
#include "base/sim/sim_files.h"
#include "base/sim/sim_random.h"

namespace nokv {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

// All that power cuts with different seeds leave, after `run`, of what `look` sees.
std::set<std::string> outcomes(const std::function<void(SimFiles&)>& run,
                               const std::function<std::string(SimFiles&)>& look,
                               bool tear = true) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimFiles files;
    SimRandom random(seed);
    run(files);
    files.power_cut(random, tear);
    seen.insert(look(files));
  }
  return seen;
}

std::string content(SimFiles& files) {
  auto read = read_file(files, "/a", 1 << 20);
  return read ? *read : "(none)";
}

std::string names(SimFiles& files) {
  std::string out;
  auto listed = files.list("/").value();
  for (const std::string& name : listed) out += name + " ";
  return out;
}

void make(SimFiles& files, const std::string& path, std::string_view bytes) {
  auto file = files.open(path, OpenMode::create).value();
  ASSERT_TRUE(file->write_at(0, bytes));
}

TEST(SimPowerCut, WhatIsSyncedStays) {
  auto run = [](SimFiles& files) {
    auto file = files.open("/a", OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, "safe"));
    ASSERT_TRUE(file->truncate(3));
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(files.sync_dir("/"));
  };
  EXPECT_THAT(outcomes(run, content), ElementsAre("saf"));
}

TEST(SimPowerCut, EachUnsyncedWriteIsKeptOrDroppedByItself) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "__");
    files.sync_all();
    auto file = files.open("/a", OpenMode::write).value();
    ASSERT_TRUE(file->write_at(0, "1"));
    ASSERT_TRUE(file->write_at(1, "2"));
  };
  EXPECT_THAT(outcomes(run, content), UnorderedElementsAre("__", "1_", "_2", "12"));
}

TEST(SimPowerCut, AWriteKeptBeyondADroppedOneLeavesZeros) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "");
    files.sync_all();
    auto file = files.open("/a", OpenMode::write).value();
    ASSERT_TRUE(file->write_at(0, "1"));
    ASSERT_TRUE(file->write_at(1, "2"));
  };
  EXPECT_THAT(outcomes(run, content), Contains(std::string("\0002", 2)));
}

TEST(SimPowerCut, AWriteTearsOnlyBetweenSectors) {
  auto run = [](SimFiles& files) {
    make(files, "/a", std::string(3 * sim::kSectorBytes, '_'));
    files.sync_all();
    auto file = files.open("/a", OpenMode::write).value();
    ASSERT_TRUE(file->write_at(100, std::string(2 * sim::kSectorBytes, 'x')));
  };
  auto sectors = [](SimFiles& files) {
    std::string bytes = content(files);
    std::string out;
    for (size_t at : {size_t{100}, sim::kSectorBytes, 2 * sim::kSectorBytes}) {
      size_t end =
          std::min((at / sim::kSectorBytes + 1) * sim::kSectorBytes, 2 * sim::kSectorBytes + 100);
      std::string part = bytes.substr(at, end - at);
      bool whole = part == std::string(part.size(), part[0]);
      out += whole ? part.substr(0, 1) : "?";
    }
    return out;
  };
  EXPECT_EQ(outcomes(run, sectors).size(), 8U);
  EXPECT_THAT(outcomes(run, sectors), testing::Not(Contains(testing::HasSubstr("?"))));
  EXPECT_THAT(outcomes(run, sectors, false), UnorderedElementsAre("___", "xxx"));
}

TEST(SimPowerCut, AnUnsyncedTruncateMayComeUndone) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "long");
    files.sync_all();
    ASSERT_TRUE(files.open("/a", OpenMode::write).value()->truncate(1));
  };
  EXPECT_THAT(outcomes(run, content), UnorderedElementsAre("long", "l"));
}

TEST(SimPowerCut, ANewNameNeedsASyncOfItsDirectory) {
  auto run = [](SimFiles& files) {
    auto file = files.open("/a", OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, "x"));
    ASSERT_TRUE(file->sync());
  };
  EXPECT_THAT(outcomes(run, content), UnorderedElementsAre("(none)", "x"));
}

TEST(SimPowerCut, ARemovedNameMayComeBack) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "x");
    files.sync_all();
    ASSERT_TRUE(files.remove("/a"));
  };
  EXPECT_THAT(outcomes(run, content), UnorderedElementsAre("(none)", "x"));
}

TEST(SimPowerCut, ARenameHappensWhollyOrNotAtAll) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "old");
    make(files, "/b", "new");
    files.sync_all();
    ASSERT_TRUE(files.rename("/b", "/a"));
  };
  EXPECT_THAT(outcomes(run, [](SimFiles& files) { return names(files) + content(files); }),
              UnorderedElementsAre("a b old", "a new"));
}

TEST(SimPowerCut, AFileHasOneNameWhateverIsKeptOfItsMoves) {
  auto run = [](SimFiles& files) {
    make(files, "/a", "x");
    files.sync_all();
    ASSERT_TRUE(files.rename("/a", "/b"));
    ASSERT_TRUE(files.rename("/b", "/c"));
  };
  EXPECT_THAT(outcomes(run, names), UnorderedElementsAre("a ", "b ", "c "));
}

TEST(SimPowerCut, ASyncedMoveIntoAnotherDirectoryStays) {
  auto run = [](SimFiles& files) {
    ASSERT_TRUE(files.make_dirs("/d"));
    make(files, "/replaced", "");
    files.sync_all();
    make(files, "/new", "");
    ASSERT_TRUE(files.rename("/new", "/replaced"));
    ASSERT_TRUE(files.rename("/replaced", "/d/e"));
    ASSERT_TRUE(files.sync_dir("/d"));
  };
  auto look = [](SimFiles& files) {
    return names(files) + (files.exists("/d/e").value() ? "e" : "");
  };
  EXPECT_THAT(outcomes(run, look), ElementsAre("d e"));
}

TEST(SimPowerCut, ADirectoryThatVanishesTakesItsFilesAlong) {
  auto run = [](SimFiles& files) {
    ASSERT_TRUE(files.make_dirs("/d"));
    make(files, "/d/a", "");
    ASSERT_TRUE(files.sync_dir("/d"));
  };
  auto look = [](SimFiles& files) {
    return names(files) + (files.exists("/d/a").value() ? "a" : "");
  };
  EXPECT_THAT(outcomes(run, look), UnorderedElementsAre("", "d a"));
}

TEST(SimPowerCut, NoDirectoryEndsUpInsideItself) {
  auto run = [](SimFiles& files) {
    ASSERT_TRUE(files.make_dirs("/x"));
    ASSERT_TRUE(files.make_dirs("/y"));
    files.sync_all();
    ASSERT_TRUE(files.rename("/x", "/y/x"));
    ASSERT_TRUE(files.rename("/y/x", "/x"));
    ASSERT_TRUE(files.rename("/y", "/x/y"));
  };
  for (const std::string& seen : outcomes(run, names)) EXPECT_THAT(seen, AnyOf("x ", "y ", "x y "));
}

TEST(SimPowerCut, AnAtomicWriteIsOldOrNewAtEveryStep) {
  for (uint64_t step = 0;; ++step) {
    std::set<std::string> seen;
    bool finished = false;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      SCOPED_TRACE(testing::Message() << "step " << step << " seed " << seed);
      SimFiles files;
      SimRandom random(seed);
      make(files, "/a", "old");
      files.sync_all();
      files.halt_after(step);
      finished = write_file_atomic(files, "/a", "new").has_value();
      files.power_cut(random);
      ASSERT_THAT(content(files), AnyOf("old", "new"));
      if (finished) {
        ASSERT_EQ(content(files), "new");
      }
    }
    if (finished) break;
    ASSERT_LT(step, 20U);
  }
}

// Model: per byte of a file, what was synced last and what was written since; after a cut a byte is
// one of those.
TEST(SimPowerCutModel, EveryByteIsOneThatWasWrittenSinceTheLastSync) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    SCOPED_TRACE(seed);
    SimRandom random(seed);
    SimFiles files;
    constexpr uint64_t size = 3 * sim::kSectorBytes;
    make(files, "/a", std::string(size, '\0'));
    files.sync_all();
    std::vector<std::set<char>> may_be(size, {'\0'});
    for (int round = 0; round < 3; ++round) {
      auto file = files.open("/a", OpenMode::write).value();
      std::string last = content(files);
      for (int i = 0; i < 10; ++i) {
        uint64_t at = random.below(size);
        uint64_t length = random.below(size - at) + 1;
        char byte = static_cast<char>(random.next());
        ASSERT_TRUE(file->write_at(at, std::string(length, byte)));
        for (uint64_t b = at; b < at + length; ++b) may_be[b].insert(last[b] = byte);
        if (random.one_in(4)) {
          ASSERT_TRUE(file->sync());
          for (uint64_t b = 0; b < size; ++b) may_be[b] = {last[b]};
        }
      }
      files.power_cut(random);
      std::string left = content(files);
      ASSERT_EQ(left.size(), size);
      for (uint64_t b = 0; b < size; ++b) {
        ASSERT_TRUE(may_be[b].contains(left[b]));
        may_be[b] = {left[b]};
      }
    }
  }
}

}  // namespace
}  // namespace nokv
