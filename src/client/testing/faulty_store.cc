#include "client/testing/faulty_store.h"

#include <utility>

namespace nokv::client {

using object::Done;
using object::Operation;

template <class T>
Done<T> FaultyStore::while_alive(Done<T> done) {
  return [alive = std::weak_ptr(alive_), done = std::move(done)](Result<T> result) mutable {
    if (!alive.expired()) done(std::move(result));
  };
}

// Arms the fault of the call that follows at once; false when that call will do nothing.
bool FaultyStore::draw(Operation operation) {
  SimRandom& random = world_.random;
  Error down(Code::unavailable, "the simulated store answers 503");
  if (random.one_in(world_.faults.fail_one_in)) {
    ++world_.injected;
    world_.store.fail_next(1, down, operation);
    return false;
  } else if (random.one_in(world_.faults.lose_answer_one_in)) {
    ++world_.injected;
    world_.store.fail_after_next(1, std::move(down).maybe_done(), operation);
  }
  return true;
}

void FaultyStore::put(std::string key, std::shared_ptr<const std::string> body,
                      object::PutOptions options, Clock::Instant deadline, Done<> done) {
  if (!draw(Operation::put)) {
    // The call below is the one that fails.
  } else if (!body->empty() && world_.random.one_in(world_.faults.truncate_one_in)) {
    ++world_.injected;
    world_.truncated.insert(key);
    world_.store.truncate_next_put(world_.random.below(body->size()));
  } else {
    world_.truncated.erase(key);
  }
  world_.store.put(std::move(key), std::move(body), options, deadline,
                   while_alive(std::move(done)));
}

void FaultyStore::get(std::string key, std::optional<object::Range> range, Clock::Instant deadline,
                      Done<std::string> done) {
  (void)draw(Operation::get);
  done = while_alive(std::move(done));
  if (world_.random.one_in(world_.faults.swap_one_in)) {
    ++world_.injected;
    done = [done = std::move(done)](Result<std::string> got) mutable {
      if (got) got = std::string(got->size(), 'x');
      done(std::move(got));
    };
  }
  world_.store.get(std::move(key), range, deadline, std::move(done));
}

void FaultyStore::head(std::string key, Clock::Instant deadline, Done<object::ObjectInfo> done) {
  (void)draw(Operation::head);
  world_.store.head(std::move(key), deadline, while_alive(std::move(done)));
}

void FaultyStore::remove(std::vector<std::string> keys, Clock::Instant deadline,
                         Done<std::vector<object::RemoveFailure>> done) {
  (void)draw(Operation::remove);
  world_.store.remove(std::move(keys), deadline, while_alive(std::move(done)));
}

void FaultyStore::list(std::string prefix, std::string after, size_t limit, Clock::Instant deadline,
                       Done<object::ListPage> done) {
  (void)draw(Operation::list);
  world_.store.list(std::move(prefix), std::move(after), limit, deadline,
                    while_alive(std::move(done)));
}

}  // namespace nokv::client
