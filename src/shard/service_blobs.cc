// The part of the service that moves bytes of blobs.
#include <algorithm>

#include "codec/crc32c.h"
#include "codec/key.h"
#include "shard/service.h"

namespace nokv::shard {

namespace {

void note(Guarded<std::string>& problem, const Error& error) {
  problem.with([&](std::string& last) { last = error.message(); });
}

}  // namespace

// The upload is open and the blobs are its own.
Result<> Service::check_upload(uint64_t upload, uint64_t blob, uint64_t count) {
  auto state = shard_.state();
  auto record =
      state->view().present<codec::UploadRecord>(codec::number_key(codec::Table::upload, upload));
  if (!record) return std::unexpected(std::move(record).error());
  if (!*record || (*record)->closed_ns != 0) {
    return fail(Code::failed_precondition, "upload ", upload, " is not open");
  }
  if (blob < (*record)->first_blob || count > (*record)->count ||
      blob - (*record)->first_blob > (*record)->count - count) {
    return fail(Code::failed_precondition, "blob ", blob, " is not of upload ", upload);
  }
  return {};
}

Result<codec::BlobAccess> Service::access(const codec::AccessRequest& request,
                                          const Caller& caller) {
  constexpr uint32_t kBlocksMax = 256;
  if (request.blocks > kBlocksMax) {
    return fail(Code::resource_exhausted, request.blocks, " blocks in one request; the limit is ",
                kBlocksMax);
  }
  NOKV_TRY(check_upload(request.upload, request.first_blob,
                        std::max<uint64_t>(codec::blob_count(request.bytes), 1)));
  codec::BlobAccess out;
  out.through_server = true;
  out.expires_ns = to_unix_ns(env_.clock.wall()) + options_.plan_ttl.count();
  if (caller.shares_disk) out.directory = store_.shared_directory();
  if (!out.directory.empty()) return out;
  constexpr uint32_t kPerBlob = codec::kBlobBytes / codec::kBlockBytes;
  for (uint32_t i = 0; i < request.blocks; ++i) {
    uint32_t block = request.first_block + i;
    auto url = store_.presign(
        "PUT", codec::blob_object_name(request.first_blob + block / kPerBlob, block % kPerBlob),
        options_.plan_ttl);
    if (!url) {
      note_store_error(url.error().message());
      return std::unexpected(std::move(url).error());
    }
    if (!*url) return out;
    out.urls.push_back(**std::move(url));
  }
  return out;
}

void Service::put_block(const codec::PutBlockRequest& request, const Caller& caller, Done done) {
  if (auto good = check_upload(request.upload, request.blob, 1); !good) {
    done(std::unexpected(std::move(good).error()));
    return;
  }
  if (request.bytes.size() > codec::kBlockBytes ||
      request.block >= codec::kBlobBytes / codec::kBlockBytes) {
    done(fail(Code::resource_exhausted, "block ", request.block, " of ", request.bytes.size(),
              " bytes; a block has at most ", codec::kBlockBytes));
    return;
  }
  if (crc32c(request.bytes) != request.crc) {
    done(fail(Code::data_loss, "block ", request.block, " of blob ", request.blob,
              " was damaged on its way"));
    return;
  }
  object::PutOptions options;
  options.crc32c = request.crc;
  store_.put(codec::blob_object_name(request.blob, request.block),
             std::make_shared<const std::string>(request.bytes), options, caller.deadline,
             [problem = store_error_, done = std::move(done)](Result<> put) mutable {
               if (put) {
                 problem->with([](std::string& error) { error.clear(); });
                 done(std::string());
               } else {
                 note(*problem, put.error());
                 done(std::unexpected(std::move(put).error()));
               }
             });
}

void Service::get_block(const codec::GetBlockRequest& request, const Caller& caller, Done done) {
  if (request.length > codec::kBlockBytes) {
    done(fail(Code::resource_exhausted, request.length, " bytes; a block has at most ",
              codec::kBlockBytes));
    return;
  }
  auto record = shard_.state()->view().present<codec::BlobRecord>(
      codec::number_key(codec::Table::blob, request.blob));
  if (!record) return done(std::unexpected(std::move(record).error()));
  if (*record && (*record)->external)
    return get_external(**record, request, caller, std::move(done));
  std::optional<object::Range> range;
  if (request.length != 0) range = object::Range{request.offset, request.length};
  store_.get(codec::blob_object_name(request.blob, request.block), range, caller.deadline,
             [problem = store_error_, done = std::move(done)](Result<std::string> got) mutable {
               if (got) {
                 problem->with([](std::string& error) { error.clear(); });
                 done(codec::encoded(codec::Bytes{*std::move(got)}));
               } else {
                 note(*problem, got.error());
                 done(std::unexpected(std::move(got).error()));
               }
             });
}

// An object that is gone or another one by now is lost to whoever reads the file.
void Service::get_external(const codec::BlobRecord& record, const codec::GetBlockRequest& request,
                           const Caller& caller, Done done) {
  uint64_t start = uint64_t{request.block} * codec::kBlockBytes;
  uint64_t bytes = start < record.bytes ? std::min(codec::kBlockBytes, record.bytes - start) : 0;
  if (bytes == 0 || request.offset > bytes || request.length > bytes - request.offset) {
    done(fail(Code::invalid_argument, "block ", request.block, " of blob ", request.blob, " has ",
              bytes, " bytes, not ", request.length, " at ", request.offset));
    return;
  }
  codec::External object = *record.external;
  object.offset += start + request.offset;
  uint64_t length = request.length == 0 ? bytes - request.offset : request.length;
  background_.externals().read(
      object, length, caller.deadline, [done = std::move(done)](Result<std::string> got) mutable {
        if (got) return done(codec::encoded(codec::Bytes{*std::move(got)}));
        Error error = std::move(got).error();
        if (error.code() == Code::not_found || error.code() == Code::aborted) {
          bool gone = error.code() == Code::not_found;
          error = Error(Code::data_loss, str(gone ? "the imported object is gone: "
                                                  : "the imported object was replaced: ",
                                             error.message()))
                      .with_hint("bring the object back, or import it again");
        }
        done(std::unexpected(std::move(error)));
      });
}

}  // namespace nokv::shard
