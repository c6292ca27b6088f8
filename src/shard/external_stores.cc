#include "shard/external_stores.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "meta/external.h"
#include "object/closable_store.h"
#include "object/key.h"
#include "shard/store_claim.h"

namespace nokv::shard {

using codec::External;
using codec::ListObjectsReply;
using meta::external_name;

struct ExternalStores::Opened {
  std::shared_ptr<object::ObjectStore> store;
  // Before that, so that no call of ours is under way when it goes.
  std::unique_ptr<object::ClosableStore> calls;
  size_t users = 0;
  uint64_t used = 0;  // when last
};

struct ExternalStores::State {
  std::map<std::string, std::shared_ptr<Opened>> opened;
  uint64_t uses = 0;
};

// Holds a bucket open until it goes.
class ExternalStores::Use {
 public:
  Use(std::shared_ptr<Guarded<State>> state, Opened* opened)
      : state_(std::move(state)), opened_(opened) {}
  Use(Use&& other) noexcept
      : state_(std::move(other.state_)), opened_(std::exchange(other.opened_, nullptr)) {}
  Use& operator=(Use&&) = delete;
  ~Use() {
    if (opened_ == nullptr) return;
    state_->with([this](State&) { --opened_->users; });
  }
  object::ObjectStore& store() const { return *opened_->calls; }

 private:
  std::shared_ptr<Guarded<State>> state_;
  Opened* opened_;
};

ExternalStores::ExternalStores(ExternalOptions options)
    : options_(std::move(options)), state_(std::make_shared<Guarded<State>>()) {}

ExternalStores::~ExternalStores() {
  // Closed outside the lock, which their calls take at their end, and here, not on a thread of a
  // store.
  std::map<std::string, std::shared_ptr<Opened>> all;
  state_->with([&](State& state) { all = state.opened; });
  for (auto& [name, it] : all) it->calls->close();
  state_->with([](State& state) { state.opened.clear(); });
}

Result<> ExternalStores::allowed(std::string_view store, std::string_view key) const {
  if (options_.any) return {};
  for (std::string_view it : options_.allowed) {
    if (!it.starts_with(store)) continue;
    it.remove_prefix(store.size());
    if (it.empty()) return {};
    if (!it.starts_with('/')) continue;
    it.remove_prefix(1);
    if (it.empty() || (key.starts_with(it) &&
                       (key.size() == it.size() || it.ends_with('/') || key[it.size()] == '/'))) {
      return {};
    }
  }
  return std::unexpected(Error(Code::permission_denied, str("this server does not read ", store,
                                                            "/", key, ": it is not told to"))
                             .with_hint(str("start it with --import-from ", store)));
}

bool ExternalStores::is_own(std::string_view store, std::string_view key) const {
  if (store != options_.own_store || !key.starts_with(options_.own_prefix)) return false;
  key.remove_prefix(options_.own_prefix.size());
  return key == kStoreMark || key.starts_with("blobs/") || key.starts_with("backups/");
}

// A key behind all in the own directory that `key` lies in: a bucket may have millions of them.
std::string ExternalStores::beyond_own(const std::string& key) const {
  size_t slash = key.find('/', options_.own_prefix.size());
  if (slash == std::string::npos) return key;
  return std::max(key, key.substr(0, slash + 1) + "~");
}

Result<> ExternalStores::check(const External& object) const {
  NOKV_TRY(meta::check_external(object));
  if (is_own(object.store, object.key)) {
    return fail(Code::failed_precondition, external_name(object), ": is the namespace's own");
  }
  return allowed(object.store, object.key);
}

// Opens the bucket, or takes the one that is open.
Result<ExternalStores::Use> ExternalStores::use(const std::string& store) {
  if (!options_.open) {
    return fail(Code::failed_precondition, store, ": this server can reach no other buckets");
  }
  std::shared_ptr<Opened> closed;  // goes outside the lock
  auto take = [&](State& state, Opened& opened) {
    ++opened.users;
    opened.used = ++state.uses;
    return Use(state_, &opened);
  };
  auto found = state_->with([&](State& state) -> std::optional<Use> {
    auto it = state.opened.find(store);
    if (it == state.opened.end()) return std::nullopt;
    return take(state, *it->second);
  });
  if (found) return *std::move(found);
  auto made = options_.open(store);
  if (!made) return std::unexpected(std::move(made).error().within(store));
  auto opened = std::make_shared<Opened>();
  opened->store = *std::move(made);
  opened->calls = std::make_unique<object::ClosableStore>(*opened->store);
  if (opened->calls->versioned_reads() == nullptr) {
    return fail(Code::failed_precondition, store, ": its objects have no ETags");
  }
  return state_->with([&](State& state) -> Result<Use> {
    if (state.opened.size() >= kOpenMax && !state.opened.contains(store)) {
      auto oldest = std::ranges::min_element(state.opened, {}, [](const auto& row) {
        return std::pair(row.second->users > 0, row.second->used);
      });
      if (oldest->second->users > 0) {
        closed = std::move(opened);
        return fail(Code::overloaded, kOpenMax, " buckets are in use; that is the limit");
      }
      closed = std::move(oldest->second);
      state.opened.erase(oldest);
    }
    // Somebody else may have been faster; then this one goes again.
    auto [it, first] = state.opened.try_emplace(store, opened);
    if (!first) closed = std::move(opened);
    return take(state, *it->second);
  });
}

void ExternalStores::read(const External& object, uint64_t length, Clock::Instant deadline,
                          object::Done<std::string> done) {
  counters_->reads.fetch_add(1, std::memory_order_relaxed);
  auto told = [counters = counters_, name = external_name(object),
               done = std::move(done)](Result<std::string> got) mutable {
    if (got) return done(std::move(got));
    counters->failures.fetch_add(1, std::memory_order_relaxed);
    done(std::unexpected(std::move(got).error().within(name)));
  };
  auto good = check(object);
  if (!good) return told(std::unexpected(std::move(good).error()));
  if (length == 0) return told("");
  auto used = use(object.store);
  if (!used) return told(std::unexpected(std::move(used).error()));
  auto* reads = used->store().versioned_reads();
  reads->get_same(object.key, {object.etag, object.size}, {object.offset, length}, deadline,
                  [use = *std::move(used), told = std::move(told)](
                      Result<std::string> got) mutable { told(std::move(got)); });
}

void ExternalStores::look(const External& object, Clock::Instant deadline, object::Done<> done) {
  auto told = [name = external_name(object), done = std::move(done)](Result<> looked) mutable {
    if (looked) return done({});
    done(std::unexpected(std::move(looked).error().within(name)));
  };
  auto good = check(object);
  if (!good) return told(std::move(good));
  auto used = use(object.store);
  if (!used) return told(std::unexpected(std::move(used).error()));
  object::ObjectStore& store = used->store();
  store.head(object.key, deadline,
             [use = *std::move(used), told = std::move(told), etag = object.etag,
              size = object.size](Result<object::ObjectInfo> info) mutable {
               if (!info) return told(std::unexpected(std::move(info).error()));
               if (info->etag == etag && info->size == size) return told({});
               told(fail(Code::aborted, "it has ", info->size, " bytes and the ETag ", info->etag,
                         ", not ", size, " and ", etag));
             });
}

// One page on its way.
struct ExternalStores::Listing {
  codec::ListObjectsRequest request;
  Clock::Instant deadline;
  Use use;
  object::Done<ListObjectsReply> done;
};

// Pages of nothing but the namespace's own are passed over; `this` outlives all calls.
void ExternalStores::list_page(std::unique_ptr<Listing> it) {
  object::ObjectStore& store = it->use.store();
  std::string prefix = it->request.prefix;
  std::string after = it->request.after;
  size_t limit = it->request.limit == 0 ? object::kListMax : it->request.limit;
  Clock::Instant deadline = it->deadline;
  store.list(prefix, after, limit, deadline,
             [this, it = std::move(it)](Result<object::ListPage> page) mutable {
               if (!page) return it->done(std::unexpected(std::move(page).error()));
               ListObjectsReply reply;
               reply.more = page->more && !page->objects.empty();
               for (auto& object : page->objects) {
                 if (is_own(it->request.store, object.key)) {
                   it->request.after = beyond_own(object.key);
                   continue;
                 }
                 it->request.after = object.key;
                 reply.objects.push_back({std::move(object.key), object.size,
                                          std::move(object.etag), object.modified_ns});
               }
               if (reply.objects.empty() && reply.more) return list_page(std::move(it));
               it->done(std::move(reply));
             });
}

void ExternalStores::list(const codec::ListObjectsRequest& request, Clock::Instant deadline,
                          object::Done<ListObjectsReply> done) {
  auto good = meta::check_external_store(request.store);
  if (good && request.prefix.size() + request.after.size() > 4 * object::kKeyBytesMax) {
    good = fail(Code::invalid_argument, "a key has at most ", object::kKeyBytesMax, " bytes");
  }
  if (good && !request.prefix.empty() && !request.prefix.ends_with('/')) {
    good = fail(Code::invalid_argument, "the prefix '", request.prefix, "' ends with no '/'");
  }
  if (good) good = allowed(request.store, request.prefix);
  if (!good) return done(std::unexpected(std::move(good).error()));
  auto used = use(request.store);
  if (!used) return done(std::unexpected(std::move(used).error()));
  std::unique_ptr<Listing> it(new Listing{request, deadline, *std::move(used), std::move(done)});
  if (!request.after.empty()) return list_page(std::move(it));
  object::ObjectStore& store = it->use.store();
  store.head(request.prefix + std::string(kStoreMark), deadline,
             [this, it = std::move(it)](const Result<object::ObjectInfo>& mark) mutable {
               if (!mark && mark.error().code() == Code::not_found) {
                 return list_page(std::move(it));
               }
               if (!mark) return it->done(std::unexpected(mark.error()));
               it->done(std::unexpected(
                   Error(Code::failed_precondition, str(it->request.store, "/", it->request.prefix,
                                                        " holds the bodies of a namespace"))
                       .with_hint("garbage collection deletes them; import what was exported")));
             });
}

}  // namespace nokv::shard
