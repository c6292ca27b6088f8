// Bodies from sources: into the request when they are small, else as blocks to where they belong.
//
// Used by one thread, which reads the sources one after another while blocks are on their way in
// the background. Whatever goes wrong, the uploads that were opened are closed at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/core.h"
#include "codec/rpc.h"

namespace nokv::client {

// Inline bodies of one transaction hold at most this much together; the rest is uploaded.
constexpr uint64_t kInlineTotalMax = 4 << 20;
// A blob is one of at most this many of an upload.
constexpr uint64_t kUploadBlobsMax = 4096;

class BodyWriter {
 public:
  // `core` outlives the writer.
  BodyWriter(Core& core, CallOptions call);
  // Closes the uploads if commit() was not told that all went well. Waits for blocks on their way,
  // and at most a second for the closing.
  ~BodyWriter();

  // Reads the source to its end. The body may be used once finish() succeeded. `path` is for the
  // content type and messages; `blobs_to_come` how many blobs later bodies of the set need at
  // least. Blocks while the memory bound is reached.
  // Errors: those of the source, invalid_argument (size), cancelled, and of blocks put before.
  Result<codec::NewBody> write(std::string_view path, Source& source, const BodyOptions& options,
                               bool digest_wanted, uint64_t blobs_to_come);

  // Waits until every block is where it belongs.
  Result<> finish();

  // The uploads, to close in the transaction that publishes the bodies.
  std::vector<uint64_t> uploads() const;
  // They are closed by that transaction.
  void committed() { committed_ = true; }

 private:
  struct Flight;  // blocks on their way
  struct Blobs {
    uint64_t upload = 0;
    uint64_t first = 0;
  };
  struct Page {  // access to the blocks [first, first + count) of the current body
    codec::BlobAccess access;
    uint32_t first = 0;
    uint32_t count = 0;
  };
  struct Piece {  // a part of a body that was read from its source
    std::shared_ptr<const std::string> bytes;
    bool last = false;
  };

  Result<codec::NewBody> inline_body(std::string bytes, class Digester& digester);
  Result<codec::NewBody> upload(Source& source, const BodyOptions& options, std::string head,
                                Digester& digester, uint64_t blobs_to_come);
  Result<Piece> read_block(Source& source, std::string& head, uint64_t size_left);
  Result<Blobs> take_blobs(uint64_t count, uint64_t to_come);
  Result<> need_page(const Blobs& blobs, uint64_t bytes, uint32_t block);
  Result<> put(const Blobs& blobs, uint64_t bytes, uint32_t block, uint32_t crc,
               std::shared_ptr<const std::string> data);
  void close_uploads();

  Core& core_;
  const CallOptions call_;
  std::shared_ptr<Flight> flight_;
  std::vector<uint64_t> uploads_;
  Blobs free_;               // blobs of the newest upload that no body has yet
  uint64_t free_count_ = 0;  // how many
  Page page_;
  uint64_t inline_total_ = 0;
  bool committed_ = false;
};

}  // namespace nokv::client
