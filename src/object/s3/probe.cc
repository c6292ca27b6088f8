#include "object/s3/probe.h"

#include <algorithm>

#include "codec/crc32c.h"
#include "object/waiter.h"

namespace nokv::object {
namespace {

constexpr size_t kWriters = 16;
constexpr int kRounds = 3;

class Probe {
 public:
  Probe(ObjectStore& store, const Clock& clock, Random& random, Duration timeout)
      : store_(store),
        deadline_(clock.now() + timeout),
        base_(str("nokv-probe/", random.next(), "/")) {}

  std::vector<ProbeCheck> run() {
    if (check("write", put(base_ + "a", "0123456789", false))) {
      check("read", expect(get("a", std::nullopt), "0123456789"));
      check("range read", expect(get("a", Range{3, 4}), "3456"));
      check("missing object", expect_missing());
      check("conditional create", refused_second_put());
      check("exclusive create", race());
      check("list", listed());
      check("remove", removed());
    }
    return std::move(checks_);
  }

 private:
  bool check(std::string name, const Result<>& result) {
    checks_.push_back(
        {std::move(name), result.has_value(), result ? "" : result.error().message()});
    return result.has_value();
  }

  Result<> put(const std::string& key, std::string body, bool if_absent) {
    Waiter<> waiter;
    uint32_t checksum = crc32c(body);
    store_.put(key, std::make_shared<const std::string>(std::move(body)),
               {.if_absent = if_absent, .crc32c = checksum}, deadline_, waiter.done());
    return waiter.wait();
  }

  Result<std::string> get(const std::string& name, std::optional<Range> range) {
    Waiter<std::string> waiter;
    store_.get(base_ + name, range, deadline_, waiter.done());
    return waiter.wait();
  }

  static Result<> expect(const Result<std::string>& got, std::string_view wanted) {
    if (!got) return std::unexpected(got.error());
    if (*got == wanted) return {};
    return fail(Code::data_loss, "it gave '", got->substr(0, 40), "' instead of '", wanted, "'");
  }

  Result<> expect_missing() {
    auto got = get("none", std::nullopt);
    if (got) return fail(Code::data_loss, "an object that was never written can be read");
    if (got.error().code() != Code::not_found) return std::unexpected(got.error());
    return {};
  }

  Result<> refused_second_put() {
    NOKV_TRY(put(base_ + "once", "first", true));
    auto second = put(base_ + "once", "second", true);
    if (second) {
      return fail(Code::failed_precondition, "If-None-Match is ignored: a second put replaced the ",
                  "object");
    }
    if (second.error().code() != Code::already_exists) return second;
    return expect(get("once", std::nullopt), "first");
  }

  Result<> race() {
    for (int round = 0; round < kRounds; ++round) NOKV_TRY(race_once(str("race", round)));
    return {};
  }

  Result<> race_once(const std::string& name) {
    std::vector<Waiter<>> waiters(kWriters);
    for (size_t i = 0; i < kWriters; ++i) {
      store_.put(base_ + name, std::make_shared<const std::string>(body_of(i)),
                 {.if_absent = true, .crc32c = {}}, deadline_, waiters[i].done());
    }
    std::vector<size_t> winners;
    Result<> trouble;
    for (size_t i = 0; i < kWriters; ++i) {
      auto result = waiters[i].wait();
      if (result)
        winners.push_back(i);
      else if (result.error().code() != Code::already_exists)
        trouble = std::move(result);
    }
    if (!trouble) return trouble;
    if (winners.size() != 1) {
      return fail(Code::failed_precondition, winners.size(), " of ", kWriters,
                  " racing creates of one key succeeded, not one");
    }
    return expect(get(name, std::nullopt), body_of(winners.front()));
  }

  static std::string body_of(size_t writer) { return str("written by ", writer); }

  Result<ListPage> list() {
    Waiter<ListPage> waiter;
    store_.list(base_, "", kListMax, deadline_, waiter.done());
    return waiter.wait();
  }

  Result<> listed() {
    NOKV_ASSIGN(ListPage page, list());
    bool found = std::ranges::any_of(page.objects, [&](const ObjectInfo& object) {
      return object.key == base_ + "a" && object.size == 10;
    });
    if (!found) return fail(Code::data_loss, "an object that was written is not listed");
    return {};
  }

  Result<> removed() {
    NOKV_ASSIGN(ListPage page, list());
    std::vector<std::string> keys;
    for (const ObjectInfo& object : page.objects) keys.push_back(object.key);
    Waiter<std::vector<RemoveFailure>> waiter;
    store_.remove(std::move(keys), deadline_, waiter.done());
    NOKV_ASSIGN(auto failures, waiter.wait());
    if (!failures.empty()) return std::unexpected(failures.front().error);
    NOKV_ASSIGN(ListPage after, list());
    if (!after.objects.empty()) return fail(Code::data_loss, "removed objects are still listed");
    return {};
  }

  ObjectStore& store_;
  const Clock::Instant deadline_;
  const std::string base_;
  std::vector<ProbeCheck> checks_;
};

}  // namespace

std::vector<ProbeCheck> probe(ObjectStore& store, const Clock& clock, Random& random,
                              Duration timeout) {
  return Probe(store, clock, random, timeout).run();
}

}  // namespace nokv::object
