// Plain requests to the object store of a namespace, by the ways that its clients have: the shared
// directory, presigned URLs, or the server. No checksums, no plans, no bound on memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load.h"
#include "bench/scene.h"
#include "net/http_client.h"
#include "object/local_store.h"

namespace nokv::bench {

// Objects that may be put, or are there to be got. The scene outlives it; so do calls' ends.
class RawBlocks {
 public:
  // `count` objects of `bytes` each (a block at most) under an upload of their own, which the
  // destructor closes, so that the server deletes them. Blocks.
  static Result<std::unique_ptr<RawBlocks>> for_writing(Scene& scene, uint64_t count,
                                                        uint64_t bytes);
  // The objects of a file's body. Blocks.
  static Result<std::unique_ptr<RawBlocks>> of_file(Scene& scene, const std::string& path);
  ~RawBlocks();

  size_t size() const { return blocks_.size(); }
  // "local directory", "presigned URLs", "the server"
  std::string_view way() const;

  void put(size_t index, std::shared_ptr<const std::string> bytes, LoadDone done);
  // What came is dropped.
  void get(size_t index, LoadDone done);

 private:
  struct Block {
    uint64_t blob = 0;
    uint32_t block = 0;
    uint64_t bytes = 0;
    std::string url;
  };

  explicit RawBlocks(Scene& scene);
  Result<> reach(const std::string& directory);
  Result<> allow(uint64_t first_blob, uint64_t count, uint64_t bytes);

  Scene& scene_;
  const std::unique_ptr<Executor> pool_;
  client::ClientParts parts_;
  std::unique_ptr<Peer> peer_;
  std::unique_ptr<object::LocalStore> local_;
  std::vector<Block> blocks_;
  uint64_t upload_ = 0;
};

}  // namespace nokv::bench
