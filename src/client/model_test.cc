// The namespace against its model: many random steps, and after each the shard must look like it.
//
// NOKV_MODEL_OPERATIONS says how many steps a run has, NOKV_MODEL_SEEDS how many runs there are,
// NOKV_SEED which runs: only that one.
// NOKV_MODEL_SHRINK=0 tells the story as it was, without looking for a shorter one.
#include <cstdlib>
#include <sstream>

#include <gtest/gtest.h>

#include "base/posix/posix_env.h"
#include "client/merge.h"
#include "client/testing/sim_transport.h"
#include "shard/testing/model_run.h"

namespace nokv::shard::model {
namespace {

Result<Merged> merge(SimNamespace& ns, const Merge& task, const Commit& commit) {
  auto judged = [&](const std::string& body) -> Result<std::string> {
    codec::CommitRequest request;
    if (!codec::decode(body, request)) return fail(Code::data_loss, "not a commit");
    NOKV_ASSIGN(auto reply, commit(request));
    return codec::encoded(reply);
  };
  PosixEnv posix;
  Client client{{std::make_unique<client::SimTransport>(ns, judged), posix.env()}, {}};
  NOKV_ASSIGN(
      auto report,
      client::merge(client, {.from = task.from,
                             .to = task.to,
                             .choice = static_cast<client::MergeChoice>(task.winner),
                             .aside = task.winner == Merge::Winner::aside ? task.aside : ""}));
  return Merged{report.merged, report.conflicts.size()};
}

uint64_t number_from(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::vector<uint64_t> steps_of(uint64_t seed, uint64_t count) {
  SimRandom random(seed);
  std::vector<uint64_t> out(count);
  for (auto& step : out) step = random.next();
  return out;
}

struct Outcome {
  std::string difference;  // empty: none
  size_t steps = 0;        // until it was seen
  std::vector<std::string> story;
  Run::Counts counts;
};

Outcome run(uint64_t seed, const std::vector<uint64_t>& steps) {
  Run run(seed, merge);
  Outcome out;
  for (uint64_t step : steps) {
    ++out.steps;
    out.difference = run.step(step);
    if (!out.difference.empty()) break;
  }
  if (out.difference.empty()) out.difference = run.finish();
  out.story = run.story();
  out.counts = run.counts();
  return out;
}

// What is wrong, without where: the words of a difference that are neither paths nor numbers.
std::string kind_of(const std::string& difference) {
  std::string out;
  std::istringstream words(difference);
  for (std::string word; words >> word;) {
    if (word.find_first_of("/0123456789") == std::string::npos) out += word + " ";
  }
  return out;
}

// Leaves out steps, first many at once, as long as it still goes wrong in the same way.
std::vector<uint64_t> shrink(uint64_t seed, std::vector<uint64_t> steps, const std::string& kind) {
  constexpr int kRunsMax = 600;
  int runs = 0;
  for (size_t chunk = std::max<size_t>(steps.size() / 2, 1); runs < kRunsMax;) {
    bool smaller = false;
    for (size_t at = 0; at < steps.size() && runs < kRunsMax;) {
      auto fewer = steps;
      auto first = fewer.begin() + static_cast<ptrdiff_t>(at);
      fewer.erase(first, first + static_cast<ptrdiff_t>(std::min(chunk, steps.size() - at)));
      ++runs;
      auto outcome = run(seed, fewer);
      if (kind_of(outcome.difference) != kind) {
        at += chunk;
        continue;
      }
      fewer.resize(outcome.steps);
      steps = std::move(fewer);
      smaller = true;
    }
    if (chunk == 1 && !smaller) break;
    if (!smaller || chunk > steps.size()) chunk = std::max<size_t>(chunk / 2, 1);
  }
  return steps;
}

void check_run(uint64_t seed) {
  auto steps = steps_of(seed, number_from("NOKV_MODEL_OPERATIONS", 1000));
  auto outcome = run(seed, steps);
  if (outcome.difference.empty()) {
    EXPECT_GT(outcome.counts.done * 3, outcome.counts.refused);
    if (steps.size() >= 5000) {
      EXPECT_GT(outcome.counts.clones, 0U);
      EXPECT_GT(outcome.counts.diffs, 0U);
      EXPECT_GT(outcome.counts.merges, 0U);
    }
    testing::Test::RecordProperty("merges", std::to_string(outcome.counts.merges));
    return;
  }
  steps.resize(outcome.steps);
  if (number_from("NOKV_MODEL_SHRINK", 1) == 0) {
    constexpr size_t kLastLines = 60;
    std::string end;
    size_t lines = outcome.story.size();
    for (size_t i = lines - std::min(lines, kLastLines); i < lines; ++i) {
      end += "  " + outcome.story[i] + "\n";
    }
    FAIL() << outcome.difference << "\nafter " << outcome.steps << " steps, the last of them:\n"
           << end;
  }
  auto shortest = run(seed, shrink(seed, std::move(steps), kind_of(outcome.difference)));
  std::string story;
  for (const auto& line : shortest.story) story += "  " + line + "\n";
  FAIL() << outcome.difference << "\nafter " << outcome.steps
         << " steps. Run it again with NOKV_SEED=" << seed << "\nA shorter story that ends in '"
         << shortest.difference << "':\n"
         << story;
}

class Model : public testing::TestWithParam<uint64_t> {};

TEST_P(Model, TheShardLooksLikeItsModelAfterEveryStep) { check_run(GetParam()); }

uint64_t first_seed() { return number_from("NOKV_SEED", 1); }
uint64_t last_seed() { return std::getenv("NOKV_SEED") != nullptr ? first_seed() : 20; }

INSTANTIATE_TEST_SUITE_P(Seeds, Model, testing::Range(first_seed(), last_seed() + 1),
                         [](const auto& each) { return str("seed", each.param); });

}  // namespace
}  // namespace nokv::shard::model
