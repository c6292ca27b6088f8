#include "shard/testing/model_run.h"

#include <algorithm>
#include <array>

#include "codec/crc32c.h"
#include "codec/key.h"

namespace nokv::shard::model {

using codec::CommitReply;
using codec::CommitRequest;
using codec::Kind;
using codec::Method;

namespace {

constexpr std::chrono::hours kPatience{1};
constexpr Duration kSessionIdle = std::chrono::hours(24);

constexpr std::string_view kForeign = "theirs/";  // their keys, in the store of the bodies

// `ns` is used once it is there.
BackgroundOptions background(SimNamespace& ns) {
  BackgroundOptions out = SimNamespace::quiet_background();
  out.externals.allowed = {"s3://theirs"};
  out.externals.open = [&ns](const std::string&) -> Result<std::shared_ptr<object::ObjectStore>> {
    return std::shared_ptr<object::ObjectStore>(&ns.store(), [](auto*) {});
  };
  out.session_idle = kSessionIdle;
  out.upload_ttl = std::chrono::hours(20);
  out.second_pass = std::chrono::hours(2);
  out.start_quiet = std::chrono::minutes(10);
  return out;
}

codec::RetentionPolicy first_policy() { return {{}, int64_t{7200} * 1'000'000'000}; }

}  // namespace

Run::Run(uint64_t seed, Merger merger)
    : ns_(seed, background(ns_)), merger_(std::move(merger)), world_(new_world(first_policy())) {
  world_.quotas = seed % 2 == 1;
  ns_.chain_max = 1 + seed % 3;
  open();
  auto made = ns_.init(first_policy());
  if (!made) differ("init: " + made.error().message());
  recent_[1] = std::make_shared<const Tree>(world_.tree);
  make_foreign(seed);
}

void Run::make_foreign(uint64_t seed) {
  SimRandom random(seed);
  for (size_t size : {0, 1, 300, 70'000}) {
    std::string bytes(size, '\0');
    for (char& it : bytes) it = static_cast<char>(random.next());
    codec::External object{.store = "s3://theirs", .key = str(kForeign, size), .size = size};
    auto deadline = ns_.scheduler().clock().now() + kPatience;
    auto shared = std::make_shared<const std::string>(std::move(bytes));
    std::optional<Result<object::ObjectInfo>> there;
    ns_.store().put(object.key, shared, {}, deadline, [&](const Result<>& put) {
      if (put) ns_.store().head(object.key, deadline, [&](auto info) { there = std::move(info); });
    });
    ns_.scheduler().run_until([&] { return there.has_value(); }, kPatience);
    if (!there || !*there) return differ("an object could not be put");
    object.etag = (*there)->etag;
    world_.foreign.push_back({std::move(object), std::move(shared)});
  }
}

void Run::open() {
  // Refusals are remembered in memory only.
  std::erase_if(answered_, [](const auto& row) { return row.second.second.empty(); });
  auto opened = ns_.open();
  if (!opened) differ("open: " + opened.error().message());
}

std::string Run::step(uint64_t number) {
  SimRandom random(number);
  uint64_t draw = random.below(1000);
  if (draw < 645) {
    commit(random);
  } else if (draw < 660) {
    merge(random);
  } else if (draw < 750) {
    several(random, false);
  } else if (draw < 835) {
    read(random);
  } else if (draw < 885) {
    compare_versions(random);
  } else if (draw < 915) {
    upload(random);
  } else if (draw < 955) {
    session(random);
  } else if (draw < 975) {
    collect(random, random.one_in(2));
  } else if (draw < 982) {
    let_time_pass(random);
  } else if (draw < 987) {
    crash(random);
  } else if (draw < 990) {
    several(random, true);
  } else if (draw < 996) {
    tell("compare all that is kept");
    compare_kept();
  } else {
    tell("count references");
    compare_references(false);
  }
  return difference_;
}

// ---- changes

Run::Answer Run::send(const CommitRequest& request) {
  auto answer = std::make_shared<std::optional<Result<CommitReply>>>();
  Caller caller{"test", ns_.scheduler().clock().now() + kPatience};
  ns_.service().call(Method::commit, codec::encoded(request), caller,
                     [answer](Result<std::string> bytes) {
                       CommitReply reply;
                       if (!bytes) {
                         *answer = Result<CommitReply>(std::unexpected(bytes.error()));
                       } else if (codec::decode(*bytes, reply)) {
                         *answer = Result<CommitReply>(std::move(reply));
                       }
                     });
  return answer;
}

Result<CommitReply> Run::must_agree(const CommitRequest& request) {
  Answer answer = send(request);
  ns_.scheduler().run_until([&] { return answer->has_value(); }, kPatience);
  if (!answer->has_value()) {
    differ(describe(request) + ": no answer within an hour");
    return fail(Code::cancelled, "no answer");
  }
  judge(request, **answer);
  return **answer;
}

void Run::judge(const CommitRequest& request, const Result<CommitReply>& reply) {
  Told told{version_ + 1, {}, nullptr};
  if (reply) told = {reply->version, reply->time_ns, &reply->results};
  std::string wrong;
  World next = world_;
  Code expected = apply(next, request.operations, told, wrong);
  Code got = reply ? Code::ok : reply.error().code();
  tell(str(describe(request), " -> ",
           reply ? str("v", reply->version) : std::string(code_name(got))));
  if (got != expected) {
    differ(str(describe(request), ": ", code_name(got), " (", reply ? "" : reply.error().message(),
               ") instead of ", code_name(expected), " ", wrong));
    return;
  }
  ++(reply ? counts_.done : counts_.refused);
  if (!reply || request.dry_run) return;
  if (!wrong.empty()) differ(describe(request) + ": " + wrong);
  if (reply->version <= version_) differ(str("version ", reply->version, " after ", version_));
  std::swap(world_, next);
  version_ = reply->version;
  recent_[version_] = std::make_shared<const Tree>(world_.tree);
  remember_clone(request, next.tree);
}

// What was in the log when the server died, though nobody was told.
void Run::unanswered(const CommitRequest& request) {
  if (request.dry_run) return;
  std::string wrong;
  Code expected = apply(world_, request.operations, {version_ + 1, {}, nullptr}, wrong);
  tell(str(describe(request), " -> unanswered, ", code_name(expected)));
  if (expected != Code::ok) return;
  ++version_;
  recent_[version_] = std::make_shared<const Tree>(world_.tree);
}

void Run::commit(SimRandom& random) {
  CommitRequest request = Draw(random, world_, version_).request();
  must_agree(request);
  if (!fine() || !random.one_in(3)) return;
  std::string path = Draw(random, world_, version_).path(world_.tree);
  compare_one(world_.tree, path, "", random.one_in(2), "/");
  compare_one(world_.tree, "/", "", false, "/");
}

// Requests that come without waiting for answers share groups; and when the server dies, the first
// of them are done and the others are not.
void Run::several(SimRandom& random, bool then_crash) {
  await_gc();
  std::vector<Sent> sent;
  size_t count = 2 + random.below(7);
  // All are drawn before the first is done, so some are overtaken by others.
  for (size_t i = 0; i < count; ++i) {
    sent.push_back({Draw(random, world_, version_).request(), nullptr});
  }
  tell(str(count, " at once", then_crash ? ", then a crash:" : ":"));
  for (Sent& each : sent) each.answer = send(each.request);
  auto answered = [](const Sent& each) { return each.answer->has_value(); };
  if (!then_crash) {
    ns_.scheduler().run_until([&] { return std::ranges::all_of(sent, answered); }, kPatience);
  } else {
    run_tasks(random.below(60));
  }
  auto next = sent.begin();
  for (; next != sent.end() && answered(*next) && fine(); ++next) {
    judge(next->request, **next->answer);
  }
  if (!fine()) return;
  if (!then_crash) {
    if (next != sent.end()) differ("a request was not answered within an hour");
    compare_tree(world_.tree, kRoot, "/", "", 1000);
    return;
  }
  if (!std::all_of(next, sent.end(), [&](const Sent& each) { return !answered(each); })) {
    return differ("answers came out of order");
  }
  uint64_t known = std::max(version_, ns_.shard().state()->record.version);
  restart(random.one_in(2) ? SimCrash::power : SimCrash::process);
  if (!fine()) return;
  uint64_t held = ns_.shard().state()->record.version;
  if (held < known)
    return differ(str("v", known, " was acknowledged or seen, v", held, " is there"));
  for (; next != sent.end() && version_ < held; ++next) unanswered(next->request);
  if (version_ != held) return differ(str("v", held, " is there, which nobody asked for"));
  settle();
  compare_kept();
}

// ---- merging

namespace {

std::set<std::string> contents(const Tree& tree, Ino directory) {
  std::set<std::string> out;
  for (const auto& [name, ino] : tree.at(directory).children) {
    const Node& node = tree.at(ino);
    if (node.kind == Kind::directory) out.merge(contents(tree, ino));
    if (node.kind == Kind::file) out.insert(node.bytes ? *node.bytes : "");
  }
  return out;
}

std::string_view text(Merge::Winner winner) {
  constexpr std::array<std::string_view, 4> kTexts{"none", "ours", "theirs", "aside"};
  return kTexts.at(static_cast<size_t>(winner));
}

}  // namespace

void Run::remember_clone(const CommitRequest& request, const Tree& before) {
  if (request.operations.size() != 1) return;
  const auto* op = std::get_if<codec::Clone>(&request.operations[0].op);
  if (op != nullptr) ++counts_.clones;
  if (op == nullptr || !op->from_at.empty() || op->from.id.origin != 0 || op->to.id.origin != 0) {
    return;
  }
  Tree::Spot source;
  Tree::Spot clone;
  if (before.resolve(op->from.path, true, source) != Code::ok ||
      world_.tree.resolve(op->to.path, false, clone) != Code::ok ||
      before.at(source.ino).kind != Kind::directory) {
    return;
  }
  pairs_.push_back({source.ino, clone.ino, contents(before, source.ino)});
}

// Its commits are judged as all others are. Besides, neither side may be lost.
void Run::merge(SimRandom& random) {
  const Tree before = world_.tree;
  auto gone = [&](Ino ino) {
    for (; ino != kRoot; ino = before.at(ino).parent) {
      if (!before.has(ino)) return true;
    }
    return false;
  };
  std::erase_if(pairs_, [&](const Pair& pair) { return gone(pair.source) || gone(pair.clone); });
  Merge task;
  task.winner = static_cast<Merge::Winner>(random.below(4));
  task.aside = Draw(random, world_, version_).new_path(before);
  const Pair* pair = nullptr;
  Ino from = 0;
  Ino to = 0;
  if (!pairs_.empty() && !random.one_in(10)) {
    pair = &pairs_[random.below(pairs_.size())];
    bool forth = random.one_in(4);
    from = forth ? pair->source : pair->clone;
    to = forth ? pair->clone : pair->source;
    task.from = before.path_of(from);
    task.to = before.path_of(to);
  } else {
    task.from = Draw(random, world_, version_).directory_path(before);
    task.to = Draw(random, world_, version_).directory_path(before);
  }
  tell(str("merge ", task.from, " into ", task.to, ", ", text(task.winner), ", ", task.aside));
  uint64_t version = version_;
  auto merged = merger_(ns_, task, [this](const CommitRequest& request) {
    if (!fine()) return Result<CommitReply>(fail(Code::cancelled, "they differ"));
    return must_agree(request);
  });
  if (!fine()) return;
  if (!merged) {
    tell(str(code_name(merged.error().code()), ": ", merged.error().message()));
    constexpr std::array kAllowed{
        Code::failed_precondition, Code::invalid_argument, Code::not_found,    Code::already_exists,
        Code::resource_exhausted,  Code::quota_exceeded,   Code::not_directory};
    if (std::ranges::find(kAllowed, merged.error().code()) == kAllowed.end()) {
      differ("merge: " + merged.error().message());
    }
    if (version_ != version) differ("a merge was refused, and changed something");
    learn_version();  // its session is open all the same
    return;
  }
  if (!merged->done && version_ != version) differ("a merge was not done, and changed something");
  if (!merged->done || pair == nullptr) return;
  ++counts_.merges;
  const Tree& after = world_.tree;
  if (!after.has(to)) return differ("the target of a merge is gone");
  std::set<std::string> result = contents(after, to);
  bool keeps_theirs = task.winner == Merge::Winner::theirs || merged->conflicts == 0;
  Tree::Spot aside;
  if (task.winner == Merge::Winner::aside && after.resolve(task.aside, false, aside) == Code::ok) {
    result.merge(contents(after, aside.ino));
    keeps_theirs = true;
  }
  auto lost = [&](Ino side) -> std::optional<std::string> {
    for (const std::string& bytes : contents(before, side)) {
      if (!pair->base.contains(bytes) && !result.contains(bytes)) return bytes;
    }
    return {};
  };
  if (task.winner != Merge::Winner::theirs && lost(to)) differ("a merge lost a file of ours");
  if (keeps_theirs && lost(from)) differ("a merge lost a file of theirs");
}

void Run::upload(SimRandom& random) {
  Draw draw(random, world_, version_);
  if (!world_.uploads.empty() && random.one_in(5)) {
    auto upload = world_.uploads.begin();
    std::advance(upload, static_cast<ptrdiff_t>(random.below(world_.uploads.size())));
    CommitRequest close;
    close.operations.push_back({codec::CloseUpload{upload->first}});
    must_agree(close);
    return;
  }
  CommitRequest open;
  open.operations.push_back({codec::OpenUpload{static_cast<uint32_t>(1 + random.below(3))}});
  auto reply = must_agree(open);
  if (!reply) return;
  Upload& upload = world_.uploads.at(reply->results[0].upload);
  for (uint32_t i = 0; i < upload.count; ++i) {
    if (random.one_in(4)) continue;
    Bytes bytes = draw.bytes(random.one_in(60) ? codec::kBlockBytes + 10 : 3000);
    if (bytes->empty()) continue;
    uint64_t blob = upload.first_blob + i;
    for (uint32_t block = 0; block < codec::block_count(bytes->size()); ++block) {
      codec::PutBlockRequest put{reply->results[0].upload, blob, block, 0, {}};
      put.bytes = bytes->substr(block * codec::kBlockBytes, codec::kBlockBytes);
      put.crc = crc32c(put.bytes);
      auto done = ns_.call<codec::SyncReply>(Method::put_block, put);
      if (!done) return differ("put_block: " + done.error().message());
    }
    upload.written[blob] = bytes;
  }
  while (world_.uploads.size() > 6) world_.uploads.erase(world_.uploads.begin());
}

// ---- exactly once

void Run::begin_session() {
  ++session_count_;
  session_ = {};
  session_[0] = static_cast<uint8_t>(session_count_);
  session_[1] = static_cast<uint8_t>(session_count_ >> 8);
  session_[2] = 1;
  sequence_ = 0;
  acked_below_ = 1;
  answered_.clear();
}

void Run::session(SimRandom& random) {
  if (session_count_ == 0 || random.one_in(60)) {
    begin_session();
  }
  CommitRequest request;
  bool again = !answered_.empty() && random.one_in(2);
  if (again) {
    auto row = answered_.begin();
    std::advance(row, static_cast<ptrdiff_t>(random.below(answered_.size())));
    request = row->second.first;
  } else {
    request = Draw(random, world_, version_).request();
    request.dry_run = false;
    request.session = session_;
    request.sequence = ++sequence_;
    if (sequence_ > 4 && random.one_in(3)) {
      acked_below_ = std::max(acked_below_, sequence_ - random.below(4));
    }
    request.acked_below = acked_below_;
    request.open_session = sequence_ == 1;
  }
  tell(again ? "again:" : "in a session:");
  Answer answer = send(request);
  if (!again && random.one_in(8)) {
    // The connection, the server, or both die: it is sent again.
    run_tasks(random.below(40));
    if (random.one_in(2)) {
      restart(random.one_in(2) ? SimCrash::power : SimCrash::process);
    }
    answer = send(request);
  }
  ns_.scheduler().run_until([&] { return answer->has_value(); }, kPatience);
  if (!fine()) return;
  if (!answer->has_value()) return differ("a request of a session was not answered");
  const auto& reply = **answer;
  if (!reply && reply.error().code() == Code::session_expired) {
    tell("the session is over");
    begin_session();
    return settle();
  }
  std::string bytes = reply ? codec::encoded(*reply) : "";
  if (!again) {
    judge(request, reply);
    answered_[request.sequence] = {request, bytes};
  } else if (answered_[request.sequence].second != bytes) {
    // What was acknowledged may be forgotten, and is never done again.
    bool forgotten =
        request.sequence < acked_below_ && !reply && reply.error().code() == Code::stale;
    if (!forgotten) {
      differ(str(describe(request), ": sent again, it got another answer, ",
                 reply ? str("v", reply->version) : reply.error().message()));
    }
  }
  std::erase_if(answered_, [&](const auto& row) { return row.first + 3 < acked_below_; });
  if (fine()) settle();
}

// ---- looking

void Run::read(SimRandom& random) {
  Draw draw(random, world_, version_);
  bool now = random.one_in(2);
  learn_pins();
  if (!fine()) return;
  const Tree* tree = &world_.tree;
  std::string at;
  std::string scope = "/";
  bool of_file = false;
  if (!now && !world_.pins.empty()) {
    const Pin& pin = world_.pins[random.below(world_.pins.size())];
    if (pin.kind == codec::PinKind::clone) return;
    at = pin.name.empty() ? str("v", pin.version) : pin.name;
    tree = pin.tree.get();
    scope = pin.path;
    of_file = pin.of_file;
    kept_below_ = pin.scope;
  }
  std::string path = draw.path(*tree);
  if (of_file || !covers(scope, path)) path = scope;
  tell("look at " + path + " at '" + at + "'");
  compare_one(*tree, path, at, !of_file && random.one_in(2), scope);
  kept_below_ = kRoot;
  Tree::Spot spot;
  if (!fine() || tree->resolve(path, false, spot, kRoot, scope) != Code::ok) return;
  if (tree->at(spot.ino).kind == Kind::file) {
    compare_bytes(*tree, spot.ino, {path, {}}, at);
    if (at.empty() && random.one_in(3)) compare_log(path);
  } else if (tree->at(spot.ino).kind == Kind::directory && !of_file) {
    auto entries = ns_.list(path, at, 2);
    if (!entries) return differ("list " + path + ": " + entries.error().message());
    if (entries->size() != tree->at(spot.ino).children.size()) differ("list " + path + " at " + at);
  }
}

// ---- what the shard does by itself

void Run::await_gc() {
  if (gc_ == nullptr) return;
  auto gc = std::exchange(gc_, nullptr);
  ns_.scheduler().run_until([&] { return gc->has_value(); }, kPatience);
  if (!gc->has_value()) {
    differ("gc did not end within an hour");
  } else if (!**gc) {
    differ("gc: " + (*gc)->error().message());
  }
  learn_version();
}

void Run::collect(SimRandom& random, bool wait) {
  await_gc();
  if (!fine()) return;
  // A pin whose time is over goes some time during the pass; then the model would have to guess.
  int64_t soon = to_unix_ns(ns_.scheduler().clock().wall()) + 60'000'000'000;
  for (const Pin& pin : world_.pins) {
    int64_t expires = pin.expires_ns->value.value_or(1);
    wait = wait || pin.kind == codec::PinKind::moment || (expires != 0 && expires <= soon);
  }
  tell(wait ? "collect" : "begin to collect");
  auto gc = std::make_shared<std::optional<Result<codec::GcReply>>>();
  std::optional<Duration> grace;
  if (random.one_in(2)) grace = Duration(0);
  ns_.background().run_gc(grace, [gc](Result<codec::GcReply> reply) { *gc = std::move(reply); });
  gc_ = gc;
  if (!wait) return;
  await_gc();
  learn_pins();
  // All that left the tree is swept: no more ghosts.
  Tree before = world_.tree;
  for (const auto& [ino, node] : before.nodes()) {
    if (node->ghosts != 0) world_.tree.edit(ino).ghosts = 0;
  }
  recent_[version_] = std::make_shared<const Tree>(world_.tree);
}

void Run::let_time_pass(SimRandom& random) {
  await_gc();
  learn_pins();
  constexpr int64_t kSeconds[] = {1, 90, 3700, 3 * 3600, 25 * 3600};
  int64_t seconds = kSeconds[random.below(std::size(kSeconds))];
  tell(str(seconds, " s pass"));
  ns_.scheduler().run_for(std::chrono::seconds(seconds));
  std::optional<Result<>> done;
  ns_.background().run_due([&](Result<> result) { done = std::move(result); });
  ns_.scheduler().run_until([&] { return done.has_value(); }, kPatience);
  if (!done || !*done) return differ("background work: " + (done ? done->error().message() : ""));
  learn_version();
  learn_pins();
  // A first request that comes again after its session is forgotten would open it again.
  if (Duration(std::chrono::seconds(seconds)) > kSessionIdle) answered_.erase(1);
  // Which uploads were closed.
  for (auto& [id, upload] : world_.uploads) {
    auto row = ns_.shard().state()->view().present<codec::UploadRecord>(
        codec::number_key(codec::Table::upload, id));
    upload.open = row && *row && (*row)->closed_ns == 0;
  }
}

// After a start the shard does what is due, at once.
void Run::settle() {
  ns_.scheduler().run_for(std::chrono::seconds(1));
  learn_version();
  learn_pins();
}

void Run::learn_version() {
  uint64_t version = ns_.shard().state()->record.version;
  if (version < version_) differ(str("v", version_, " was told and v", version, " is there"));
  version_ = version;
}

// ---- crashes

// So many tasks, and no more, run; time does not jump to far timers.
void Run::run_tasks(uint64_t count) {
  ns_.scheduler().run_until([&] { return count-- == 0; }, std::chrono::seconds(1));
}

void Run::restart(SimCrash how) {
  tell(how == SimCrash::power ? "power is cut" : "the process dies");
  ++counts_.crashes;
  gc_.reset();
  uint64_t version = ns_.shard().state()->record.version;
  auto rows = all_rows();
  ns_.crash(how);
  open();
  // Replay comes to the same records, not only to the same tree.
  if (!fine() || ns_.shard().state()->record.version != version) return;
  auto again = all_rows();
  for (const auto& [key, value] : rows) {
    auto found = again.find(key);
    if (found == again.end() || found->second != value) {
      return differ(str("replay made another row of table ", static_cast<uint8_t>(key[0])));
    }
  }
  if (again.size() != rows.size()) differ("replay made a row more");
}

std::map<std::string, std::string> Run::all_rows() {
  std::map<std::string, std::string> out;
  auto rows = ns_.shard().state()->snapshot->iterate(std::string_view("\0", 1), "\xff");
  for (rows->seek(std::string_view("\0", 1)); rows->valid(); rows->next()) {
    out.emplace(rows->key(), rows->value());
  }
  return out;
}

void Run::crash(SimRandom& random) {
  uint64_t draw = random.below(3);
  if (draw == 0) {
    await_gc();
    tell("a clean restart");
    ns_.close();
    open();
  } else {
    // A collection dies with it where it is.
    if (gc_ != nullptr) run_tasks(random.below(30));
    restart(draw == 1 ? SimCrash::power : SimCrash::process);
  }
  if (!fine()) return;
  settle();
  compare_kept();
}

// ---- the end

std::string Run::finish() {
  await_gc();
  if (fine()) compare_kept();
  if (fine()) compare_references(false);
  if (!fine()) return difference_;
  CommitRequest end;
  for (const Pin& pin : world_.pins) {
    if (pin.kind == codec::PinKind::snapshot) {
      end.operations.push_back({codec::SnapshotRemove{pin.name}});
    }
  }
  for (const auto& [id, upload] : world_.uploads)
    end.operations.push_back({codec::CloseUpload{id}});
  end.operations.push_back({codec::SetPolicy{{{}, 0}}});
  must_agree(end);
  ns_.scheduler().run_for(std::chrono::hours(48));  // undo pins and uploads expire
  SimRandom random(1);
  for (int pass = 0; pass < 3 && fine(); ++pass) {
    std::optional<Result<>> done;
    ns_.background().run_due([&](Result<> result) { done = std::move(result); });
    ns_.scheduler().run_until([&] { return done.has_value(); }, kPatience);
    auto gc = std::make_shared<std::optional<Result<codec::GcReply>>>();
    ns_.background().run_gc(Duration(0), [gc](Result<codec::GcReply> r) { *gc = std::move(r); });
    gc_ = gc;
    await_gc();
    ns_.scheduler().run_for(std::chrono::hours(3));
  }
  learn_pins();
  auto of_clone = [](const Pin& pin) { return pin.kind == codec::PinKind::clone; };
  if (fine() && !std::ranges::all_of(world_.pins, of_clone)) differ("a pin is left at the end");
  if (fine()) compare_kept();
  if (fine()) compare_references(true);
  if (fine()) remove_all();
  return difference_;
}

// With the last of what is in the tree goes all that clones kept of the past.
void Run::remove_all() {
  CommitRequest end;
  for (const auto& [name, ino] : world_.tree.at(kRoot).children) {
    end.operations.push_back({codec::Remove{{"/" + name, {}}}});
  }
  if (end.operations.empty()) return;
  must_agree(end);
  for (int pass = 0; pass < 3 && fine(); ++pass) {
    auto gc = std::make_shared<std::optional<Result<codec::GcReply>>>();
    ns_.background().run_gc(Duration(0), [gc](Result<codec::GcReply> r) { *gc = std::move(r); });
    gc_ = gc;
    await_gc();
  }
  learn_pins();
  if (fine()) compare_tree(world_.tree, kRoot, "/", "", 1000);
  if (fine()) compare_references(true);
}

}  // namespace nokv::shard::model
