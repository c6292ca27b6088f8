// Long chains of clones, before and after they are flattened.
#include <map>

#include "meta/upkeep.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::Table;

class Flatten : public CheckedNamespace {
 protected:
  static constexpr size_t kGenerations = 50;

  void SetUp() override {
    CheckedNamespace::SetUp();
    must({codec::SetPolicy{{{}, 0}}});
  }

  // All of a tree: names, sizes and bytes.
  std::map<std::string, std::string> all(const std::string& path, const std::string& name = {}) {
    std::map<std::string, std::string> out;
    auto entries = ns.list(path);
    EXPECT_TRUE(entries) << path;
    if (!entries) return out;
    for (const auto& entry : *entries) {
      std::string below = name + "/" + entry.name;
      if (entry.kind == codec::Kind::directory) {
        out[below] = str(entry.totals.files, " ", entry.totals.bytes);
        out.merge(all(path + "/" + entry.name, below));
      } else {
        auto bytes = ns.read(path + "/" + entry.name);
        out[below] = str(bytes ? *bytes : bytes.error().message(), " ", entry.links);
      }
    }
    return out;
  }

  static std::string generation(size_t number) {
    return number == 0 ? "/source" : str("/c", number);
  }

  void make_source() {
    must({mkdir_op("/source"), mkdir_op("/source/d"), mkdir_op("/source/d/deep"),
          mkdir_op("/source/gone"), put_op("/source/gone/f", "gone"), mkdir_op("/elsewhere"),
          mkdir_op("/elsewhere/e")});
    std::vector<codec::Operation> files;
    for (int i = 0; i < 20; ++i) {
      files.push_back(put_op(str("/source/d/", i), str("old ", i)));
      files.push_back(put_op(str("/source/d/deep/", i), str("deep ", i)));
      files.push_back(put_op(str("/elsewhere/e/", i), str("else ", i)));
    }
    must(files);
    must({link_op("/source/d/1", "/source/d/deep/linked")});
  }

  // What generation `number` changes, of many kinds.
  void change(size_t number) {
    std::string at = generation(number);
    must({put_op(str(at, "/made-", number), "new"), put_op(str(at, "/d/5"), str("by ", number))});
    if (number == 3) must({remove_op(at + "/gone")});
    if (number == 5) must({rename_op("/elsewhere/e", at + "/e")});
    if (number == 7) must({rename_op(at + "/d/deep", at + "/e/deep")});
    if (number == 8) must({append_op(at + "/d/6", " and more")});
    if (number == 9) must({remove_op(at + "/d/7"), put_op(at + "/e/3", "changed")});
    if (number == 11) must({mkdir_op(at + "/gone"), put_op(at + "/gone/f", "again")});
    if (number == 12) must({put_op(at + "/e/deep/linked", "both")});
    if (number == 20) must({remove_op(at + "/made-13")});
    if (number == 30) must({put_op(at + "/e/deep/4", "thirty")});
  }

  void make_chain() {
    make_source();
    for (size_t number = 1; number <= kGenerations; ++number) {
      must({clone_op(generation(number - 1), generation(number))});
      change(number);
    }
  }

  size_t generations(const std::string& path) {
    auto state = ns.shard().state();
    meta::View view = state->view();
    auto asked = meta::Tree(view, meta::kNow).generations(id_of(path));
    EXPECT_TRUE(asked);
    return asked ? *asked : 0;
  }

  void expect_same(const std::vector<std::map<std::string, std::string>>& before) {
    for (size_t number = 0; number < before.size(); ++number) {
      EXPECT_EQ(all(generation(number)), before[number]) << generation(number);
    }
  }
};

TEST_F(Flatten, AChainOfFiftyIsReadInAFewStepsAndAsItWas) {
  make_chain();
  std::vector<std::map<std::string, std::string>> before;
  for (size_t number = 0; number <= kGenerations; ++number)
    before.push_back(all(generation(number)));
  EXPECT_EQ(generations(generation(kGenerations)), kGenerations + 1);
  gc();
  for (size_t number = 0; number <= kGenerations; ++number) {
    EXPECT_LE(generations(generation(number)), meta::kChainMax + 1) << number;
    EXPECT_LE(generations(generation(number) + "/d"), meta::kChainMax + 1) << number;
  }
  EXPECT_EQ(ns.background().counters().clones_flattened.load(), 6U);  // 9, 17, 25, 33, 41, 49
  EXPECT_TRUE(keys(Table::flattening).empty());
  expect_same(before);
  expect_clean();

  ns.crash(SimCrash::process);
  ASSERT_TRUE(ns.open());
  EXPECT_LE(generations(generation(kGenerations)), meta::kChainMax + 1);
  expect_same(before);

  // What is changed now is the clone's own, and shows in clones of it.
  must({put_op("/c49/d/0", "now"), remove_op("/c49/d/2")});
  must({clone_op("/c49", "/late")});
  EXPECT_EQ(ns.read("/late/d/0").value(), "now");
  EXPECT_EQ(ns.stat("/late/d/2").error().code(), Code::not_found);
  must({remove_op("/late")});

  std::vector<codec::Operation> gone;
  for (size_t number = 0; number < kGenerations; ++number)
    gone.push_back(remove_op(generation(number)));
  must(gone);
  gc();
  expect_clean();
  EXPECT_EQ(all("/c50"), before[50]);

  must({remove_op("/c50"), remove_op("/elsewhere")});
  gc();
  expect_clean();
  for (Table table : {Table::clone, Table::clone_life, Table::shortcut, Table::flattening,
                      Table::pin, Table::filed, Table::detached, Table::inline_blob}) {
    EXPECT_TRUE(keys(table).empty()) << static_cast<int>(table);
  }
}

TEST_F(Flatten, ItWritesWhatChangedAndNotWhatIsThere) {
  must({mkdir_op("/source")});
  std::vector<codec::Operation> files;
  for (int i = 0; i < 2000; ++i) files.push_back(put_op(str("/source/", i), "x"));
  must(files);
  for (size_t number = 1; number <= 9; ++number) {
    must({clone_op(generation(number - 1), generation(number))});
    must({put_op(str(generation(number), "/", number), "changed")});
  }
  gc();
  // The directory, and an entry of each clone between.
  EXPECT_EQ(ns.background().counters().shortcuts_made.load(), 1U + 8);
  EXPECT_EQ(keys(Table::shortcut).size(), 1U + 1 + 8);
  EXPECT_EQ(ns.list("/c9")->size(), 2000U);
  EXPECT_EQ(generations("/c9"), 2U);
}

TEST_F(Flatten, DifferencesAreThoseOfTheCloneAlone) {
  make_chain();
  gc();
  codec::DiffRequest request;
  request.a.path = "/c48";
  request.b.path = "/c49";
  auto reply = ns.call<codec::DiffReply>(codec::Method::diff, request);
  ASSERT_TRUE(reply) << reply.error().message();
  std::vector<std::string> paths;
  for (const auto& each : reply->differences) paths.push_back(each.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"/c49/d/5", "/c49/made-49"}));
}

TEST_F(Flatten, FsckFindsAndMendsAShortcutThatIsMissing) {
  make_chain();
  gc();
  std::string key;
  for (const std::string& row : keys(Table::shortcut)) {
    uint64_t clone = 0;
    std::string_view of;
    ASSERT_TRUE(codec::split_shortcut_key(row, clone, of));
    if (of.ends_with("5") && static_cast<Table>(of[0]) == Table::dentry) key = row;
  }
  ASSERT_FALSE(key.empty());
  plant(key, std::nullopt);
  expect_found("shortcut");
  expect_mended();
}

TEST_F(Flatten, AStopInTheMiddleLosesNothing) {
  make_chain();
  auto before = all("/c50");
  bool more = true;
  for (int steps = 0; more && steps < 3; ++steps) {
    bool done = false;
    ns.background().run_due([&](Result<>) { done = true; });
    ns.scheduler().run_until([&] { return done || !keys(Table::shortcut).empty(); },
                             std::chrono::hours(1));
    more = !done;
    ns.crash(SimCrash::process);
    ASSERT_TRUE(ns.open());
    EXPECT_EQ(all("/c50"), before);
  }
  gc();
  EXPECT_LE(generations("/c50"), meta::kChainMax + 1);
  EXPECT_EQ(all("/c50"), before);
  expect_clean();
}

}  // namespace
}  // namespace nokv::shard
