#include "object/memory_store.h"

#include <utility>

#include "codec/crc32c.h"
#include "object/key.h"

namespace nokv::object {
namespace {

uint64_t& counter(ObjectStore::Counters& counters, Operation operation) {
  switch (operation) {
    case Operation::put:
      return counters.puts;
    case Operation::get:
      return counters.gets;
    case Operation::head:
      return counters.heads;
    case Operation::remove:
      return counters.removes;
    case Operation::list:
      break;
  }
  return counters.lists;
}

std::string etag_of(const std::string& body) { return str("crc32c-", crc32c(body)); }

std::unexpected<Error> no_such_object(const std::string& key) {
  return fail(Code::not_found, "memory: no object ", key);
}

}  // namespace

MemoryStore::MemoryStore(Executor& executor, const Clock& clock)
    : executor_(executor), clock_(clock) {}

std::optional<MemoryStore::Fault> MemoryStore::take_fault(State& state, Operation operation) {
  Fault& fault = state.fault;
  if (fault.times <= 0 || (fault.only && *fault.only != operation)) return std::nullopt;
  --fault.times;
  return fault;
}

template <class T>
void MemoryStore::complete(Duration delay, Clock::Instant deadline, Done<T> done,
                           Result<T> result) {
  if (Duration left = deadline - clock_.now(); left < delay) {
    result = fail_maybe_done(Code::cancelled, "memory: no answer within the deadline");
    delay = std::max(left, Duration{0});
  }
  auto task = [done = std::move(done), result = std::move(result)]() mutable {
    done(std::move(result));
  };
  if (delay == Duration{0}) {
    executor_.post(std::move(task));
  } else {
    executor_.after(delay, std::move(task));
  }
}

template <class T>
void MemoryStore::run(Operation operation, const std::string& key, Clock::Instant deadline,
                      Done<T> done, auto&& act) {
  Duration delay{0};
  auto result = state_.with([&](State& state) -> Result<T> {
    delay = state.delay;
    ++counter(state.counters, operation);
    auto fault = take_fault(state, operation);
    if (fault && !fault->after) {
      ++state.counters.failures;
      return std::unexpected(Error(*fault->error).within(str("memory: ", key)));
    }
    Result<T> answer = act(state);
    if (fault) answer = std::unexpected(Error(*fault->error).within(str("memory: ", key)));
    if (!answer) ++state.counters.failures;
    return answer;
  });
  complete<T>(delay, deadline, std::move(done), std::move(result));
}

void MemoryStore::put(std::string key, std::shared_ptr<const std::string> body, PutOptions options,
                      Clock::Instant deadline, Done<> done) {
  run<void>(Operation::put, key, deadline, std::move(done), [&](State& state) -> Result<> {
    NOKV_TRY(check_key(key));
    if (options.crc32c && *options.crc32c != crc32c(*body)) {
      return fail(Code::data_loss, "memory: put ", key, ": the body does not match its checksum");
    }
    if (options.if_absent && state.objects.contains(key)) {
      return fail(Code::already_exists, "memory: ", key, " exists");
    }
    if (auto kept = std::exchange(state.truncate_next, std::nullopt)) {
      body = std::make_shared<const std::string>(body->substr(0, *kept));
    }
    state.objects[key] = Object{std::move(body), to_unix_ns(clock_.wall())};
    return {};
  });
}

void MemoryStore::get(std::string key, std::optional<Range> range, Clock::Instant deadline,
                      Done<std::string> done) {
  run<std::string>(
      Operation::get, key, deadline, std::move(done), [&](State& state) -> Result<std::string> {
        if (range && range->length == 0) return "";
        auto found = state.objects.find(key);
        if (found == state.objects.end()) return no_such_object(key);
        const std::string& body = *found->second.body;
        if (!range) return body;
        if (range->offset > body.size() || range->length > body.size() - range->offset) {
          return fail(Code::data_loss, "memory: ", key, ": ", range->length, " bytes at ",
                      range->offset, " of an object of ", body.size());
        }
        return body.substr(range->offset, range->length);
      });
}

void MemoryStore::get_same(std::string key, ObjectVersion version, Range range,
                           Clock::Instant deadline, Done<std::string> done) {
  run<std::string>(Operation::get, key, deadline, std::move(done),
                   [&](State& state) -> Result<std::string> {
                     auto found = state.objects.find(key);
                     if (found == state.objects.end()) return no_such_object(key);
                     const std::string& body = *found->second.body;
                     if (etag_of(body) != version.etag || body.size() != version.size) {
                       return fail(Code::aborted, "memory: ", key, " is another object now");
                     }
                     if (range.offset > body.size() || range.length > body.size() - range.offset) {
                       return fail(Code::data_loss, "memory: ", key, ": ", range.length,
                                   " bytes at ", range.offset, " of an object of ", body.size());
                     }
                     return body.substr(range.offset, range.length);
                   });
}

void MemoryStore::head(std::string key, Clock::Instant deadline, Done<ObjectInfo> done) {
  run<ObjectInfo>(Operation::head, key, deadline, std::move(done),
                  [&](State& state) -> Result<ObjectInfo> {
                    auto found = state.objects.find(key);
                    if (found == state.objects.end()) return no_such_object(key);
                    return ObjectInfo{key, found->second.body->size(), etag_of(*found->second.body),
                                      found->second.modified_ns};
                  });
}

void MemoryStore::remove(std::vector<std::string> keys, Clock::Instant deadline,
                         Done<std::vector<RemoveFailure>> done) {
  run<std::vector<RemoveFailure>>(Operation::remove, keys.empty() ? "" : keys.front(), deadline,
                                  std::move(done),
                                  [&](State& state) -> Result<std::vector<RemoveFailure>> {
                                    for (const std::string& key : keys) state.objects.erase(key);
                                    return std::vector<RemoveFailure>{};
                                  });
}

void MemoryStore::list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
                       Done<ListPage> done) {
  run<ListPage>(
      Operation::list, prefix, deadline, std::move(done), [&](State& state) -> Result<ListPage> {
        ListPage page;
        auto at = std::max(state.objects.lower_bound(prefix), state.objects.upper_bound(after),
                           [&](auto a, auto b) {
                             if (a == state.objects.end()) return false;
                             return b == state.objects.end() || a->first < b->first;
                           });
        for (; at != state.objects.end() && at->first.starts_with(prefix); ++at) {
          if (page.objects.size() == std::min(limit, kListMax)) {
            page.more = true;
            break;
          }
          page.objects.push_back(ObjectInfo{at->first, at->second.body->size(),
                                            etag_of(*at->second.body), at->second.modified_ns});
        }
        return page;
      });
}

ObjectStore::Counters MemoryStore::counters() const {
  return state_.with([](State& state) { return state.counters; });
}

void MemoryStore::fail_next(int times, Error error, std::optional<Operation> only) {
  state_.with([&](State& s) { s.fault = Fault{times, std::move(error), only, false}; });
}

void MemoryStore::fail_after_next(int times, Error error, std::optional<Operation> only) {
  state_.with([&](State& s) { s.fault = Fault{times, std::move(error), only, true}; });
}

void MemoryStore::set_delay(Duration delay) {
  state_.with([&](State& s) { s.delay = delay; });
}

void MemoryStore::truncate_next_put(size_t kept) {
  state_.with([&](State& s) { s.truncate_next = kept; });
}

bool MemoryStore::truncate_object(const std::string& key, size_t kept) {
  return state_.with([&](State& s) {
    auto found = s.objects.find(key);
    if (found == s.objects.end() || found->second.body->size() < kept) return false;
    found->second.body = std::make_shared<const std::string>(found->second.body->substr(0, kept));
    return true;
  });
}

bool MemoryStore::flip_bit(const std::string& key, size_t offset) {
  return state_.with([&](State& s) {
    auto found = s.objects.find(key);
    if (found == s.objects.end() || found->second.body->size() <= offset) return false;
    auto body = std::make_shared<std::string>(*found->second.body);
    (*body)[offset] = static_cast<char>((*body)[offset] ^ 1);
    found->second.body = std::move(body);
    return true;
  });
}

bool MemoryStore::lose(const std::string& key) {
  return state_.with([&](State& s) { return s.objects.erase(key) > 0; });
}

size_t MemoryStore::object_count() const {
  return state_.with([](State& s) { return s.objects.size(); });
}

bool MemoryStore::has(const std::string& key) const {
  return state_.with([&](State& s) { return s.objects.contains(key); });
}

}  // namespace nokv::object
