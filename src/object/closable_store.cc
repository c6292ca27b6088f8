#include "object/closable_store.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>

namespace nokv::object {

namespace {

std::unexpected<Error> closed() { return fail(Code::cancelled, "the object store was closed"); }

}  // namespace

struct ClosableStore::State {
  std::mutex mutex;
  std::condition_variable left;
  bool closed = false;
  size_t running = 0;  // completions
  uint64_t last = 0;
  // Calls under way; each ends its own.
  std::map<uint64_t, std::move_only_function<void()>> calls;

  // True for the first that comes to complete call `id`, which then has to leave().
  bool enter(uint64_t id) {
    std::lock_guard lock(mutex);
    if (calls.erase(id) == 0) return false;
    ++running;
    return true;
  }
  void leave() {
    std::lock_guard lock(mutex);
    --running;
    left.notify_all();
  }
};

ClosableStore::ClosableStore(ObjectStore& store)
    : store_(store), state_(std::make_shared<State>()) {}

ClosableStore::~ClosableStore() { close(); }

void ClosableStore::close() {
  std::map<uint64_t, std::move_only_function<void()>> calls;
  {
    std::lock_guard lock(state_->mutex);
    state_->closed = true;
    calls = std::exchange(state_->calls, {});
    state_->running += calls.size();
  }
  for (auto& [id, end] : calls) {
    end();
    state_->leave();
  }
  std::unique_lock lock(state_->mutex);
  state_->left.wait(lock, [this] { return state_->running == 0; });
}

// `done`, to be called by the store or by close(), whichever comes first; null when it is closed
// already, and `done` was called.
template <class T>
Done<T> ClosableStore::watched(Done<T> done) {
  auto shared = std::make_shared<Done<T>>(std::move(done));
  uint64_t id = 0;
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->closed) {
      id = ++state_->last;
      state_->calls.emplace(id, [shared] { std::exchange(*shared, nullptr)(closed()); });
    }
  }
  if (id == 0) {
    std::exchange(*shared, nullptr)(closed());
    return nullptr;
  }
  return [state = state_, shared, id](Result<T> result) {
    if (!state->enter(id)) return;
    std::exchange(*shared, nullptr)(std::move(result));
    state->leave();
  };
}

void ClosableStore::put(std::string key, std::shared_ptr<const std::string> body,
                        PutOptions options, Clock::Instant deadline, Done<> done) {
  auto watch = watched<void>(std::move(done));
  if (watch) store_.put(std::move(key), std::move(body), options, deadline, std::move(watch));
}

void ClosableStore::get(std::string key, std::optional<Range> range, Clock::Instant deadline,
                        Done<std::string> done) {
  auto watch = watched<std::string>(std::move(done));
  if (watch) store_.get(std::move(key), range, deadline, std::move(watch));
}

void ClosableStore::get_same(std::string key, ObjectVersion version, Range range,
                             Clock::Instant deadline, Done<std::string> done) {
  auto watch = watched<std::string>(std::move(done));
  if (!watch) return;
  store_.versioned_reads()->get_same(std::move(key), std::move(version), range, deadline,
                                     std::move(watch));
}

void ClosableStore::head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) {
  auto watch = watched<ObjectInfo>(std::move(done));
  if (watch) store_.head(std::move(key), deadline, std::move(watch));
}

void ClosableStore::remove(std::vector<std::string> keys, Clock::Instant deadline,
                           Done<std::vector<RemoveFailure>> done) {
  auto watch = watched<std::vector<RemoveFailure>>(std::move(done));
  if (watch) store_.remove(std::move(keys), deadline, std::move(watch));
}

void ClosableStore::list(std::string prefix, std::string after, size_t limit,
                         Clock::Instant deadline, Done<ListPage> done) {
  auto watch = watched<ListPage>(std::move(done));
  if (watch) store_.list(std::move(prefix), std::move(after), limit, deadline, std::move(watch));
}

Result<std::optional<std::string>> ClosableStore::presign(std::string_view method,
                                                          const std::string& key, Duration valid) {
  return store_.presign(method, key, valid);
}

VersionedReads* ClosableStore::versioned_reads() {
  return store_.versioned_reads() == nullptr ? nullptr : this;
}

std::string ClosableStore::shared_directory() const { return store_.shared_directory(); }
std::string ClosableStore::description() const { return store_.description(); }
ObjectStore::Counters ClosableStore::counters() const { return store_.counters(); }

}  // namespace nokv::object
