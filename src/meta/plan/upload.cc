#include "meta/plan/plan.h"

namespace nokv::meta::planning {

Result<OperationResult> run(Transaction& txn, const codec::OpenUpload& op) {
  if (op.blobs == 0 || op.blobs > codec::kBodyBlobsMax) {
    return fail(Code::resource_exhausted, "an upload of ", op.blobs, " blobs; it has 1 to ",
                codec::kBodyBlobsMax, " (", codec::kBodyBlobsMax / 16, " GiB)");
  }
  OperationResult out;
  out.upload = txn.new_id();
  out.first_blob = txn.new_ids(op.blobs);
  codec::UploadRecord record{out.first_blob, op.blobs, txn.now_ns()};
  txn.set(codec::number_key(codec::Table::upload, out.upload), codec::encoded(record));
  return out;
}

Result<OperationResult> run(Transaction& txn, const codec::CloseUpload& op) {
  std::string key = codec::number_key(codec::Table::upload, op.upload);
  NOKV_ASSIGN(auto record, txn.view().present<codec::UploadRecord>(key));
  if (!record || record->closed_ns != 0) return OperationResult();  // closed is closed
  record->closed_ns = txn.now_ns();
  txn.set(key, codec::encoded(*record));
  return OperationResult();
}

}  // namespace nokv::meta::planning
