#include "engine/rocks_engine.h"

#include <atomic>
#include <mutex>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include "base/check.h"
#include "base/guarded.h"
#include "engine/rocks_checkpoint.h"
#include "engine/rocks_options.h"
#include "engine/rocks_status.h"

namespace nokv::engine {
namespace {

rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }

// Remembers the first error for good.
class Failure final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    (void)set(rocks_error(*status, "background work of the engine"));
  }

  Error set(const Error& error) {
    first_.with([&](std::optional<Error>& first) {
      if (!first) first = error;
    });
    failed_ = true;
    return error;
  }

  Result<> result() {
    if (!failed_) return {};
    return std::unexpected(first_.with([](std::optional<Error>& first) { return first.value(); }));
  }

 private:
  std::atomic<bool> failed_ = false;
  Guarded<std::optional<Error>> first_;
};

}  // namespace

// The database and what goes with it; closed when engine and snapshots are gone.
class RocksEngine::Core {
 public:
  std::string dir;
  std::shared_ptr<rocksdb::Cache> cache;
  std::shared_ptr<Failure> failure = std::make_shared<Failure>();
  std::unique_ptr<rocksdb::DB> db;

  // Remembers an error: nothing more is written after it.
  Result<> written(const rocksdb::Status& status, std::string_view doing) {
    if (status.ok()) return {};
    return std::unexpected(failure->set(rocks_error(status, str(doing, " ", dir))));
  }
};

class RocksEngine::RocksBatch final : public Batch {
 public:
  // Into memory it always succeeds; the size is the caller's limit.
  void put(std::string_view key, std::string_view value) override {
    check(changes.Put(slice(key), slice(value)).ok(), "a batch takes a put");
  }
  void remove(std::string_view key) override {
    check(changes.Delete(slice(key)).ok(), "a batch takes a removal");
  }
  void clear() override { changes.Clear(); }  // keeps its memory

  rocksdb::WriteBatch changes;
};

class RocksEngine::RocksIterator final : public Iterator {
 public:
  RocksIterator(rocksdb::DB& db, rocksdb::ReadOptions options, std::string_view begin,
                std::string_view end)
      : begin_(begin), end_(end), end_slice_(end_) {
    if (!end_.empty()) options.iterate_upper_bound = &end_slice_;
    entries_.reset(db.NewIterator(options));
  }

  void seek(std::string_view key) override {
    entries_->Seek(key < begin_ ? slice(begin_) : slice(key));
  }
  void next() override { entries_->Next(); }
  bool valid() const override { return entries_->Valid(); }
  std::string_view key() const override { return view(entries_->key()); }
  std::string_view value() const override { return view(entries_->value()); }
  Result<> status() const override { return rocks_result(entries_->status(), "scan"); }

 private:
  std::string begin_;
  std::string end_;
  rocksdb::Slice end_slice_;  // points into end_; the library keeps its address
  std::unique_ptr<rocksdb::Iterator> entries_;
};

class RocksEngine::RocksSnapshot final : public Snapshot {
 public:
  explicit RocksSnapshot(std::shared_ptr<Core> core) : core_(std::move(core)) {
    options_.snapshot = core_->db->GetSnapshot();
  }
  ~RocksSnapshot() override { core_->db->ReleaseSnapshot(options_.snapshot); }
  RocksSnapshot(const RocksSnapshot&) = delete;
  RocksSnapshot& operator=(const RocksSnapshot&) = delete;

  Result<bool> get(std::string_view key, std::string& value) const override {
    rocksdb::DB& db = *core_->db;
    rocksdb::Status status = db.Get(options_, db.DefaultColumnFamily(), slice(key), &value);
    if (status.ok()) return true;
    if (status.IsNotFound()) return false;
    return std::unexpected(rocks_error(status, "get"));
  }

  Result<> multi_get(std::span<const std::string_view> keys,
                     std::vector<std::optional<std::string>>& values) const override {
    std::vector<rocksdb::Slice> slices(keys.size());
    for (size_t i = 0; i < keys.size(); ++i) slices[i] = slice(keys[i]);
    std::vector<rocksdb::PinnableSlice> found(keys.size());
    std::vector<rocksdb::Status> statuses(keys.size());
    rocksdb::DB& db = *core_->db;
    db.MultiGet(options_, db.DefaultColumnFamily(), keys.size(), slices.data(), found.data(),
                statuses.data());
    values.assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      if (statuses[i].IsNotFound()) continue;
      NOKV_TRY(rocks_result(statuses[i], "get"));
      values[i].emplace(found[i].data(), found[i].size());
    }
    return {};
  }

  std::unique_ptr<Iterator> iterate(std::string_view begin, std::string_view end) const override {
    return std::make_unique<RocksIterator>(*core_->db, options_, begin, end);
  }

 private:
  std::shared_ptr<Core> core_;
  rocksdb::ReadOptions options_;  // checksums are verified by default
};

RocksEngine::RocksEngine(std::shared_ptr<Core> core) : core_(std::move(core)) {}
RocksEngine::~RocksEngine() = default;

Result<std::unique_ptr<Engine>> RocksEngine::open(const std::string& dir,
                                                  const RocksOptions& options) {
  NOKV_ASSIGN(bool there, engine_files_complete(dir));
  if (!there && !options.create) return fail(Code::not_found, "engine ", dir, ": no files there");
  auto core = std::make_shared<Core>();
  core->dir = dir;
  // Few shards, for what is larger than one of them is never kept: the filter of a file of some
  // million keys has several MiB, and was read and verified again for each key asked for.
  constexpr int kShardBits = 2;
  core->cache = rocksdb::NewLRUCache(options.block_cache_bytes, kShardBits);
  rocksdb::Options settings = rocks_options(options, core->cache);
  settings.listeners.push_back(core->failure);
  rocksdb::DB* db = nullptr;
  NOKV_TRY(rocks_result(rocksdb::DB::Open(settings, dir, &db), str("open engine ", dir)));
  core->db.reset(db);
  NOKV_TRY(sync_parent(dir));
  return std::unique_ptr<Engine>(new RocksEngine(std::move(core)));
}

std::unique_ptr<Batch> RocksEngine::batch() { return std::make_unique<RocksBatch>(); }

Result<> RocksEngine::write(Batch& batch) {
  auto* own = dynamic_cast<RocksBatch*>(&batch);
  check(own != nullptr, "a batch is written to the kind of engine that made it");
  NOKV_TRY(core_->failure->result());
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  Result<> written = core_->written(core_->db->Write(options, &own->changes), "write to engine");
  std::shared_ptr<const Snapshot> old;  // released outside the lock
  std::lock_guard lock(newest_mutex_);
  old.swap(newest_);
  return written;
}

std::shared_ptr<const Snapshot> RocksEngine::snapshot() const {
  std::lock_guard lock(newest_mutex_);
  if (!newest_) newest_ = std::make_shared<RocksSnapshot>(core_);
  return newest_;
}

Result<> RocksEngine::flush() {
  NOKV_TRY(core_->failure->result());
  return core_->written(core_->db->Flush(rocksdb::FlushOptions()), "flush engine");
}

Result<std::optional<std::string>> RocksEngine::durable_get(std::string_view key) const {
  rocksdb::ReadOptions options;
  options.read_tier = rocksdb::kPersistedTier;
  options.fill_cache = false;
  std::string value;
  rocksdb::Status status = core_->db->Get(options, slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  if (!status.ok()) return std::unexpected(rocks_error(status, str("read back ", core_->dir)));
  return value;
}

Result<> RocksEngine::checkpoint(const std::string& dir) {
  NOKV_TRY(core_->failure->result());
  return write_checkpoint(*core_->db, dir);
}

Result<> RocksEngine::compact(std::string_view begin, std::string_view end) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  rocksdb::Slice first = slice(begin);
  rocksdb::Slice last = slice(end);
  return rocks_result(core_->db->CompactRange(options, &first, end.empty() ? nullptr : &last),
                      str("compact engine ", core_->dir));
}

Stats RocksEngine::stats() const {
  auto number = [&](const std::string& property) {
    uint64_t value = 0;
    return core_->db->GetIntProperty(property, &value) ? value : 0;
  };
  using Properties = rocksdb::DB::Properties;
  return {.live_bytes = number(Properties::kLiveSstFilesSize),
          .memory_bytes = number(Properties::kCurSizeAllMemTables) +
                          number(Properties::kEstimateTableReadersMem) + core_->cache->GetUsage(),
          .keys_estimate = number(Properties::kEstimateNumKeys)};
}

Result<std::unique_ptr<Engine>> RocksKind::open(const std::string& dir) {
  return RocksEngine::open(dir, options_);
}

Result<> RocksKind::restore(const std::string& checkpoint, const std::string& dir) {
  return restore_checkpoint(checkpoint, dir);
}

}  // namespace nokv::engine
