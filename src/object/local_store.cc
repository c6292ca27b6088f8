#include "object/local_store.h"

#include <deque>
#include <utility>

#include "base/guarded.h"
#include "codec/crc32c.h"
#include "object/key.h"
#include "object/local_tree.h"

namespace nokv::object {

// Shared by the store and the tasks on the pool.
class LocalStore::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Files& files, Executor& pool, const Clock& clock, Random& random, LocalOptions options)
      : files_(files),
        pool_(pool),
        clock_(clock),
        options_(std::move(options)),
        tree_(files, random, options_.root) {}

  LocalTree& tree() { return tree_; }
  const std::string& root() const { return options_.root; }
  Counters counters() {
    return state_.with([](State& s) { return s.counters; });
  }

  // Runs `work(done)` on the pool when it is its turn; it calls done, at once or later.
  template <class T>
  void start(uint64_t Counters::* counter, std::string what, Clock::Instant deadline, Done<T> done,
             std::move_only_function<void(Done<T>)> work) {
    auto told = [core = shared_from_this(), what = std::move(what),
                 done = std::move(done)](Result<T> result) mutable {
      if (!result) {
        core->state_.with([](State& s) { ++s.counters.failures; });
        result = std::unexpected(
            std::move(result).error().within(str("local directory ", core->root(), ": ", what)));
      }
      done(std::move(result));
    };
    auto run = [this, deadline, told = std::move(told),
                work = std::move(work)](std::optional<Error> refused) mutable {
      if (!refused && clock_.now() >= deadline) refused.emplace(Code::cancelled, kTooLate);
      if (refused) return told(std::unexpected(*std::move(refused)));
      work(std::move(told));
    };
    admit(counter, std::move(run));
  }

  void put(const std::string& key, const std::string& body, const PutOptions& options,
           Clock::Instant deadline, Done<> done);
  Result<std::string> get(const std::string& key, std::optional<Range> range);
  Result<ObjectInfo> head(const std::string& key);
  std::vector<RemoveFailure> remove(const std::vector<std::string>& keys);

  // Calls that wait are refused from now on.
  void close() {
    auto waiting = state_.with([](State& s) { return std::exchange(s.waiting, {}); });
    for (Call& call : waiting) call(Error(Code::cancelled, "the store was closed"));
  }

 private:
  using Call = std::move_only_function<void(std::optional<Error>)>;
  struct State {
    std::deque<Call> waiting;
    int running = 0;
    Counters counters;
  };
  static constexpr const char* kTooLate = "not begun within the deadline";

  void admit(uint64_t Counters::* counter, Call call) {
    enum class Admission : uint8_t {
      waits,
      waits_for_a_new_task,
      refused,
    };
    Admission admission = state_.with([&](State& s) {
      ++(s.counters.*counter);
      if (s.waiting.size() >= options_.queue_max) return Admission::refused;
      s.waiting.push_back(std::move(call));
      if (s.running == options_.parallel_max) return Admission::waits;
      ++s.running;
      return Admission::waits_for_a_new_task;
    });
    if (admission == Admission::refused) {
      call(Error(Code::overloaded, str(options_.queue_max, " calls are waiting")));
    } else if (admission == Admission::waits_for_a_new_task) {
      pool_.post([core = shared_from_this()] { core->work(); });
    }
  }

  // One turn of a task: the call that waits longest. Posts itself again, so that a pool shared with
  // others is not kept.
  void work() {
    auto call = state_.with([](State& s) -> Call {
      if (s.waiting.empty()) return nullptr;
      Call first = std::move(s.waiting.front());
      s.waiting.pop_front();
      return first;
    });
    if (call) call(std::nullopt);
    bool more = state_.with([](State& s) {
      if (s.waiting.empty()) --s.running;
      return !s.waiting.empty();
    });
    if (more) pool_.post([core = shared_from_this()] { core->work(); });
  }

  Result<std::string> place(const std::string& key, const std::string& temporary,
                            const PutOptions& options);
  Result<> name(const std::string& temporary, const std::string& path, bool if_absent) {
    return if_absent ? files_.rename_new(temporary, path) : files_.rename(temporary, path);
  }

  Files& files_;
  Executor& pool_;
  const Clock& clock_;
  const LocalOptions options_;
  LocalTree tree_;
  Guarded<State> state_;
};

void LocalStore::Core::put(const std::string& key, const std::string& body,
                           const PutOptions& options, Clock::Instant deadline, Done<> done) {
  if (options.crc32c && *options.crc32c != crc32c(body)) {
    return done(fail(Code::data_loss, "the body does not match its checksum"));
  }
  if (options.if_absent) {
    // Saves writing the body; the rename decides.
    auto there = files_.exists(tree_.path_of(key));
    if (there && *there) return done(fail(Code::already_exists, "the object exists"));
  }
  auto temporary = tree_.write_temporary(body);
  if (!temporary) return done(std::unexpected(std::move(temporary).error()));
  auto dir = clock_.now() < deadline
                 ? place(key, *temporary, options)
                 : fail(Code::cancelled, "the body took longer to write than the deadline");
  if (!dir) {
    (void)files_.remove(*temporary);
    return done(std::unexpected(std::move(dir).error()));
  }
  tree_.sync_dir(*dir, [done = std::move(done)](Result<> synced) mutable {
    if (!synced) synced = std::unexpected(std::move(synced).error().maybe_done());
    done(std::move(synced));
  });
}

// Gives the temporary file its name; gives the directory, which is not synced yet.
Result<std::string> LocalStore::Core::place(const std::string& key, const std::string& temporary,
                                            const PutOptions& options) {
  NOKV_ASSIGN(auto dir, tree_.make_parent(key));
  std::string path = tree_.path_of(key);
  auto named = name(temporary, path, options.if_absent);
  if (!named && named.error().code() == Code::not_found) {
    tree_.forget_directories();
    NOKV_ASSIGN(dir, tree_.make_parent(key));
    named = name(temporary, path, options.if_absent);
  }
  if (named) return dir;
  Code code = named.error().code();
  if (code == Code::is_directory || code == Code::not_empty || code == Code::not_directory) {
    return fail(Code::invalid_argument, "other objects have this key as a directory");
  }
  if (code == Code::already_exists) return fail(code, "the object exists");
  return std::unexpected(std::move(named).error());
}

Result<std::string> LocalStore::Core::get(const std::string& key, std::optional<Range> range) {
  if (range && range->length == 0) return "";
  NOKV_ASSIGN(auto file, files_.open(tree_.path_of(key), OpenMode::read));
  if (!range) {
    NOKV_ASSIGN(uint64_t size, file->size());
    range = Range{0, size};
  }
  NOKV_ASSIGN(auto bytes, file->read_at(range->offset, range->length));
  if (bytes.size() != range->length) {
    return fail(Code::data_loss, "only ", bytes.size(), " of ", range->length, " bytes at ",
                range->offset);
  }
  return bytes;
}

Result<ObjectInfo> LocalStore::Core::head(const std::string& key) {
  NOKV_ASSIGN(FileInfo info, files_.stat(tree_.path_of(key)));
  if (info.is_directory) return fail(Code::not_found, "a directory, no object");
  return ObjectInfo{key, info.size, "", info.modified_ns};
}

std::vector<RemoveFailure> LocalStore::Core::remove(const std::vector<std::string>& keys) {
  std::vector<RemoveFailure> failures;
  for (const std::string& key : keys) {
    if (auto valid = check_key(key); !valid) {
      failures.push_back({key, std::move(valid).error()});
      continue;
    }
    std::string path = tree_.path_of(key);
    auto info = files_.stat(path);  // remove() would take an empty directory too
    if (info && info->is_directory) continue;
    Result<> removed = info ? files_.remove(path) : std::unexpected(std::move(info).error());
    if (removed) continue;
    Code code = removed.error().code();
    if (code == Code::not_found || code == Code::not_directory) continue;
    failures.push_back({key, std::move(removed).error()});
  }
  return failures;
}

namespace {

Result<> check_local_key(const std::string& key) {
  if (key == ".tmp" || key.starts_with(".tmp/")) {
    return fail(Code::invalid_argument, "object key '", key, "': .tmp is for temporary files");
  }
  return check_key(key);
}

// What a missing or wrongly shaped path means to one who reads an object.
template <class T>
Result<T> as_object(Result<T> result) {
  if (result) return result;
  Code code = result.error().code();
  if (code == Code::not_directory || code == Code::is_directory || code == Code::not_found) {
    return fail(Code::not_found, "no such object");
  }
  return result;
}

}  // namespace

Result<std::unique_ptr<LocalStore>> LocalStore::open(Files& files, Executor& pool,
                                                     const Clock& clock, Random& random,
                                                     LocalOptions options) {
  auto core = std::make_shared<Core>(files, pool, clock, random, std::move(options));
  if (auto opened = core->tree().open(); !opened) {
    return std::unexpected(std::move(opened).error().within("open local object directory"));
  }
  return std::unique_ptr<LocalStore>(new LocalStore(std::move(core)));
}

LocalStore::LocalStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
LocalStore::~LocalStore() { core_->close(); }

void LocalStore::put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
                     Clock::Instant deadline, Done<> done) {
  auto work = [core = core_.get(), key, body = std::move(body), options,
               deadline](Done<> told) mutable {
    if (auto valid = check_local_key(key); !valid) return told(std::move(valid));
    core->put(key, *body, options, deadline, std::move(told));
  };
  core_->start<void>(&Counters::puts, str("put ", key), deadline, std::move(done), std::move(work));
}

void LocalStore::get(std::string key, std::optional<Range> range, Clock::Instant deadline,
                     Done<std::string> done) {
  auto work = [core = core_.get(), key, range](Done<std::string> told) {
    auto valid = check_local_key(key);
    if (!valid) return told(std::unexpected(std::move(valid).error()));
    told(as_object(core->get(key, range)));
  };
  core_->start<std::string>(&Counters::gets, str("get ", key), deadline, std::move(done),
                            std::move(work));
}

void LocalStore::head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) {
  auto work = [core = core_.get(), key](Done<ObjectInfo> told) {
    auto valid = check_local_key(key);
    if (!valid) return told(std::unexpected(std::move(valid).error()));
    told(as_object(core->head(key)));
  };
  core_->start<ObjectInfo>(&Counters::heads, str("head ", key), deadline, std::move(done),
                           std::move(work));
}

void LocalStore::remove(std::vector<std::string> keys, Clock::Instant deadline,
                        Done<std::vector<RemoveFailure>> done) {
  std::string what = str("remove of ", keys.size(), " objects");
  auto work = [core = core_.get(), keys = std::move(keys)](Done<std::vector<RemoveFailure>> told) {
    told(core->remove(keys));
  };
  core_->start<std::vector<RemoveFailure>>(&Counters::removes, std::move(what), deadline,
                                           std::move(done), std::move(work));
}

void LocalStore::list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
                      Done<ListPage> done) {
  std::string what = str("list ", prefix);
  auto work = [core = core_.get(), prefix = std::move(prefix), after = std::move(after),
               limit](Done<ListPage> told) {
    // A prefix may end within a name, but must not lead out of the root.
    if (auto valid = check_local_key(prefix + "x"); !valid) {
      return told(std::unexpected(std::move(valid).error()));
    }
    ListPage page;
    auto listed = core->tree().list(prefix, after, limit, page);
    if (!listed) return told(std::unexpected(std::move(listed).error()));
    told(std::move(page));
  };
  core_->start<ListPage>(&Counters::lists, std::move(what), deadline, std::move(done),
                         std::move(work));
}

std::string LocalStore::shared_directory() const { return core_->root(); }
std::string LocalStore::description() const { return "local directory " + core_->root(); }
ObjectStore::Counters LocalStore::counters() const { return core_->counters(); }

}  // namespace nokv::object
