// Requests that no client of ours would send: whatever decodes is answered, breaks nothing, and
// what it left behind survives a crash.
#include <gtest/gtest.h>

#include "base/sim/sim_random.h"
#include "codec/testing/fields.h"
#include "shard/testing/sim_namespace.h"

namespace nokv::shard {
namespace {

using codec::Method;

class Hostile {
 public:
  explicit Hostile(uint64_t seed) : random_(seed), fill_(random_), space_(seed, options()) {
    EXPECT_TRUE(space_.open());
    EXPECT_TRUE(space_.init());
    EXPECT_TRUE(space_.commit({mkdir_op("/a"), mkdir_op("/a/b"), put_op("/a/f", "12345"),
                               put_op("/f", std::string(9000, 'x'))}));
    EXPECT_TRUE(space_.commit({snapshot_op("s", "/a")}));
    for (const char* path : {"/a", "/a/b", "/a/b/c", "/a/f", "/f", "/g", "/a/g", "/h/i", "/h"}) {
      fill_.words.insert(fill_.words.end(), 4, path);
    }
    for (const char* word : {"/", "", "//", "/..", "/a/", "/a/f/x", "f", "s", "s", "v3", "1s", "t",
                             "user.key", "12345", "now", "s3://bucket"}) {
      fill_.words.emplace_back(word);
    }
    for (const char* path : {"/", "/a", "/a/b", "/a/f", "/f"}) {
      fill_.ids.push_back(space_.stat(path).value().id);
    }
    fill_.ids.resize(20);  // mostly none: paths go from the root
    fill_.numbers_below = 40;
  }

  // Any bucket may be asked for, and is the store of the bodies.
  BackgroundOptions options() {
    BackgroundOptions out = SimNamespace::quiet_background();
    out.externals.any = true;
    out.externals.open = [this](const std::string&) {
      return Result<std::shared_ptr<object::ObjectStore>>(
          std::shared_ptr<object::ObjectStore>(&space_.store(), [](auto*) {}));
    };
    return out;
  }

  // One request of a random method, with random contents; true when it was answered.
  bool step() {
    auto method = random_.below(2) == 0 ? Method::commit : static_cast<Method>(random_.below(25));
    if (method == static_cast<Method>(24)) method = Method::list_objects;
    std::string body = body_of(method);
    bool answered = false;
    Caller caller{"somebody", space_.scheduler().clock().now() + std::chrono::seconds(1)};
    caller.shares_disk = random_.below(2) == 0;
    space_.service().call(method, body, caller,
                          [&](const Result<std::string>&) { answered = true; });
    space_.scheduler().run_until([&] { return answered; }, std::chrono::seconds(10));
    return answered;
  }

  // The names and bodies that are there now.
  std::string everything() { return below("/", 0); }

  SimNamespace& space() { return space_; }

 private:
  template <class T>
  std::string filled() {
    T request;
    T::fields(request, fill_);
    if constexpr (std::same_as<T, codec::CommitRequest>) {
      // Mostly without a session, with one operation, and with bodies that add up: so that more
      // than refusals happens.
      request.session.fill(static_cast<uint8_t>(random_.below(12) / 11));
      if (request.operations.size() > 1 && random_.below(3) != 0) request.operations.resize(1);
      for (auto& box : request.operations) std::visit([&](auto& op) { mend(op); }, box.op);
      request.dry_run = random_.below(4) == 0;
    }
    if constexpr (requires { request.at.min_version; }) {
      if (random_.below(8) != 0) request.at = {};
    }
    return codec::encoded(request);
  }

  void mend(auto& op) {
    if constexpr (requires { op.body.bytes; }) {
      if (random_.below(4) == 0) return;
      if (op.body.external && random_.below(2) == 0) {
        codec::External object = *op.body.external;
        object.store = "s3://bucket";
        object.key = "key";
        object.etag = "etag";
        op.body = {.size = op.body.size, .external = std::move(object)};
        op.if_generation.reset();
        return;
      }
      op.body = {.size = op.body.bytes.size(), .bytes = op.body.bytes};
      op.if_generation.reset();
    }
  }

  std::string body_of(Method method) {
    switch (method) {
      case Method::stat:
        return filled<codec::StatRequest>();
      case Method::list:
        return filled<codec::ListRequest>();
      case Method::open:
        return filled<codec::OpenRequest>();
      case Method::access:
        return filled<codec::AccessRequest>();
      case Method::put_block:
        return filled<codec::PutBlockRequest>();
      case Method::get_block:
        return filled<codec::GetBlockRequest>();
      case Method::snapshots:
        return filled<codec::SnapshotsRequest>();
      case Method::log:
        return filled<codec::LogRequest>();
      case Method::quota:
        return filled<codec::QuotaRequest>();
      case Method::quotas:
        return filled<codec::QuotasRequest>();
      case Method::gc:
        return filled<codec::GcRequest>();
      case Method::fsck:
        return filled<codec::FsckRequest>();
      case Method::list_objects:
        return filled<codec::ListObjectsRequest>();
      case Method::sync:
        return filled<codec::SyncRequest>();
      case Method::init:
        return filled<codec::InitRequest>();
      default:
        return filled<codec::CommitRequest>();
    }
  }

  std::string below(const std::string& path, int depth) {
    std::string out;
    auto entries = space_.list(path);
    EXPECT_TRUE(entries) << path;
    if (!entries || depth > 8) return out;
    for (const auto& entry : *entries) {
      std::string child = path == "/" ? "/" + entry.name : path + "/" + entry.name;
      out += str(child, " ", entry.id.text(), " ", entry.body.size, " ", entry.attributes.mode);
      if (entry.kind == codec::Kind::file) {
        auto bytes = space_.read(child);
        out += str(" ", bytes ? *bytes : bytes.error().message());
      }
      out += '\n';
      if (entry.kind == codec::Kind::directory) out += below(child, depth + 1);
    }
    return out;
  }

  SimRandom random_;
  codec::RandomFiller<SimRandom> fill_;
  SimNamespace space_;
};

TEST(HostileRequests, AreAnsweredAndLeaveANamespaceThatIsReadAlikeAfterACrash) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    Hostile hostile(seed);
    for (int i = 0; i < 400; ++i) ASSERT_TRUE(hostile.step()) << "request " << i;
    ASSERT_FALSE(hostile.space().shard().failure());
    std::string before = hostile.everything();
    hostile.space().crash(SimCrash::power);
    ASSERT_TRUE(hostile.space().open());
    EXPECT_EQ(hostile.everything(), before);
    auto checked = hostile.space().call<codec::FsckReply>(Method::fsck, codec::FsckRequest());
    ASSERT_TRUE(checked) << checked.error().message();
    for (const auto& problem : checked->problems) {
      // A client published what it never put, or what nobody has.
      if (problem.code == "missing_object" || problem.code == "external_missing") continue;
      ADD_FAILURE() << problem.code << ' ' << problem.path << ' ' << problem.detail;
    }
    EXPECT_GT(checked->checked, 5U);
  }
}

}  // namespace
}  // namespace nokv::shard
