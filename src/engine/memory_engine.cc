#include "engine/memory_engine.h"

#include <deque>
#include <map>
#include <set>
#include <shared_mutex>

#include "base/check.h"
#include "engine/memory_image.h"

namespace nokv::engine {
namespace {

constexpr uint64_t kImageBytesMax = uint64_t{1} << 32;

// One value of a key, from batch `seq` on; nothing when it was removed.
struct Revision {
  uint64_t seq;
  std::optional<std::string> value;
};

// Oldest first; never empty.
using Revisions = std::vector<Revision>;
using Keys = std::map<std::string, Revisions, std::less<>>;

// The newest revision at `seq`, or nullptr when the key did not exist then.
const std::string* value_at(const Revisions& revisions, uint64_t seq) {
  for (size_t i = revisions.size(); i-- > 0;) {
    const auto& [since, value] = revisions[i];
    if (since <= seq) return value ? &*value : nullptr;
  }
  return nullptr;
}

}  // namespace

class MemoryEngine::MemoryBatch final : public Batch {
 public:
  void put(std::string_view key, std::string_view value) override {
    changes_.emplace_back(std::string(key), std::string(value));
  }
  void remove(std::string_view key) override {
    changes_.emplace_back(std::string(key), std::nullopt);
  }
  void clear() override { changes_.clear(); }

  using Change = std::pair<std::string, std::optional<std::string>>;
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

// The map and who looks at it. Every revision that a living snapshot sees stays; the others go
// when the snapshots before them are gone. Batch number n makes revisions with seq n.
class MemoryEngine::State {
 public:
  void write(const std::vector<MemoryBatch::Change>& changes) {
    std::unique_lock lock(mutex_);
    uint64_t seq = seq_ + 1;
    for (const auto& [key, value] : changes) apply(key, value, seq);
    trim(publish(seq));
  }

  // The number of the last batch; its revisions stay until release().
  uint64_t acquire() {
    std::lock_guard lock(snapshots_mutex_);
    snapshots_.insert(seq_);
    return seq_;
  }

  void release(uint64_t seq) {
    std::lock_guard lock(snapshots_mutex_);
    snapshots_.erase(snapshots_.find(seq));
  }

  // Drops what no snapshot sees. A writer does it by itself.
  void collect() {
    std::unique_lock lock(mutex_);
    trim(publish(seq_));
  }

  template <class Fn>
  auto read(Fn&& fn) const {
    std::shared_lock lock(mutex_);
    return fn(keys_);
  }

 private:
  void apply(const std::string& key, const std::optional<std::string>& value, uint64_t seq) {
    auto found = keys_.lower_bound(key);
    if (found == keys_.end() || found->first != key) {
      if (value) keys_.emplace_hint(found, key, Revisions{{seq, value}});
      return;
    }
    Revisions& revisions = found->second;
    if (revisions.back().seq != seq) {
      revisions.push_back({seq, value});
      superseded_.emplace_back(seq, found);
    } else if (value || revisions.size() > 1) {
      revisions.back().value = value;
    } else {
      keys_.erase(found);  // made by this same batch, so nothing points at it
    }
  }

  // Makes `seq` visible; returns the oldest batch that somebody may still look at.
  uint64_t publish(uint64_t seq) {
    std::lock_guard lock(snapshots_mutex_);
    seq_ = seq;
    return snapshots_.empty() ? seq : *snapshots_.begin();
  }

  // A key with a removal or more than one revision has an entry in the queue for its newest one,
  // so its node stays until that entry is taken.
  void trim(uint64_t oldest) {
    while (!superseded_.empty() && superseded_.front().first <= oldest) {
      auto [seq, entry] = superseded_.front();
      superseded_.pop_front();
      Revisions& revisions = entry->second;
      size_t keep = 0;
      while (keep + 1 < revisions.size() && revisions[keep + 1].seq <= oldest) ++keep;
      revisions.erase(revisions.begin(), revisions.begin() + static_cast<ptrdiff_t>(keep));
      if (revisions.size() == 1 && !revisions[0].value && revisions[0].seq == seq) {
        keys_.erase(entry);
      }
    }
  }

  mutable std::shared_mutex mutex_;
  Keys keys_;
  std::deque<std::pair<uint64_t, Keys::iterator>> superseded_;  // in order of seq

  std::mutex snapshots_mutex_;  // taken inside mutex_, never around it
  std::multiset<uint64_t> snapshots_;
  uint64_t seq_ = 0;
};

// The node that it stands on is seen by its snapshot, so no writer removes it.
class MemoryEngine::MemoryIterator final : public Iterator {
 public:
  MemoryIterator(std::shared_ptr<State> state, uint64_t seq, std::string_view begin,
                 std::string_view end)
      : state_(std::move(state)), seq_(seq), begin_(begin), end_(end) {}

  void seek(std::string_view key) override {
    state_->read([&](const Keys& keys) {
      settle(keys, keys.lower_bound(key < begin_ ? std::string_view(begin_) : key));
    });
  }

  void next() override {
    check(valid_, "next() stands on an entry");
    state_->read([&](const Keys& keys) { settle(keys, std::next(at_)); });
  }

  bool valid() const override { return valid_; }
  std::string_view key() const override { return at_->first; }
  std::string_view value() const override { return value_; }
  Result<> status() const override { return {}; }

 private:
  void settle(const Keys& keys, Keys::const_iterator at) {
    valid_ = false;
    for (; at != keys.end() && (end_.empty() || at->first < end_); ++at) {
      if (const std::string* value = value_at(at->second, seq_)) {
        value_ = *value;
        at_ = at;
        valid_ = true;
        return;
      }
    }
  }

  std::shared_ptr<State> state_;
  uint64_t seq_;
  std::string begin_;
  std::string end_;
  Keys::const_iterator at_;
  std::string value_;
  bool valid_ = false;
};

class MemoryEngine::MemorySnapshot final : public Snapshot {
 public:
  explicit MemorySnapshot(std::shared_ptr<State> state)
      : state_(std::move(state)), seq_(state_->acquire()) {}
  ~MemorySnapshot() override { state_->release(seq_); }
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;

  Result<bool> get(std::string_view key, std::string& value) const override {
    return state_->read([&](const Keys& keys) {
      auto found = keys.find(key);
      const std::string* at = found == keys.end() ? nullptr : value_at(found->second, seq_);
      if (at != nullptr) value = *at;
      return at != nullptr;
    });
  }

  Result<> multi_get(std::span<const std::string_view> keys,
                     std::vector<std::optional<std::string>>& values) const override {
    values.assign(keys.size(), std::nullopt);
    for (size_t i = 0; i < keys.size(); ++i) {
      std::string value;
      NOKV_ASSIGN(bool there, get(keys[i], value));
      if (there) values[i] = std::move(value);
    }
    return {};
  }

  std::unique_ptr<Iterator> iterate(std::string_view begin, std::string_view end) const override {
    return std::make_unique<MemoryIterator>(state_, seq_, begin, end);
  }

 private:
  std::shared_ptr<State> state_;
  uint64_t seq_;
};

MemoryEngine::MemoryEngine() : state_(std::make_shared<State>()) {}
MemoryEngine::~MemoryEngine() = default;

Result<std::unique_ptr<MemoryEngine>> MemoryEngine::open(Files& files, const std::string& dir) {
  auto engine = std::make_unique<MemoryEngine>();
  engine->files_ = &files;
  engine->dir_ = dir;
  NOKV_ASSIGN(std::string image, engine->durable_image());
  if (image.empty()) return engine;
  auto reader = ImageReader::open(image);
  if (!reader) {
    return std::unexpected(std::move(reader).error().within(str(dir, "/", kFileName)));
  }
  MemoryBatch all;
  while (reader->next()) all.put(reader->key(), reader->value());
  engine->state_->write(all.changes());
  return engine;
}

std::unique_ptr<Batch> MemoryEngine::batch() { return std::make_unique<MemoryBatch>(); }

Result<> MemoryEngine::write(Batch& batch) {
  auto* own = dynamic_cast<MemoryBatch*>(&batch);
  check(own != nullptr, "a batch is written to the kind of engine that made it");
  state_->write(own->changes());
  return {};
}

std::shared_ptr<const Snapshot> MemoryEngine::snapshot() const {
  return std::make_shared<MemorySnapshot>(state_);
}

namespace {

std::string image_of(const Snapshot& snapshot) {
  ImageWriter writer;
  auto entries = snapshot.iterate({}, {});
  for (entries->seek({}); entries->valid(); entries->next()) {
    writer.add(entries->key(), entries->value());
  }
  return writer.finish();
}

Result<> store_image(Files& files, const std::string& dir, const std::string& image) {
  NOKV_TRY(make_durable_dirs(files, dir));
  return write_file_atomic(files, str(dir, "/", MemoryEngine::kFileName), image);
}

}  // namespace

Result<> MemoryEngine::flush() {
  std::lock_guard lock(flush_mutex_);
  std::string image = image_of(*snapshot());
  if (files_ != nullptr) return store_image(*files_, dir_, image);
  image_ = std::move(image);
  return {};
}

Result<std::string> MemoryEngine::durable_image() const {
  std::lock_guard lock(flush_mutex_);
  if (files_ == nullptr) return image_;
  std::string path = str(dir_, "/", kFileName);
  NOKV_ASSIGN(bool there, files_->exists(path));
  if (!there) return std::string();
  return read_file(*files_, path, kImageBytesMax);
}

Result<std::optional<std::string>> MemoryEngine::durable_get(std::string_view key) const {
  NOKV_ASSIGN(std::string image, durable_image());
  if (image.empty()) return std::nullopt;
  NOKV_ASSIGN(ImageReader reader, ImageReader::open(image));
  while (reader.next()) {
    if (reader.key() == key) return std::string(reader.value());
  }
  return std::nullopt;
}

Result<> MemoryEngine::checkpoint(const std::string& dir) {
  if (files_ == nullptr) {
    return fail(Code::failed_precondition, "checkpoint ", dir, ": the engine has no disk");
  }
  NOKV_ASSIGN(bool there, files_->exists(dir));
  if (there) return fail(Code::already_exists, "checkpoint ", dir, ": the directory exists");
  std::string image = image_of(*snapshot());
  // Under another name until it is whole: a directory of this name is a checkpoint.
  std::string making = dir + ".making";
  NOKV_TRY(remove_tree(*files_, making));
  NOKV_TRY(store_image(*files_, making, image));
  std::string path = str(making, "/", kFileName);
  NOKV_ASSIGN(std::string stored, read_file(*files_, path, kImageBytesMax));
  if (stored != image) return fail(Code::data_loss, path, ": reads back differently");
  NOKV_TRY(files_->rename(making, dir));
  size_t slash = dir.rfind('/');
  return files_->sync_dir(slash == std::string::npos ? "." : dir.substr(0, slash));
}

Result<std::unique_ptr<Engine>> MemoryKind::open(const std::string& dir) {
  return MemoryEngine::open(files_, dir);
}

Result<> MemoryKind::restore(const std::string& checkpoint, const std::string& dir) {
  std::string path = str(checkpoint, "/", MemoryEngine::kFileName);
  NOKV_ASSIGN(std::string image, read_file(files_, path, kImageBytesMax));
  if (auto whole = ImageReader::open(image); !whole) {
    return std::unexpected(std::move(whole).error().within(path));
  }
  return store_image(files_, dir, image);
}

Result<> MemoryEngine::compact(std::string_view, std::string_view) {
  state_->collect();
  return {};
}

Stats MemoryEngine::stats() const {
  return state_->read([](const Keys& keys) {
    Stats stats{.keys_estimate = keys.size()};
    for (const auto& [key, revisions] : keys) {
      stats.memory_bytes += sizeof(Keys::value_type) + key.size();
      for (const Revision& revision : revisions) {
        stats.memory_bytes += sizeof(Revision) + (revision.value ? revision.value->size() : 0);
      }
    }
    return stats;
  });
}

}  // namespace nokv::engine
