#include "shard/space_meter.h"

#include <algorithm>
#include <utility>

#include "codec/key.h"

namespace nokv::shard {

using codec::Table;

namespace {
constexpr size_t kRecordsAtOnce = 1000;
constexpr Duration kStoreTimeout = std::chrono::seconds(30);
}  // namespace

struct SpaceMeter::Scan {
  const Clock& clock;
  std::shared_ptr<Desk> desk;
  std::shared_ptr<Guarded<Shared>> shared;
  meta::SpaceScan scan;
  Clock::Instant deadline;
  Measured done;

  void finish(Result<Figures> figures) {
    shared->with([&](Shared& it) {
      --it.running;
      if (figures) it.last = *figures;
    });
    std::exchange(done, nullptr)(std::move(figures));
  }
  ~Scan() {
    if (done) finish(fail(Code::unavailable, "the server is stopping"));
  }
};

SpaceMeter::SpaceMeter(const Env& env, Shard& shard, object::ObjectStore& store,
                       std::shared_ptr<Desk> desk)
    : env_(env),
      shard_(shard),
      store_(store),
      desk_(std::move(desk)),
      shared_(std::make_shared<Guarded<Shared>>()) {}

SpaceMeter::Figures SpaceMeter::last() const {
  return shared_->with([](Shared& it) { return it.last; });
}

void SpaceMeter::measure(Clock::Instant deadline, Measured done) {
  auto state = shard_.state();
  if (!state->initialised()) {
    done(std::unexpected(Error(Code::failed_precondition, "there is no namespace here yet")
                             .with_hint("create it with: nokv init")));
    return;
  }
  bool free = shared_->with([](Shared& it) {
    if (it.running >= kScansMax) return false;
    ++it.running;
    return true;
  });
  if (!free) {
    done(fail(Code::overloaded, kScansMax, " measurements are under way; that is the limit"));
    return;
  }
  std::shared_ptr<Scan> scan(
      new Scan{env_.clock, desk_, shared_, meta::SpaceScan(state), deadline, std::move(done)});
  desk_->post([scan = std::move(scan)] { go_on(scan); });
}

void SpaceMeter::go_on(const std::shared_ptr<Scan>& scan) {
  if (scan->clock.now() > scan->deadline) {
    scan->finish(fail(Code::cancelled, "the deadline passed while space was measured"));
    return;
  }
  auto more = scan->scan.step(kRecordsAtOnce);
  if (!more) {
    scan->finish(std::unexpected(std::move(more).error()));
  } else if (*more) {
    scan->desk->post([scan] { go_on(scan); });
  } else {
    scan->finish(std::make_shared<const meta::SpaceFigures>(scan->scan.figures()));
  }
}

// ---- as rows

namespace {

// A row for each clone whose base alone keeps something, by the path of the clone; one for all that
// are removed and still in use by a snapshot or another clone.
Result<> clone_rows(const meta::State& state, const meta::SpaceFigures& figures,
                    const meta::Tree& tree, const auto& row) {
  meta::SpaceSum removed;
  for (uint8_t past : {uint8_t{0}, codec::kPast}) {
    if (figures.clones.empty()) break;
    std::string table = codec::table_key(Table::clone);
    table[0] = static_cast<char>(static_cast<uint8_t>(table[0]) | past);
    auto rows = state.snapshot->iterate(table, codec::prefix_end(table));
    for (rows->seek(table); rows->valid(); rows->next()) {
      std::string_view value = rows->value();
      uint64_t birth = 0;
      codec::CloneRecord record;
      if (!codec::take_birth(value, birth) || !codec::decode(value, record)) {
        return meta::damaged(rows->key());
      }
      auto sum = figures.clones.find(record.pin);
      if (sum == figures.clones.end()) continue;
      NOKV_ASSIGN(auto path, past == 0 ? tree.path_of(record.root)
                                       : Result<std::optional<std::string>>(std::nullopt));
      if (path) {
        row("clone", *path, sum->second);
      } else {
        removed.bytes += sum->second.bytes;
        removed.files += sum->second.files;
      }
    }
    NOKV_TRY(rows->status());
  }
  if (removed.bytes != 0) row("clone", "removed", removed);
  if (figures.shared_clones.bytes != 0) row("clone", "", figures.shared_clones);
  return {};
}

Result<codec::SpaceReply> reply_of(const meta::State& state, const meta::SpaceFigures& figures) {
  codec::SpaceReply reply;
  auto row = [&](std::string_view reason, std::string name, const meta::SpaceSum& sum) {
    reply.rows.push_back({std::string(reason), std::move(name), sum.bytes, sum.files});
  };
  // Files as people count them: names, empty ones too.
  meta::View view = state.view();
  meta::Tree tree(view, meta::kNow);
  NOKV_ASSIGN(auto root, tree.root());
  NOKV_ASSIGN(auto node, tree.node(root));
  meta::SpaceSum live = figures.live;
  if (node && node->directory) live.files = node->directory->totals.files;
  row("live", "", live);
  std::string table = codec::table_key(Table::snapshot);
  auto rows = state.snapshot->iterate(table, codec::prefix_end(table));
  for (rows->seek(table); rows->valid(); rows->next()) {
    codec::SnapshotRecord record;
    if (!codec::decode(rows->value(), record)) return meta::damaged(rows->key());
    auto sum = figures.snapshots.find(record.pin);
    row("snapshot", std::string(rows->key().substr(1)),
        sum == figures.snapshots.end() ? meta::SpaceSum() : sum->second);
  }
  NOKV_TRY(rows->status());
  if (figures.shared.bytes != 0) row("snapshot", "", figures.shared);
  row("moments", "", figures.moments);
  row("undo", "", figures.undo);
  NOKV_TRY(clone_rows(state, figures, tree, row));
  row("dead", "", figures.dead);
  row("imported", "", figures.imported);
  return reply;
}

// The blobs of uploads that nobody published yet.
Result<std::vector<uint64_t>> unpublished(const meta::State& state, size_t limit) {
  std::vector<uint64_t> out;
  std::string table = codec::table_key(Table::upload);
  auto rows = state.snapshot->iterate(table, codec::prefix_end(table));
  for (rows->seek(table); rows->valid() && out.size() < limit; rows->next()) {
    codec::UploadRecord upload;
    if (!codec::decode(rows->value(), upload)) return meta::damaged(rows->key());
    for (uint32_t i = 0; i < upload.count && out.size() < limit; ++i) {
      uint64_t blob = upload.first_blob + i;
      NOKV_ASSIGN(auto published, state.view().get_present(codec::number_key(Table::blob, blob)));
      if (!published) out.push_back(blob);
    }
  }
  NOKV_TRY(rows->status());
  return out;
}

}  // namespace

struct SpaceMeter::Uploads {
  const Clock& clock;
  object::ObjectStore& store;
  std::shared_ptr<Desk> desk;
  Clock::Instant deadline;
  codec::SpaceReply reply;
  std::move_only_function<void(Result<codec::SpaceReply>)> done;
  std::vector<uint64_t> blobs;
  size_t next = 0;
  meta::SpaceSum sum;

  ~Uploads() {
    if (done) done(fail(Code::unavailable, "the server is stopping"));
  }
};

void SpaceMeter::rows(Clock::Instant deadline,
                      std::move_only_function<void(Result<codec::SpaceReply>)> done) {
  auto uploads = std::shared_ptr<Uploads>(
      new Uploads{env_.clock, store_, desk_, deadline, {}, std::move(done), {}, 0, {}});
  measure(deadline, [this, uploads](Result<Figures> figures) {
    auto state = shard_.state();
    auto reply = figures ? reply_of(*state, **figures)
                         : Result<codec::SpaceReply>(std::unexpected(figures.error()));
    auto blobs = unpublished(*state, kUploadsMax);
    if (!reply || !blobs) {
      std::exchange(uploads->done, nullptr)(
          std::unexpected(reply ? std::move(blobs).error() : std::move(reply).error()));
      return;
    }
    uploads->reply = *std::move(reply);
    uploads->blobs = *std::move(blobs);
    list_next(uploads);
  });
}

// What a blob has so far is asked of the store: clients put it there by themselves.
void SpaceMeter::list_next(const std::shared_ptr<Uploads>& uploads) {
  if (uploads->next == uploads->blobs.size()) {
    uploads->reply.rows.push_back({"uploading", "", uploads->sum.bytes, uploads->sum.files});
    std::exchange(uploads->done, nullptr)(std::move(uploads->reply));
    return;
  }
  std::string prefix = codec::blob_object_name(uploads->blobs[uploads->next++], 0);
  prefix.pop_back();
  auto deadline = std::min(uploads->deadline, uploads->clock.now() + kStoreTimeout);
  uploads->store.list(prefix, "", object::kListMax, deadline,
                      [uploads](Result<object::ListPage> page) {
                        uploads->desk->post([uploads, page = std::move(page)] {
                          if (!page) {
                            std::exchange(uploads->done, nullptr)(std::unexpected(page.error()));
                            return;
                          }
                          for (const auto& object : page->objects) {
                            uploads->sum.bytes += object.size;
                          }
                          if (!page->objects.empty()) ++uploads->sum.files;
                          list_next(uploads);
                        });
                      });
}

}  // namespace nokv::shard
