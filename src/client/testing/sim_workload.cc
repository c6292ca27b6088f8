// What a SimClient does in one of its lanes.
#include <algorithm>
#include <utility>

#include "client/testing/sim_client.h"
#include "codec/crc32c.h"

namespace nokv::client {

using codec::Durability;
using Look = SimHistory::Look;
using namespace std::chrono_literals;

namespace {

// Names are few, so that clients meet. /l stays, so that there is always something to do.
constexpr std::string_view kDirectories[] = {"/a", "/b", "/a/in", "/b/in", "/l"};

codec::Target target(std::string path) { return {std::move(path), {}}; }

codec::Publish publish_op(const std::string& path, std::string bytes) {
  codec::Publish op;
  op.target.path = path;
  op.mode = 0644;
  op.body.size = bytes.size();
  op.body.bytes = std::move(bytes);
  return op;
}

}  // namespace

std::string SimClient::random_path() {
  std::string_view directory = kDirectories[random().below(std::size(kDirectories))];
  return str(directory, "/f", random().below(4));
}

// Unlike every other, so that what took effect twice or in part is seen.
std::string SimClient::random_body() {
  std::string body = str("[", history_.last_tag() + 1, " of ", name(), "]");
  body.resize(body.size() + random().below(60), '.');
  return body;
}

codec::Operation SimClient::random_operation() {
  std::string path = random_path();
  switch (random().below(16)) {
    case 13:
    case 14:
    case 0: {
      codec::Mkdir op;
      op.target = target(std::string(kDirectories[random().below(4)]));
      op.mode = 0755;
      return op;
    }
    case 1: {
      codec::Rename op;
      op.from = target(path);
      op.to = target(random_path());
      op.mode = static_cast<codec::RenameMode>(random().below(3));
      return op;
    }
    case 2: {
      codec::Rename op;  // of directories
      op.from = target(std::string(kDirectories[random().below(4)]));
      op.to = target(std::string(kDirectories[random().below(4)]));
      op.mode = static_cast<codec::RenameMode>(random().below(3));
      return op;
    }
    case 3: {
      codec::Remove op;
      op.target = target(path);
      op.kind = codec::RemoveKind::file;
      op.missing_ok = random().one_in(2);
      op.keep_undo = random().one_in(3);
      return op;
    }
    case 4: {
      codec::Remove op;  // a whole tree
      op.target = target(std::string(kDirectories[random().below(4)]));
      op.kind = random().one_in(3) ? codec::RemoveKind::directory : codec::RemoveKind::any;
      return op;
    }
    case 5: {
      codec::Link op;
      op.from = target(str("/l/f", random().below(4)));
      op.to = target(str("/l/f", random().below(4)));
      return op;
    }
    case 6:
    case 7: {
      codec::Append op;
      op.target = target(path);
      op.body.bytes = random_body();
      op.body.size = op.body.bytes.size();
      if (random().one_in(3)) op.at_size = random().below(100);
      return op;
    }
    default: {
      codec::Publish op = publish_op(path, random_body());
      op.exists = static_cast<codec::Exists>(random().below(3));
      if (random().one_in(5)) op.if_generation = seen_ - std::min(seen_, random().below(10));
      op.keep_undo = random().one_in(4);
      return op;
    }
  }
}

// In a transaction of its own: the model holds what a transaction adds against the quota at its
// end.
codec::Operation SimClient::random_quota() {
  codec::SetQuota op;
  op.target = target(std::string(kDirectories[random().below(4)]));
  op.max_bytes = random().one_in(2) ? 0 : random().below(2000);
  op.max_entries = random().one_in(2) ? 0 : random().below(8);
  return op;
}

void SimClient::change(const Then& then) {
  std::vector<codec::Operation> operations;
  if (random().one_in(20)) {
    return commit(
        {random_quota()}, Durability::durable, [then](const auto&) { then(); }, patience());
  }
  size_t count = random().one_in(3) ? 2 + random().below(3) : 1;
  for (size_t i = 0; i < count; ++i) operations.push_back(random_operation());
  commit(std::move(operations), Durability::durable, [then](const auto&) { then(); }, patience());
}

void SimClient::change_early(const Then& then) {
  std::string path = str("/", name(), "/e", random().below(4));
  codec::Operation operation = publish_op(path, random_body());
  if (random().one_in(2)) {
    codec::Append op;
    op.target = target(path);
    op.body.bytes = random_body();
    op.body.size = op.body.bytes.size();
    operation = std::move(op);
  } else if (random().one_in(4)) {
    codec::Remove op;
    op.target = target(path);
    op.kind = codec::RemoveKind::file;
    operation = std::move(op);
  }
  commit({std::move(operation)}, Durability::early, [then](const auto&) { then(); });
}

// Many at once, each resting on the one before: order counts, whatever is sent again.
void SimClient::burst(const Then& then) {
  std::string path = str("/", name(), "/burst-", history_.last_tag());
  auto left = std::make_shared<uint64_t>(2 + random().below(20));
  auto full = std::make_shared<bool>(false);  // the disk, so nothing can be expected
  auto durability = random().one_in(2) ? Durability::early : Durability::durable;
  uint64_t size = 0;
  for (uint64_t i = 0, count = *left; i < count; ++i) {
    std::string body = random_body();
    codec::Operation operation = publish_op(path, body);
    if (i == 0) {
      std::get<codec::Publish>(operation).exists = codec::Exists::create;
    } else {
      codec::Append op;
      op.target = target(path);
      op.body.size = body.size();
      op.body.bytes = body;
      op.at_size = size;
      operation = std::move(op);
    }
    size += body.size();
    uint64_t tag = history_.last_tag() + 1;
    commit({std::move(operation)}, durability,
           [this, tag, left, full, then](const Result<codec::CommitReply>& result) {
             *full |= !result && result.error().code() == Code::resource_exhausted;
             bool refused = !result && !*full && result.error().outcome() == Outcome::not_done &&
                            !is_transient(result.error()) &&
                            result.error().code() != Code::cancelled;
             if (refused) {
               history_.complain(str("request ", tag, " of a burst: ", result.error().message()));
             }
             if (--*left == 0) then();
           });
  }
}

// ---- bodies in the object store

void SimClient::upload(const Then& then) {
  commit({codec::OpenUpload{1}}, Durability::durable,
         [this, then](const Result<codec::CommitReply>& opened) {
           if (!opened) return then();
           auto bytes = std::make_shared<std::string>(random_body());
           bytes->resize(codec::kInlineMax + 1 + random().below(3000), 'b');
           const codec::OperationResult& result = opened->results.back();
           history_.add_body(result.first_blob, bytes);
           put_block(result.upload, result.first_blob, bytes, then);
         });
}

void SimClient::put_block(uint64_t upload, uint64_t blob,
                          const std::shared_ptr<const std::string>& bytes, const Then& then) {
  if (random().one_in(10)) return then();  // it forgets about it
  BlockPlace place{.blob = blob,
                   .bytes = bytes->size(),
                   .crc = crc32c(*bytes),
                   .upload = upload,
                   .through_server = true};
  life_->blocks->put(place, bytes, {.time = 20s},
                     guarded([this, upload, blob, bytes, then](const Result<>& put) {
                       if (!put || random().one_in(10)) return then();
                       publish_upload(upload, blob, bytes, then);
                     }));
}

void SimClient::publish_upload(uint64_t upload, uint64_t blob,
                               const std::shared_ptr<const std::string>& bytes, const Then& then) {
  codec::NewBody body{.size = bytes->size(), .upload = upload, .first_blob = blob};
  body.block_crcs = {crc32c(*bytes)};
  std::vector<codec::Operation> operations;
  std::string path = random_path();
  if (random().one_in(3)) {
    codec::Append op;
    op.target = target(path);
    op.body = std::move(body);
    operations.emplace_back(std::move(op));
  } else {
    codec::Publish op = publish_op(path, "");
    op.body = std::move(body);
    operations.emplace_back(std::move(op));
  }
  if (!random().one_in(4)) operations.emplace_back(codec::CloseUpload{upload});
  commit(std::move(operations), Durability::durable, [then](const auto&) { then(); });
}

// ---- snapshots and reading

void SimClient::snapshot(const Then& then) {
  if (snapshots_.size() > 3) {
    std::string gone = snapshots_.front();
    snapshots_.erase(snapshots_.begin());
    return commit({codec::SnapshotRemove{gone}}, Durability::durable,
                  [then](const auto&) { then(); });
  }
  codec::SnapshotCreate op;
  op.name = str(name(), "-", history_.last_tag() + 1);
  op.target.path = random().one_in(2) ? "/" : std::string(kDirectories[random().below(2)]);
  commit({op}, Durability::durable, [this, op, then](const Result<codec::CommitReply>& made) {
    if (made && op.target.path == "/") snapshots_.push_back(op.name);
    then();
  });
}

void SimClient::read(const Then& then) {
  std::string at;
  if (!snapshots_.empty() && random().one_in(3)) {
    at = snapshots_[random().below(snapshots_.size())];
  }
  std::string directory(kDirectories[random().below(std::size(kDirectories))]);
  switch (random().below(4)) {
    case 0:
      return look(Look::list, random().one_in(3) ? "" : directory, at, then);
    case 1:
      return look(Look::stat, directory, at, then);
    case 2:
      return look(Look::stat, random_path(), at, then);
    default:
      return look(Look::content, random_path(), at, then);
  }
}

codec::ReadAt SimClient::read_at(const std::string& at) const {
  codec::ReadAt out;
  out.at = at;
  out.min_version = std::max(seen_, life_->session->early_version());
  return out;
}

// What a read of the present, begun now, must show; once is enough.
SimHistory::Told SimClient::own(const std::string& at) {
  return at.empty() ? std::exchange(told_, {}) : SimHistory::Told();
}

void SimClient::look(Look what, const std::string& path, const std::string& at, const Then& done) {
  if (what == Look::content) return look_content(path, at, done);
  codec::Target asked = target(path.empty() ? "/" : path);
  if (what == Look::stat) {
    life_->caller->ask<codec::StatReply>(
        codec::Method::stat, codec::StatRequest{{asked}, read_at(at)}, in(1min),
        guarded([this, path, done, own = own(at)](const Result<codec::StatReply>& reply) {
          if (reply) {
            const codec::StatResult& result = reply->results.at(0);
            bool missing = result.failure.code != Code::ok;
            history_.saw(Look::stat, path, reply->version,
                         missing ? "missing" : stat_text(result.entry), own);
          }
          done();
        }));
    return;
  }
  life_->caller->ask<codec::ListReply>(
      codec::Method::list, codec::ListRequest{asked, read_at(at)}, in(1min),
      guarded([this, path, done, own = own(at)](const Result<codec::ListReply>& reply) {
        if (reply) history_.saw(Look::list, path, reply->version, list_text(reply->entries), own);
        done();
      }));
}

void SimClient::look_content(const std::string& path, const std::string& at, const Then& done) {
  auto reading = std::make_shared<Reading>();
  reading->path = path;
  reading->own = own(at);
  life_->caller->ask<codec::OpenReply>(
      codec::Method::open, codec::OpenRequest{target(path), read_at(at)}, in(1min),
      guarded([this, reading, done](Result<codec::OpenReply> reply) {
        if (!reply) return done();
        reading->opened = *std::move(reply);
        fetch(reading, done);
      }));
}

// The plan's extents in turn.
void SimClient::fetch(std::shared_ptr<Reading> reading, Then done) {
  const auto& extents = reading->opened.plan.extents;
  if (reading->extent == extents.size()) {
    history_.saw(Look::content, reading->path, reading->opened.version, reading->so_far,
                 reading->own);
    return done();
  }
  const codec::PlanExtent& part = extents[reading->extent];
  if (part.blob == 0 || !part.bytes.empty()) {
    reading->so_far += part.blob == 0 ? std::string(part.length, '\0') : part.bytes;
    ++reading->extent;
    return fetch(std::move(reading), std::move(done));
  }
  BlockPlace place{.blob = part.blob,
                   .bytes = part.blob_bytes,
                   .crc = part.block_crcs.at(0),
                   .through_server = true};
  auto began = world_.scheduler().clock().now();
  life_->blocks->get(
      place, {.time = 20s}, guarded([this, began, reading, done](const Result<std::string>& block) {
        const codec::PlanExtent& got = reading->opened.plan.extents[reading->extent];
        if (block) {
          reading->so_far += block->substr(got.blob_offset, got.length);
          ++reading->extent;
          return fetch(reading, done);
        }
        const Error& error = block.error();
        bool old = world_.scheduler().clock().now() - began > 15s;  // the plan's time
        bool lied = error.code() == Code::data_loss && world_.store().injected > 0;
        bool busy = is_transient(error) || error.code() == Code::cancelled;
        if (!old && !lied && !busy) {
          history_.complain(str("reading ", reading->path, ": ", error.message()));
        }
        done();
      }));
}

}  // namespace nokv::client
