// What an engine's directory takes on disk once it is compacted, and which tables hold how much:
//
//   engine_size_bench DIR        DIR is of a server that does not run; it is compacted
//
// One JSON object on stdout: disk_bytes, and for each table (the first byte of its keys) the number
// of keys and the bytes of keys and values before compression.
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "engine/rocks_engine.h"

namespace nokv::engine {
namespace {

struct Sum {
  uint64_t keys = 0;
  uint64_t bytes = 0;
};

Result<> print_size(const std::string& dir) {
  NOKV_ASSIGN(auto engine, RocksEngine::open(dir, {.create = false}));
  NOKV_TRY(engine->flush());
  NOKV_TRY(engine->compact("", ""));
  std::map<int, Sum> tables;
  {
    auto snapshot = engine->snapshot();
    auto rows = snapshot->iterate("", "");
    for (rows->seek(""); rows->valid(); rows->next()) {
      int table = rows->key().empty() ? -1 : static_cast<uint8_t>(rows->key().front());
      Sum& sum = tables[table];
      ++sum.keys;
      sum.bytes += rows->key().size() + rows->value().size();
    }
    NOKV_TRY(rows->status());
  }
  std::printf("{\"disk_bytes\":%" PRIu64 ",\"tables\":{", engine->stats().live_bytes);
  const char* comma = "";
  for (const auto& [table, sum] : tables) {
    std::printf("%s\"%d\":{\"keys\":%" PRIu64 ",\"bytes\":%" PRIu64 "}", comma, table, sum.keys,
                sum.bytes);
    comma = ",";
  }
  std::printf("}}\n");
  return {};
}

}  // namespace
}  // namespace nokv::engine

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: engine_size_bench DIR\n");
    return 2;
  }
  auto printed = nokv::engine::print_size(argv[1]);
  if (printed) return 0;
  std::fprintf(stderr, "engine_size_bench: %s\n", printed.error().message().c_str());
  return 1;
}
