#include "shard/store_looks.h"

#include <algorithm>
#include <utility>

#include "codec/crc32c.h"

namespace nokv::shard {

void Desk::post(Executor::Task task) {
  // Under the lock, so that the executor stays; posting never blocks.
  executor_.with([&](Executor*& executor) {
    if (executor != nullptr) executor->post(std::move(task));
  });
}

void Desk::close() {
  executor_.with([](Executor*& executor) { executor = nullptr; });
}

namespace {

struct Batch : std::enable_shared_from_this<Batch> {
  std::shared_ptr<Desk> desk;
  LookStores stores;
  const Clock& clock;
  std::vector<Look> looks;
  LookOptions options;
  std::function<void(const Look&, const Result<Held>&)> seen;
  std::move_only_function<void()> done;
  size_t next = 0;
  size_t under_way = 0;

  Batch(std::shared_ptr<Desk> a_desk, LookStores all, const Clock& a_clock)
      : desk(std::move(a_desk)), stores(all), clock(a_clock) {}

  void go_on() {
    while (under_way < options.at_once && next < looks.size()) {
      ++under_way;
      ask(next++);
    }
    if (under_way == 0) std::exchange(done, nullptr)();
  }

  void ask(size_t i) {
    auto deadline = std::min(options.deadline, clock.now() + options.timeout);
    auto self = shared_from_this();
    const Look& look = looks[i];
    auto read = [self, i](Result<std::string> got) {
      if (!got) return self->answer(i, std::unexpected(std::move(got).error()));
      Held held{got->size(), crc32c(*got), {}};
      if (self->options.keep) held.data = *std::move(got);
      self->answer(i, std::move(held));
    };
    if (look.external && options.read) {
      stores.externals.read(*look.external, look.bytes, deadline, read);
    } else if (look.external) {
      stores.externals.look(*look.external, deadline, [self, i](Result<> there) {
        if (!there) return self->answer(i, std::unexpected(std::move(there).error()));
        self->answer(i, Held{self->looks[i].bytes, 0, {}});
      });
    } else if (options.read) {
      stores.own.get(look.object, std::nullopt, deadline, read);
    } else {
      stores.own.head(looks[i].object, deadline, [self, i](Result<object::ObjectInfo> got) {
        if (got) {
          self->answer(i, Held{got->size, 0, {}});
        } else {
          self->answer(i, std::unexpected(std::move(got).error()));
        }
      });
    }
  }

  void answer(size_t i, Result<Held> held) {
    desk->post([self = shared_from_this(), i, held = std::move(held)] {
      self->seen(self->looks[i], held);
      --self->under_way;
      self->go_on();
    });
  }
};

}  // namespace

void look_at(const std::shared_ptr<Desk>& desk, LookStores stores, const Clock& clock,
             std::vector<Look> looks, const LookOptions& options,
             std::function<void(const Look&, const Result<Held>&)> seen,
             std::move_only_function<void()> done) {
  auto batch = std::make_shared<Batch>(desk, stores, clock);
  batch->looks = std::move(looks);
  batch->options = options;
  batch->seen = std::move(seen);
  batch->done = std::move(done);
  batch->go_on();
}

}  // namespace nokv::shard
