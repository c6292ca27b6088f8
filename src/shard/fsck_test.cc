// fsck of what is whole, beside writers, and of the object store.
#include <algorithm>
#include <fstream>
#include <iterator>

#include "codec/crc32c.h"
#include "meta/check/check.h"
#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using namespace std::chrono_literals;
using codec::Table;

class Fsck : public CheckedNamespace {};

// A namespace that lives: everything a user does, in random order, with upkeep in between.
class Life {
 public:
  Life(SimNamespace& ns, uint64_t seed) : ns_(ns), random_(seed) {}

  int done() const { return done_; }

  // Many of them fail for some good reason; what they do is told by fsck.
  void step() {
    switch (random_.below(14)) {
      case 0:
      case 1:
        return commit({mkdir_op(path())});
      case 2:
      case 3:
        return commit({put_op(path(), bytes())}, true);
      case 4:
        return commit({put_op(path(), bytes()), mkdir_op(path()), put_op(path(), bytes())});
      case 5:
        return commit({append_op(path(), bytes())});
      case 6:
        return commit({link_op(path(), path())});
      case 7:
      case 8:
        return commit({rename_op(path(), path())});
      case 9:
        return commit({remove_op(path(), random_.one_in(2))});
      case 10: {
        auto swap = rename_op(path(), path());
        std::get<codec::Rename>(swap).mode = codec::RenameMode::exchange;
        return commit({swap});
      }
      case 11:
        return commit({snapshot_op(str("s", random_.below(4)), random_.one_in(2) ? "/" : path())});
      case 12:
        return commit({codec::SnapshotRemove{str("s", random_.below(4))}});
      default:
        ns_.scheduler().run_for(random_.between(1ms, 20s));
        if (random_.one_in(4)) {
          (void)ns_.call<codec::GcReply>(codec::Method::gc, codec::GcRequest{true, 0});
        }
    }
  }

 private:
  std::string path() {
    std::string out;
    for (uint64_t depth = random_.below(3) + 1; depth > 0; --depth) {
      out += str("/", std::string(1, static_cast<char>('a' + random_.below(3))));
    }
    return out;
  }
  std::string bytes() {
    size_t sizes[] = {0, 1, 100, 9000, 16'384};
    return std::string(sizes[random_.below(5)], static_cast<char>('a' + random_.below(26)));
  }
  void commit(std::vector<codec::Operation> operations, bool undo = false) {
    for (auto& operation : operations) {
      std::visit(
          [](auto& op) {
            if constexpr (requires { op.parents; }) op.parents = true;
          },
          operation);
    }
    if (auto* put = std::get_if<codec::Publish>(&operations[0]); put != nullptr && undo) {
      put->keep_undo = random_.one_in(2);
    }
    if (ns_.commit(std::move(operations))) ++done_;
  }

  int done_ = 0;
  SimNamespace& ns_;
  SimRandom random_;
};

codec::RetentionPolicy with_moments() {
  constexpr int64_t kSecond = 1'000'000'000;
  return {{{1 * kSecond, 10 * kSecond}, {10 * kSecond, 60 * kSecond}}, 120 * kSecond};
}

TEST(FsckLife, ANamespaceThatLivesHasNoProblems) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    BackgroundOptions background;
    background.grace = 30s;
    SimNamespace ns(seed, background);
    ASSERT_TRUE(ns.open());
    ASSERT_TRUE(ns.init(with_moments()));
    Life life(ns, seed);
    for (int i = 0; i < 1000; ++i) {
      life.step();
      if (i % 50 != 49) continue;
      codec::FsckRequest request;
      request.read_data = true;
      request.orphans = true;
      auto reply = ns.call<codec::FsckReply>(codec::Method::fsck, request);
      ASSERT_TRUE(reply) << reply.error().message();
      for (const auto& it : reply->problems) {
        ADD_FAILURE() << "after step " << i << ": " << it.code << " " << it.path << " " << it.id
                      << ": " << it.detail;
      }
      ASSERT_EQ(reply->problem_count, 0U);
    }
    EXPECT_GT(life.done(), 200);
  }
}

TEST_F(Fsck, AWindowOfOneBlobCountsAsWellAsOneOfAll) {
  for (int i = 0; i < 5; ++i) must({put_op(str("/f", i), "x")});
  put_big("/big", std::string(20'000, 'b'));
  must({link_op("/big", "/other")});
  alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/f3")),
                                 [](auto& it) { it.references = 2; });
  plant(codec::number_key(Table::inline_blob, blob_of("/f1")), std::nullopt);
  for (size_t window : {1U, 2U, 100U}) {
    auto check = meta::fsck::Check::begin(ns.shard().state(), {.blob_window = window}).value();
    while (check->step(1)) {
    }
    std::vector<std::string_view> codes;
    for (const auto& it : check->report().problems()) codes.push_back(it.code);
    std::ranges::sort(codes);
    EXPECT_EQ(codes, (std::vector<std::string_view>{"missing_blob", "references"})) << window;
  }
}

TEST_F(Fsck, WritersGoOnBesideIt) {
  must({mkdir_op("/d")});
  for (int i = 0; i < 200; ++i) must({put_op(str("/d/f", i), "x")});
  std::optional<Result<codec::FsckReply>> checked;
  ns.background().checker().fsck({}, Clock::Instant::max(),
                                 [&](Result<codec::FsckReply> r) { checked = std::move(r); });
  int written = 0;
  while (!checked && written < 1000) must({put_op(str("/d/g", written++ % 20), "y")});
  ASSERT_TRUE(checked && *checked);
  EXPECT_EQ((*checked)->problem_count, 0U) << text(**checked);
}

TEST_F(Fsck, ADeadlineEndsIt) {
  std::optional<Result<codec::FsckReply>> checked;
  auto past = ns.scheduler().clock().now() - 1s;
  ns.background().checker().fsck({}, past,
                                 [&](Result<codec::FsckReply> r) { checked = std::move(r); });
  ns.scheduler().run_until([&] { return checked.has_value(); }, 1h);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->error().code(), Code::cancelled);
}

TEST_F(Fsck, MoreThanAFewAtOnceAreTurnedAway) {
  std::vector<Code> codes;
  for (const char* path : {"", "/", "//"}) {
    codec::FsckRequest request;
    request.target.path = path;
    ns.background().checker().fsck(request, Clock::Instant::max(), [&](Result<codec::FsckReply> r) {
      codes.push_back(r ? Code::ok : r.error().code());
    });
  }
  ns.scheduler().run_until([&] { return codes.size() == 3; }, 1h);
  std::ranges::sort(codes);
  EXPECT_EQ(codes, (std::vector{Code::ok, Code::ok, Code::overloaded}));
}

TEST_F(Fsck, WhoAsksAgainForACheckThatRunsGetsItsAnswer) {
  std::vector<uint64_t> checked;
  for (int i = 0; i < 5; ++i) {
    ns.background().checker().fsck({}, Clock::Instant::max(), [&](Result<codec::FsckReply> r) {
      checked.push_back(r ? r->checked : 0);
    });
  }
  ns.scheduler().run_until([&] { return checked.size() == 5; }, 1h);
  ASSERT_EQ(checked.size(), 5U);
  EXPECT_GT(checked[0], 0U);
  EXPECT_EQ(std::ranges::count(checked, checked[0]), 5);
  EXPECT_EQ(ns.background().checker().counters().finished.load(), 1U);
}

TEST_F(Fsck, AStopAnswersWhoWaits) {
  std::optional<Result<codec::FsckReply>> checked;
  ns.background().checker().fsck({}, Clock::Instant::max(),
                                 [&](Result<codec::FsckReply> r) { checked = std::move(r); });
  ns.close();
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->error().code(), Code::unavailable);
}

TEST(FsckEmpty, WithoutANamespaceThereIsNothingToCheck) {
  SimNamespace ns(1);
  ASSERT_TRUE(ns.open());
  auto reply = ns.call<codec::FsckReply>(codec::Method::fsck, codec::FsckRequest());
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code(), Code::failed_precondition);
}

TEST(FsckEmpty, ARestartWithoutAnyWriteKnowsItsPins) {
  SimNamespace ns(1);
  ASSERT_TRUE(ns.open());
  ASSERT_TRUE(ns.init());
  ASSERT_TRUE(ns.commit({put_op("/f", "old")}));
  ASSERT_TRUE(ns.commit({snapshot_op("s", "/")}));
  ASSERT_TRUE(ns.commit({put_op("/f", "new")}));
  ASSERT_TRUE(ns.engine().flush());
  ns.close();
  ASSERT_TRUE(ns.open());
  EXPECT_EQ(ns.read("/f", "s").value(), "old");
}

// ---- its page

std::string text_of(const std::string& path) {
  std::ifstream in(NOKV_SOURCE_DIR "/" + path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(FsckPage, NamesEveryCodeThereIs) {
  std::string page = text_of("docs/fsck.md");
  size_t codes = 0;
  for (const char* file :
       {"meta/check/blob_passes.cc", "meta/check/check.cc", "meta/check/node_passes.cc",
        "meta/check/pass.cc", "meta/check/past_passes.cc", "meta/check/table_passes.cc",
        "meta/check/tree_pass.cc", "shard/checker_store.cc"}) {
    std::string text = text_of(str("src/", file));
    for (std::string_view before : {".code = \"", "problem(\""}) {
      for (size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
        size_t from = at + before.size();
        std::string code = text.substr(from, text.find('"', from) - from);
        EXPECT_NE(page.find(str("`", code, "`")), std::string::npos) << code << " of " << file;
        ++codes;
      }
    }
  }
  EXPECT_GT(codes, 40U);
}

// ---- the store

class FsckStore : public CheckedNamespace {
 protected:
  void SetUp() override {
    CheckedNamespace::SetUp();
    must({mkdir_op("/d")});
    put_big("/d/big", std::string(codec::kBlockBytes + 1000, 'b'));
    blob_ = blob_of("/d/big");
  }
  std::string object(uint32_t block) const { return codec::blob_object_name(blob_, block); }
  static codec::FsckRequest reading() {
    codec::FsckRequest request;
    request.read_data = true;
    return request;
  }
  static codec::FsckRequest listing() {
    codec::FsckRequest request;
    request.orphans = true;
    return request;
  }
  uint64_t blob_ = 0;
};

TEST_F(FsckStore, AMissingObjectIsFoundWithItsPath) {
  expect_clean(reading());
  ASSERT_TRUE(ns.store().lose(object(1)));
  EXPECT_EQ(expect_found("missing_object").path, "/d/big");
  codec::FsckRequest part;
  part.target.path = "/d";
  EXPECT_EQ(expect_found("missing_object", part).path, "/d/big");
}

TEST_F(FsckStore, AnObjectOfAnotherSizeIsFound) {
  ASSERT_TRUE(ns.store().truncate_object(object(1), 10));
  EXPECT_EQ(expect_found("object_size").path, "/d/big");
}

TEST_F(FsckStore, WhatIsDeletedWhileItRunsIsNoProblem) {
  constexpr int kFiles = 40;  // more than are looked at together
  for (int i = 0; i < kFiles; ++i) put_big(str("/d/f", i), std::string(20'000, 'f'));
  ns.store().set_delay(10s);
  std::optional<Result<codec::FsckReply>> checked;
  ns.background().checker().fsck({}, Clock::Instant::max(),
                                 [&](Result<codec::FsckReply> r) { checked = std::move(r); });
  ns.scheduler().run_for(1s);  // the first are under way
  ns.store().set_delay(0s);
  must({remove_op("/d")});
  gc();
  gc();
  EXPECT_EQ(ns.store().object_count(), 0U);
  ASSERT_FALSE(checked);
  ns.scheduler().run_until([&] { return checked.has_value(); }, 1h);
  ASSERT_TRUE(checked && *checked);
  EXPECT_EQ((*checked)->problem_count, 0U) << text(**checked);
}

TEST_F(FsckStore, AFlippedBitIsFoundWhenDataIsRead) {
  ASSERT_TRUE(ns.store().flip_bit(object(0), 77));
  expect_clean();
  EXPECT_EQ(expect_found("object_checksum", reading()).path, "/d/big");
}

// What a writer that is wrong, or damage before the checksums were made, leaves behind.
TEST_F(FsckStore, BlocksThatFitTheirRecordsAndNotTheirDigestAreFoundWhenDataIsRead) {
  std::string bytes;
  for (size_t i = 0; bytes.size() < 10 * codec::kBlockBytes + 5; ++i) bytes += str(i, " ");
  bytes.resize(10 * codec::kBlockBytes + 5);  // more blocks than are read at once
  for (auto kind : {codec::DigestKind::sha256, codec::DigestKind::xxh3_128}) {
    std::string path = kind == codec::DigestKind::sha256 ? "/d/sha" : "/d/xxh";
    put_big(path, bytes, digest_of(kind, bytes));
    put_big(path + "2", "small", digest_of(kind, "small"));
  }
  auto inline_op = put_op("/d/inline", "tiny");
  std::get<codec::Publish>(inline_op).body.digest = digest_of(codec::DigestKind::sha256, "tiny");
  must({inline_op});
  must({snapshot_op("s", "/")});
  must({rename_op("/d/xxh", "/d/xxh3")});
  expect_clean(reading());

  auto plant_block = [&](const std::string& path, uint32_t block) {
    uint64_t blob = blob_of(path);
    std::string other(block == 10 ? 5 : codec::kBlockBytes, 'x');
    ASSERT_TRUE(ns.store().lose(codec::blob_object_name(blob, block)));
    put_object(codec::blob_object_name(blob, block), other);
    alter_row<codec::BlobRecord>(
        codec::number_key(Table::blob, blob),
        [&](codec::BlobRecord& record) { record.block_crcs.at(block) = crc32c(other); });
  };
  plant_block("/d/sha", 3);
  plant_block("/d/xxh3", 10);
  alter_row<codec::InlineRecord>(codec::number_key(Table::inline_blob, blob_of("/d/inline")),
                                 [](codec::InlineRecord& record) {
                                   record.bytes = "tinY";
                                   record.crc = crc32c(record.bytes);
                                 });
  expect_clean();
  auto reply = fsck(reading());
  EXPECT_EQ(reply.problem_count, 3U) << text(reply);
  for (const auto* path : {"/d/sha", "/d/xxh3", "/d/inline"}) {
    auto found = std::ranges::find(reply.problems, path, &codec::Problem::path);
    ASSERT_NE(found, reply.problems.end()) << path << " among:\n" << text(reply);
    EXPECT_EQ(found->code, "body_digest");
  }
  auto part = reading();
  part.target.path = "/d/xxh3";
  reply = fsck(part);
  ASSERT_EQ(reply.problem_count, 1U) << text(reply);
  EXPECT_EQ(reply.problems[0].path, "/d/xxh3");
}

TEST_F(FsckStore, ABodyThatOnlyASnapshotHasIsCheckedToo) {
  must({snapshot_op("s", "/")});
  must({remove_op("/d/big")});
  ASSERT_TRUE(ns.store().lose(object(0)));
  auto problem = expect_found("missing_object");
  EXPECT_EQ(problem.path, "/d/big");
  EXPECT_TRUE(problem.detail.ends_with("only older versions have it")) << problem.detail;
}

TEST_F(FsckStore, AStoreThatIsDownIsOneProblem) {
  put_big("/d/other", std::string(20'000, 'c'));
  ns.store().fail_next(100, Error(Code::unavailable, "it is down"));
  auto reply = fsck();
  EXPECT_EQ(reply.problem_count, 1U) << text(reply);
  EXPECT_EQ(reply.problems[0].code, "store");
}

TEST_F(FsckStore, ObjectsThatNoRecordKnowsAreListedAndRemoved) {
  put_object(codec::blob_object_name(1, 0), "orphan");
  put_object(object(7), "a block too many");
  expect_clean();
  EXPECT_EQ(fsck(listing()).problem_count, 2U);
  EXPECT_EQ(expect_found("orphan_object", listing()).id, codec::blob_object_name(1, 0));
  auto repair = listing();
  repair.repair = true;
  EXPECT_EQ(fsck(repair).repaired, 2U);
  expect_clean(listing());
  expect_clean(reading());
}

TEST_F(FsckStore, WhatIsBeingUploadedIsNoOrphan) {
  codec::OpenUpload open;
  open.blobs = 2;
  auto opened = must({open}).results.at(0);
  put_object(codec::blob_object_name(opened.first_blob + 1, 0), "on its way");
  expect_clean(listing());
  must({codec::CloseUpload{opened.upload}});
  expect_clean(listing());  // the upload's own passes see to it
}

TEST_F(FsckStore, ForeignObjectsAreToldAndLeftAlone) {
  put_object(codec::blob_object_name(1'000'000, 0), "of another namespace");
  put_object("blobs/readme", "hello");
  auto repair = listing();
  repair.repair = true;
  auto reply = fsck(repair);
  EXPECT_EQ(reply.problem_count, 2U) << text(reply);
  EXPECT_EQ(reply.repaired, 0U);
  EXPECT_TRUE(ns.store().has("blobs/readme"));
}

TEST_F(FsckStore, AListOfManyObjectsIsReadInPages) {
  for (uint64_t i = 0; i < 2500; ++i) {
    put_object(codec::blob_object_name(1 + (i % 2), 100 + static_cast<uint32_t>(i)), "o");
  }
  EXPECT_EQ(fsck(listing()).problem_count, 2500U);
}

}  // namespace
}  // namespace nokv::shard
