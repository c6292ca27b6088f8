// The table of pins against a list of them that is looked through.
#include "meta/pin_table.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "base/sim/sim_env.h"
#include "codec/key.h"
#include "engine/memory_engine.h"

namespace nokv::meta {
namespace {

using codec::PinKind;
using codec::PinRecord;
using Pins = std::map<uint64_t, PinRecord>;
using Live = PinTable::Live;

// Of several at one version the first.
std::optional<Live> newest(const Pins& pins, uint64_t low, uint64_t high, uint64_t skip,
                           const auto& wanted) {
  std::optional<Live> best;
  for (const auto& [id, pin] : pins) {
    if (pin.going || id == skip || pin.version < low || pin.version > high || !wanted(pin))
      continue;
    if (!best || pin.version > best->version) best = Live{pin.version, id};
  }
  return best;
}

bool shows(const PinRecord& pin, std::string_view path) {
  if (pin.going || pin.kind == PinKind::clone) return false;
  if (pin.parent) return pin.path == path;
  return pin.path == "/" || pin.path == path || path.starts_with(pin.path + "/");
}

PinRecord drawn(std::mt19937& random, uint64_t id) {
  static const char* const kPaths[] = {"/", "/a", "/a/b", "/ab"};
  PinRecord pin;
  pin.version = id / 3 + random() % 2;
  pin.scope = NodeId{1 + random() % 5, {}};
  pin.kind = static_cast<PinKind>(random() % 4);
  if (random() % 3 == 0) pin.expires_ns = static_cast<int64_t>(random() % 100);
  pin.path = kPaths[random() % 4];
  if (random() % 4 == 0) pin.parent = NodeId{9, {}};
  return pin;
}

void expect_same(const PinTable& table, const Pins& pins, std::mt19937& random, uint64_t last) {
  uint64_t low = random() % (last / 3 + 2);
  uint64_t high = low + random() % 20;
  uint64_t skip = random() % 4 == 0 ? 0 : 1 + random() % last;
  NodeId scope{1 + random() % 5, {}};
  auto all = [](const PinRecord&) { return true; };
  auto scoped = [&](const PinRecord& pin) { return pin.scope == scope; };
  auto moment = [](const PinRecord& pin) { return pin.kind == PinKind::moment; };
  EXPECT_EQ(table.newest(low, high, nullptr, skip),
            newest(pins, low, high, skip, all).value_or(Live()));
  EXPECT_EQ(table.newest(low, high, &scope, skip),
            newest(pins, low, high, skip, scoped).value_or(Live()));
  EXPECT_EQ(table.newest_moment(low, high, skip),
            newest(pins, low, high, skip, moment).value_or(Live()));
  const char* path = random() % 2 == 0 ? "/a/b/c" : "/ab";
  std::vector<Live> wanted;
  size_t expired = 0;
  size_t undo = 0;
  for (const auto& [id, pin] : pins) {
    if (shows(pin, path)) wanted.push_back({pin.version, id});
    expired += !pin.going && pin.expires_ns != 0 && pin.expires_ns <= 50 ? 1 : 0;
    undo += !pin.going && pin.kind == PinKind::undo ? 1 : 0;
  }
  std::ranges::sort(wanted);
  auto showing = table.showing(path);
  ASSERT_EQ(showing.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) EXPECT_EQ(showing[i], table.find(wanted[i].id));
  const PinRecord* widest = nullptr;
  for (const Live& row : wanted) {
    const PinRecord* pin = table.find(row.id);
    if (row.version != low || (widest && widest->path.size() <= pin->path.size())) continue;
    widest = pin;
  }
  EXPECT_EQ(table.showing_at(path, low), widest);
  EXPECT_EQ(table.expired(50).size(), expired);
  EXPECT_EQ(table.count(PinKind::undo), undo);
  EXPECT_EQ(table.size(), pins.size());
  EXPECT_EQ(table.live().size() + table.going().size(), pins.size());
}

TEST(PinTable, AnswersAsAListOfAllPinsWould) {
  std::mt19937 random(7);
  PinTable table;
  Pins pins;
  uint64_t last = 0;
  for (int step = 0; step < 2000; ++step) {
    uint64_t id = last == 0 ? 0 : 1 + random() % last;
    switch (random() % 4) {
      case 0:
        table.remove(id);
        pins.erase(id);
        break;
      case 1:
        table.mark_going(id);
        if (pins.contains(id)) pins[id].going = true;
        break;
      case 2:
        table.renew(id, 70);
        if (pins.contains(id)) pins[id].expires_ns = 70;
        break;
      default:
        ++last;
        pins[last] = drawn(random, last + 3);
        table.add(last, pins[last]);
    }
    if (last != 0) expect_same(table, pins, random, last);
    if (testing::Test::HasFailure()) FAIL() << "after " << step << " steps";
  }
}

TEST(PinTable, ACopyStaysAsItWas) {
  PinTable table;
  PinRecord pin;
  pin.version = 5;
  pin.path = "/";
  table.add(1, pin);
  PinTable copy = table;
  table.mark_going(1);
  table.add(2, pin);
  EXPECT_EQ(copy.size(), 1U);
  EXPECT_FALSE(copy.find(1)->going);
  EXPECT_EQ(copy.newest_version(), 5U);
  EXPECT_EQ(copy.going().size(), 0U);
}

TEST(PinTableLoad, OneOfNoKnownKindIsDamage) {
  SimScheduler scheduler(1);
  SimNet net(scheduler);
  SimHost host(scheduler, net, "server");
  Env env = host.env();
  auto engine = engine::MemoryEngine::open(env.files, "/engine").value();
  auto load_with = [&](PinKind kind) {
    PinRecord pin;
    pin.version = 1;
    pin.kind = kind;
    auto batch = engine->batch();
    batch->put(codec::number_key(codec::Table::pin, 7), codec::encoded(pin));
    EXPECT_TRUE(engine->write(*batch));
    return PinTable().load(View(engine->snapshot(), 1, nullptr));
  };
  EXPECT_TRUE(load_with(PinKind::clone));
  auto damaged = load_with(static_cast<PinKind>(4));
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code(), Code::data_loss);
}

}  // namespace
}  // namespace nokv::meta
