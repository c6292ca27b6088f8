// Blocks of blobs, to and from wherever the server says they lie: a directory that is shared with
// it, an object store by presigned URLs, or through the server itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/env/env.h"
#include "base/result.h"
#include "client/caller.h"
#include "codec/rpc.h"

namespace nokv::net {
class HttpClient;
}

namespace nokv::client {

// One block, and the ways to it; the first one that works here is taken.
struct BlockPlace {
  uint64_t blob = 0;
  uint32_t block = 0;                // in the blob
  uint64_t bytes = 0;                // of the block
  std::optional<uint32_t> crc = {};  // CRC-32C of them; none of an external block, which its server
                                     // checks
  uint64_t upload = 0;               // put: the session
  std::string directory;
  std::string url;
  bool through_server = false;
};

// "block 3 of blob 17"
std::string block_name(const BlockPlace& place);

struct BlockIoParts {
  Caller& caller;
  Env env;
  Executor& timers;
  net::HttpClient* http = nullptr;  // may be null
  bool same_machine = false;        // directories of the server may be looked for here
};

// At most `parallel` blocks are on their way at once; others wait in order. What is transient is
// tried again until the limit, which counts from the block's turn. Thread-safe; nothing blocks
// but prepare(). `done` is called once, from any thread.
class BlockIo {
 public:
  BlockIo(BlockIoParts parts, int parallel, Backoff backoff = {});
  // As stop().
  ~BlockIo();

  // Looks whether the directory can be used here, once for each; blocks on the disk. Without it a
  // directory is not used.
  void prepare(const codec::BlobAccess& access);

  // How long a block may take, and whether anybody still wants it.
  struct Limit {
    Duration time{};
    std::stop_token stop = {};
  };

  // Errors: permission_denied (an URL that is no longer good), unavailable, cancelled,
  // resource_exhausted, failed_precondition (no way there).
  void put(BlockPlace place, std::shared_ptr<const std::string> bytes, Limit limit, Done<> done);

  // The whole block, checked. One that is damaged is fetched once more before that is an error.
  // Errors: data_loss (damaged), not_found (no such object), and those of put().
  void get(BlockPlace place, Limit limit, Done<std::string> done);

  // Ends what waits for its turn.
  void stop();

  struct Counters {
    uint64_t puts = 0;
    uint64_t gets = 0;
    uint64_t retries = 0;
  };
  Counters counters() const;

 private:
  struct State;
  struct Transfer;
  using TransferPtr = std::shared_ptr<Transfer>;
  static void submit(const std::shared_ptr<State>& state, TransferPtr transfer);
  static bool is_stopped(const std::shared_ptr<State>& state);
  static void start(const std::shared_ptr<State>& state, const TransferPtr& transfer);
  static void attempt(const std::shared_ptr<State>& state, const TransferPtr& transfer);
  static void by_directory(const std::shared_ptr<State>& state, const TransferPtr& transfer);
  static void by_url(const std::shared_ptr<State>& state, const TransferPtr& transfer);
  static void by_server(const std::shared_ptr<State>& state, const TransferPtr& transfer);
  static void ended(const std::shared_ptr<State>& state, const TransferPtr& transfer,
                    Result<std::string> result);
  static void finish(const std::shared_ptr<State>& state, const TransferPtr& transfer,
                     Result<std::string> result);

  std::shared_ptr<State> state_;
};

}  // namespace nokv::client
