// Bodies whose bytes lie in somebody else's bucket.
#include "meta/external.h"

#include <algorithm>
#include <functional>

#include "shard/testing/checked_namespace.h"

namespace nokv::shard {
namespace {

using codec::External;
using codec::Method;
using codec::Table;

constexpr const char* kBucket = "s3://bucket";

// The bucket is the store of the bodies: its other keys are not the namespace's.
class Externals : public CheckedNamespace {
 protected:
  Externals() : CheckedNamespace(options(this)) {}

  static BackgroundOptions options(Externals* self) {
    BackgroundOptions out = SimNamespace::quiet_background();
    out.externals.allowed = {"s3://bucket", "s3://other/open"};
    out.externals.open =
        [self](const std::string& store) -> Result<std::shared_ptr<object::ObjectStore>> {
      self->opened.push_back(store);
      if (store == "s3://other") return fail(Code::permission_denied, "no credentials");
      return std::shared_ptr<object::ObjectStore>(&self->ns.store(), [](auto*) {});
    };
    return out;
  }

  object::ObjectInfo info(const std::string& key) {
    std::optional<Result<object::ObjectInfo>> got;
    ns.store().head(key, ns.scheduler().clock().now() + std::chrono::hours(1),
                    [&](auto result) { got = std::move(result); });
    ns.scheduler().run_until([&] { return got.has_value(); }, std::chrono::hours(1));
    return got && *got ? **got : object::ObjectInfo();
  }
  External object(const std::string& key) {
    auto it = info(key);
    return {.store = kBucket, .key = key, .etag = it.etag, .size = it.size};
  }
  static codec::Publish import_op(const std::string& path, External object) {
    codec::Publish op;
    op.target.path = path;
    op.mode = 0644;
    op.body.size = object.size;
    op.body.external = std::move(object);
    return op;
  }
  // A file that is an object with these bytes.
  void import(const std::string& path, const std::string& key, const std::string& bytes) {
    put_object(key, bytes);
    must({import_op(path, object(key))});
  }

  Result<std::string> block(uint64_t blob, uint32_t number, uint64_t offset = 0,
                            uint64_t length = 0) {
    auto reply = ns.call<codec::Bytes>(Method::get_block,
                                       codec::GetBlockRequest{blob, number, offset, length});
    if (!reply) return std::unexpected(std::move(reply).error());
    return std::move(reply->bytes);
  }
  // As a client reads it, without the checksums.
  Result<std::string> read(const std::string& path, const std::string& at = {}) {
    std::string out;
    for (;;) {
      codec::OpenRequest request{{path, {}}, {at}};
      request.offset = out.size();
      NOKV_ASSIGN(auto reply, ns.call<codec::OpenReply>(Method::open, request));
      for (const auto& extent : reply.plan.extents) {
        if (extent.blob == 0 || !extent.bytes.empty()) {
          out += extent.blob == 0 ? std::string(extent.length, '\0') : extent.bytes;
          continue;
        }
        EXPECT_EQ(extent.external, extent.block_crcs.empty());
        for (uint64_t done = 0; done < extent.length;) {
          uint64_t from = extent.blob_offset + done;
          uint64_t in_block = from % codec::kBlockBytes;
          uint64_t length = std::min(codec::kBlockBytes - in_block, extent.length - done);
          NOKV_ASSIGN(auto bytes,
                      block(extent.blob, static_cast<uint32_t>(from / codec::kBlockBytes), in_block,
                            length));
          out += bytes;
          done += length;
        }
      }
      if (!reply.plan.more) return out;
    }
  }
  struct Nothing {
    static void fields(auto& /*self*/, auto& /*f*/) {}
  };
  std::string row(const std::string& reason) {
    auto reply = ns.call<codec::SpaceReply>(Method::space, Nothing{});
    EXPECT_TRUE(reply);
    for (const auto& it : reply->rows) {
      if (it.reason == reason && it.name.empty()) return str(it.bytes, "/", it.files);
    }
    return "none";
  }
  Code refused(codec::Operation op) {
    auto reply = ns.commit({std::move(op)});
    return reply ? Code::ok : reply.error().code();
  }
  static codec::FsckRequest reading() {
    codec::FsckRequest request;
    request.read_data = true;
    return request;
  }

  std::vector<std::string> opened;
};

TEST_F(Externals, AnObjectIsAFileWithoutACopy) {
  import("/f", "data/f", "the bytes of f");
  EXPECT_EQ(read("/f").value_or("none"), "the bytes of f");
  auto entry = ns.stat("/f").value();
  EXPECT_EQ(entry.body.size, 14U);
  EXPECT_EQ(entry.body.etag, object("data/f").etag);
  EXPECT_EQ(entry.body.digest.kind, codec::DigestKind::none);
  EXPECT_EQ(ns.stat("/")->totals.bytes, 14U);
  EXPECT_EQ(ns.store().object_count(), 1U);
  EXPECT_EQ(block(entry.body.blob, 0, 4, 5).value_or("none"), "bytes");
  EXPECT_EQ(opened, std::vector<std::string>{kBucket});
  expect_clean();
  expect_clean(reading());
}

TEST_F(Externals, AnEmptyObjectIsAnEmptyFile) {
  import("/f", "data/f", "");
  EXPECT_EQ(read("/f").value_or("none"), "");
  EXPECT_EQ(ns.stat("/f")->body.etag, object("data/f").etag);
  EXPECT_TRUE(keys(Table::blob).empty());
}

TEST_F(Externals, ALargeObjectIsSeveralBlobsOfOneObject) {
  std::string bytes(codec::kBlobBytes + codec::kBlockBytes + 7, 'x');
  bytes.replace(codec::kBlobBytes - 2, 6, "middle");
  bytes.back() = 'e';
  import("/f", "data/f", bytes);
  EXPECT_EQ(keys(Table::blob).size(), 2U);
  EXPECT_TRUE(read("/f").value_or("none") == bytes);
  uint64_t blob = blob_of("/f");
  EXPECT_EQ(block(blob + 1, 0, 0, 4).value_or("none"), "ddle");
  EXPECT_EQ(block(blob + 1, 1).value_or("none"), "xxxxxxe");
  EXPECT_EQ(block(blob + 1, 2).error().code(), Code::invalid_argument);
  EXPECT_EQ(block(blob + 1, 1, 6, 2).error().code(), Code::invalid_argument);
  EXPECT_EQ(block(blob + 1, UINT32_MAX, UINT64_MAX, 1).error().code(), Code::invalid_argument);
  expect_clean(reading());
  ns.store().lose("data/f");
  EXPECT_EQ(fsck(reading()).problem_count, 2U);  // one for each blob, not for each block
}

TEST_F(Externals, APartOfAnObjectIsABodyToo) {
  put_object("data/tar", "aaBBBcc");
  External it = object("data/tar");
  it.offset = 2;
  auto op = import_op("/f", it);
  op.body.size = 3;
  must({op});
  EXPECT_EQ(read("/f").value_or("none"), "BBB");
  EXPECT_EQ(ns.stat("/f")->body.etag, "");
}

TEST_F(Externals, AnObjectThatWasReplacedIsDataLossThatNamesIt) {
  import("/f", "data/f", "first");
  put_object("data/f", "later");
  auto got = read("/f");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::data_loss);
  EXPECT_NE(got.error().message().find("s3://bucket/data/f"), std::string::npos)
      << got.error().message();
  EXPECT_NE(got.error().message().find("replaced"), std::string::npos);
  // Imported again it is what it is now, and the version before stays what it was.
  must({snapshot_op("s", "/")});
  must({import_op("/f", object("data/f"))});
  EXPECT_EQ(read("/f").value_or("none"), "later");
  EXPECT_EQ(read("/f", "s").error().code(), Code::data_loss);
}

TEST_F(Externals, AnObjectThatIsGoneIsDataLossThatNamesIt) {
  import("/f", "data/f", "first");
  ns.store().lose("data/f");
  auto got = read("/f");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), Code::data_loss);
  EXPECT_NE(got.error().message().find("s3://bucket/data/f"), std::string::npos);
  EXPECT_NE(got.error().message().find("gone"), std::string::npos);
}

TEST_F(Externals, ClonesCopiesSnapshotsAndAppendsHoldIt) {
  must({mkdir_op("/d")});
  import("/d/f", "data/f", "imported,");
  must({snapshot_op("s", "/")});
  must({clone_op("/d", "/c")});
  codec::Copy copy;
  copy.from.path = "/d/f";
  copy.to.path = "/copy";
  must({copy, append_op("/c/f", "appended")});
  put_object("data/g", ",and more");
  codec::Append more{.target = {"/c/f", {}}};
  more.body.external = object("data/g");
  more.body.size = more.body.external->size;
  must({more});
  EXPECT_EQ(read("/c/f").value_or("none"), "imported,appended,and more");
  EXPECT_EQ(ns.stat("/c/f")->body.etag, "");
  must({remove_op("/d/f")});
  EXPECT_EQ(read("/copy").value_or("none"), "imported,");
  EXPECT_EQ(read("/d/f", "s").value_or("none"), "imported,");
  expect_clean(reading());
  EXPECT_EQ(row("imported"), "18/1");  // what was appended begins no body
  ns.crash(SimCrash::power);
  ASSERT_TRUE(ns.open());
  EXPECT_EQ(read("/c/f").value_or("none"), "imported,appended,and more");
}

TEST_F(Externals, GarbageCollectionTakesTheRecordAndLeavesTheObject) {
  import("/f", "data/f", "bytes");
  put_big("/own", std::string(20'000, 'o'));
  EXPECT_EQ(row("live"), "20000/2");
  EXPECT_EQ(row("imported"), "5/1");
  must({remove_op("/f"), remove_op("/own")});
  EXPECT_EQ(row("imported"), "0/0");
  EXPECT_EQ(row("dead"), "20000/1");
  auto done = gc();
  EXPECT_EQ(done.blobs_deleted, 2U);
  EXPECT_EQ(done.objects_deleted, 1U);
  EXPECT_EQ(done.bytes_deleted, 20'000U);
  EXPECT_TRUE(keys(Table::blob).empty());
  EXPECT_TRUE(ns.store().has("data/f"));
  codec::FsckRequest orphans;
  orphans.orphans = true;
  expect_clean(orphans);
}

TEST_F(Externals, FsckNamesWhatIsMissingOrChangedAndItsCitation) {
  import("/changed", "data/c", "first");
  import("/gone", "data/g", "bytes");
  import("/good", "data/good", "bytes");
  put_object("data/c", "later");
  ns.store().lose("data/g");
  for (bool read_data : {false, true}) {
    codec::FsckRequest request;
    request.read_data = read_data;
    EXPECT_EQ(fsck(request).problem_count, 2U) << text(fsck(request));
    auto changed = expect_found("external_changed", request);
    EXPECT_EQ(changed.path, "/changed");
    EXPECT_NE(changed.detail.find("s3://bucket/data/c"), std::string::npos) << changed.detail;
    EXPECT_NE(changed.detail.find(str("generation ", ns.stat("/changed")->body.generation)),
              std::string::npos)
        << changed.detail;
    EXPECT_EQ(expect_found("external_missing", request).path, "/gone");
    request.target.path = "/gone";
    EXPECT_EQ(fsck(request).problem_count, 1U);
  }
}

TEST_F(Externals, FsckTellsABucketThatCannotBeCheckedOnceAndChecksTheRest) {
  External closed{.store = "s3://other", .key = "open/a", .etag = "e", .size = 5};
  must({import_op("/a", closed), import_op("/b", closed)});
  put_big("/own", std::string(20'000, 'o'));
  ns.store().lose(codec::blob_object_name(blob_of("/own"), 0));
  for (bool read_data : {false, true}) {
    codec::FsckRequest request;
    request.read_data = read_data;
    auto found = fsck(request);
    EXPECT_EQ(found.problem_count, 2U) << text(found);
    EXPECT_NE(expect_found("store", request).detail.find("s3://other"), std::string::npos);
    expect_found("missing_object", request);
  }
}

TEST_F(Externals, OnlyWhatTheServerMayReadIsImported) {
  External it{.store = "s3://bucket", .key = "a", .etag = "e", .size = 5};
  EXPECT_EQ(refused(import_op("/f", it)), Code::ok);
  it.store = "s3://bucket2";
  EXPECT_EQ(refused(import_op("/f", it)), Code::permission_denied);
  it.store = "s3://other";
  EXPECT_EQ(refused(import_op("/f", it)), Code::permission_denied);
  it.key = "opener";
  EXPECT_EQ(refused(import_op("/f", it)), Code::permission_denied);
  codec::Append append{.target = {"/f", {}}};
  append.body = import_op("/f", it).body;
  EXPECT_EQ(refused(append), Code::permission_denied);
  it.key = "open/x";
  EXPECT_EQ(refused(import_op("/f", it)), Code::ok);
  codec::ListObjectsRequest list{.store = "s3://other", .prefix = ""};
  auto listed = ns.call<codec::ListObjectsReply>(Method::list_objects, list);
  ASSERT_FALSE(listed);
  EXPECT_NE(listed.error().message().find("is not told to"), std::string::npos);
}

TEST_F(Externals, WhatMakesNoSenseIsRefused) {
  const External good{.store = "s3://bucket", .key = "a", .etag = "e", .size = 5};
  auto with = [&](const std::function<void(codec::NewBody&)>& change) {
    auto op = import_op("/f", good);
    change(op.body);
    return refused(op);
  };
  using Body = codec::NewBody;
  EXPECT_EQ(with([](Body&) {}), Code::ok);
  EXPECT_EQ(with([](Body& it) { it.size = 6; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.external->offset = 1; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.external->offset = UINT64_MAX; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.size = UINT64_MAX; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.size = it.external->size = UINT64_MAX; }),
            Code::resource_exhausted);
  EXPECT_EQ(with([](Body& it) { it.external->size = it.external->offset = UINT64_MAX; }),
            Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.upload = 1; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.first_blob = 1; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.bytes = "12345"; }), Code::invalid_argument);
  EXPECT_EQ(with([](Body& it) { it.block_crcs = {1}; }), Code::invalid_argument);
  for (const char* etag : {"", "a b", "a\r\nX-Evil: 1", "a\"b", "\x7f"}) {
    EXPECT_EQ(with([&](Body& it) { it.external->etag = etag; }), Code::invalid_argument) << etag;
  }
  EXPECT_EQ(with([](Body& it) { it.external->etag = std::string(129, 'e'); }),
            Code::invalid_argument);
  for (const char* key : {"", "/a", "a//b", "a/../b", ".", "a/", "a\nb"}) {
    EXPECT_EQ(with([&](Body& it) { it.external->key = key; }), Code::invalid_argument) << key;
  }
  EXPECT_EQ(with([](Body& it) { it.external->key = std::string(2000, 'k'); }),
            Code::invalid_argument);
  for (const char* store : {"", "s3://", "s3://a", "file:///etc", "s3://bucket/x", "s3://../etc",
                            "http://bucket", "s3://buc ket"}) {
    EXPECT_EQ(with([&](Body& it) { it.external->store = store; }), Code::invalid_argument) << store;
  }
}

TEST_F(Externals, ATransactionBringsInSoMuchAndNoMore) {
  uint64_t most = codec::kBodyBlobsMax * codec::kBlobBytes;
  External it{.store = "s3://bucket", .key = "a", .etag = "e", .size = most};
  auto one = import_op("/one", {.store = "s3://bucket", .key = "b", .etag = "e", .size = 1});
  EXPECT_TRUE(ns.commit({import_op("/most", it)}));
  auto both = ns.commit({import_op("/more", it), one});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code(), Code::resource_exhausted);
  ++it.size;
  EXPECT_EQ(refused(import_op("/more", it)), Code::resource_exhausted);
}

TEST_F(Externals, ABucketIsListedPageByPage) {
  for (const char* key : {"p/a", "p/b", "p/c/d", "pq"}) put_object(key, key);
  codec::ListObjectsRequest request{.store = kBucket, .prefix = "p/", .limit = 2};
  auto first = ns.call<codec::ListObjectsReply>(Method::list_objects, request).value();
  ASSERT_EQ(first.objects.size(), 2U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.objects[1].key, "p/b");
  EXPECT_EQ(first.objects[1].size, 3U);
  EXPECT_EQ(first.objects[1].etag, info("p/b").etag);
  request.after = "p/b";
  auto second = ns.call<codec::ListObjectsReply>(Method::list_objects, request).value();
  ASSERT_EQ(second.objects.size(), 1U);
  EXPECT_FALSE(second.more);
  EXPECT_EQ(second.objects[0].key, "p/c/d");
  request.prefix = "p";
  EXPECT_EQ(ns.call<codec::ListObjectsReply>(Method::list_objects, request).error().code(),
            Code::invalid_argument);
  put_object("p/nokv-namespace", "somebody's");
  request = {.store = kBucket, .prefix = "p/"};
  EXPECT_EQ(ns.call<codec::ListObjectsReply>(Method::list_objects, request).error().code(),
            Code::failed_precondition);
}

// Bodies and other data may share a bucket.
TEST_F(Externals, TheNamespacesOwnObjectsAreNobodysToImport) {
  ExternalOptions options;
  options.any = true;
  options.open = [&](const std::string&) {
    return Result<std::shared_ptr<object::ObjectStore>>(
        std::shared_ptr<object::ObjectStore>(&ns.store(), [](auto*) {}));
  };
  options.own_store = kBucket;
  options.own_prefix = "own/";
  ExternalStores stores(options);
  for (int i = 0; i < 9; ++i) put_object(str("own/blobs/0", i, "/0"), "body");
  for (const char* key : {"a", "own/backups/b", "own/blobs2", "own/nokv-namespace", "z"}) {
    put_object(key, key);
  }
  codec::ListObjectsRequest request{.store = kBucket, .prefix = "", .limit = 2};
  std::vector<std::string> found;
  for (bool more = true; more;) {
    std::optional<Result<codec::ListObjectsReply>> got;
    stores.list(request, ns.scheduler().clock().now() + std::chrono::hours(1),
                [&](auto reply) { got = std::move(reply); });
    ns.scheduler().run_until([&] { return got.has_value(); }, std::chrono::hours(1));
    ASSERT_TRUE(got && *got);
    for (const auto& it : (*got)->objects) found.push_back(it.key);
    more = (*got)->more;
    request.after = found.back();
  }
  EXPECT_EQ(found, (std::vector<std::string>{"a", "own/blobs2", "z"}));
  EXPECT_EQ(stores.check(object("own/blobs/00/0")).error().code(), Code::failed_precondition);
  EXPECT_TRUE(stores.check(object("own/blobs2")));
}

TEST_F(Externals, OnlySoManyBucketsAreOpenAtOnce) {
  ExternalOptions options;
  options.any = true;
  size_t open = 0;
  size_t made = 0;
  size_t read = 0;
  Code code = Code::ok;
  options.open = [&](const std::string&) {
    ++made;
    ++open;
    return Result<std::shared_ptr<object::ObjectStore>>(
        std::shared_ptr<object::ObjectStore>(&ns.store(), [&](auto*) { --open; }));
  };
  {
    ExternalStores stores(options);
    put_object("a", "12345");
    External it = object("a");
    auto get = [&](size_t number) {
      it.store = str("s3://bucket-", number);
      stores.read(it, 5, ns.scheduler().clock().now() + std::chrono::hours(1),
                  [&](const Result<std::string>& got) { read += got == "12345" ? 1 : 0; });
    };
    for (size_t i = 0; i < 40; ++i) {
      get(i);
      ns.scheduler().run_until([&] { return read == i + 1; }, std::chrono::hours(1));
    }
    EXPECT_EQ(read, 40U);
    EXPECT_EQ(open, ExternalStores::kOpenMax);
    get(39);
    ns.scheduler().run_until([&] { return read == 41; }, std::chrono::hours(1));
    EXPECT_EQ(made, 40U);
    // What is in use stays open.
    for (size_t i = 0; i < ExternalStores::kOpenMax; ++i) get(100 + i);
    it.store = "s3://one-more";
    stores.read(
        it, 5, ns.scheduler().clock().now() + std::chrono::hours(1),
        [&](const Result<std::string>& got) { code = got ? Code::ok : got.error().code(); });
    EXPECT_EQ(code, Code::overloaded);
  }
  EXPECT_EQ(open, 0U);
}

TEST(ExternalNames, AreThoseOfBuckets) {
  EXPECT_TRUE(meta::check_external_store("s3://a.b-c_D9"));
  EXPECT_FALSE(meta::check_external_store("s3://" + std::string(256, 'a')));
}

}  // namespace
}  // namespace nokv::shard
