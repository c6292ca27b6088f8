// Every struct that is stored or travels, for tests that hold for all of them.
#pragma once

#include "codec/backup.h"
#include "codec/operation.h"
#include "codec/record.h"
#include "codec/redo.h"
#include "codec/rpc.h"

namespace nokv::codec {

// Values of tables, and what they are made of: docs/formats/records.md.
void for_each_record(auto&& visit) {
  visit.template operator()<Attributes>("Attributes");
  visit.template operator()<Xattr>("Xattr");
  visit.template operator()<Digest>("Digest");
  visit.template operator()<Body>("Body");
  visit.template operator()<Inode>("Inode");
  visit.template operator()<Totals>("Totals");
  visit.template operator()<Quota>("Quota");
  visit.template operator()<Dentry>("Dentry");
  visit.template operator()<Directory>("Directory");
  visit.template operator()<NodeRecord>("NodeRecord");
  visit.template operator()<LinkRecord>("LinkRecord");
  visit.template operator()<MovedRecord>("MovedRecord");
  visit.template operator()<Extent>("Extent");
  visit.template operator()<ChunkRecord>("ChunkRecord");
  visit.template operator()<CloneRecord>("CloneRecord");
  visit.template operator()<CloneLife>("CloneLife");
  visit.template operator()<FlatStep>("FlatStep");
  visit.template operator()<FlatClone>("FlatClone");
  visit.template operator()<Shortcut>("Shortcut");
  visit.template operator()<RootRecord>("RootRecord");
  visit.template operator()<External>("External");
  visit.template operator()<BlobRecord>("BlobRecord");
  visit.template operator()<InlineRecord>("InlineRecord");
  visit.template operator()<PinRecord>("PinRecord");
  visit.template operator()<Label>("Label");
  visit.template operator()<SnapshotRecord>("SnapshotRecord");
  visit.template operator()<IdRange>("IdRange");
  visit.template operator()<SessionRecord>("SessionRecord");
  visit.template operator()<RequestRecord>("RequestRecord");
  visit.template operator()<UploadRecord>("UploadRecord");
  visit.template operator()<LadderStep>("LadderStep");
  visit.template operator()<RetentionPolicy>("RetentionPolicy");
  visit.template operator()<StateRecord>("StateRecord");
}

// What the log holds: docs/formats/redo.md.
void for_each_redo(auto&& visit) {
  visit.template operator()<Change>("Change");
  visit.template operator()<Set>("Set");
  visit.template operator()<NewBlob>("NewBlob");
  visit.template operator()<Event>("Event");
  visit.template operator()<NewPin>("NewPin");
  visit.template operator()<RenewedPin>("RenewedPin");
  visit.template operator()<MendedReferences>("MendedReferences");
  visit.template operator()<MendedClone>("MendedClone");
  visit.template operator()<Upkeep>("Upkeep");
  visit.template operator()<RedoRecord>("RedoRecord");
  visit.template operator()<RedoGroup>("RedoGroup");
}

// What a CommitRequest can hold: docs/formats/rpc.md.
void for_each_operation(auto&& visit) {
  visit.template operator()<Mkdir>("Mkdir");
  visit.template operator()<Publish>("Publish");
  visit.template operator()<Append>("Append");
  visit.template operator()<MakeNode>("MakeNode");
  visit.template operator()<Link>("Link");
  visit.template operator()<Rename>("Rename");
  visit.template operator()<Remove>("Remove");
  visit.template operator()<SetAttributes>("SetAttributes");
  visit.template operator()<SetXattr>("SetXattr");
  visit.template operator()<Check>("Check");
  visit.template operator()<SnapshotCreate>("SnapshotCreate");
  visit.template operator()<SnapshotRemove>("SnapshotRemove");
  visit.template operator()<SnapshotRenew>("SnapshotRenew");
  visit.template operator()<SetPolicy>("SetPolicy");
  visit.template operator()<OpenUpload>("OpenUpload");
  visit.template operator()<CloseUpload>("CloseUpload");
  visit.template operator()<Undelete>("Undelete");
  visit.template operator()<Copy>("Copy");
  visit.template operator()<Clone>("Clone");
  visit.template operator()<Rollback>("Rollback");
  visit.template operator()<KeepUndo>("KeepUndo");
  visit.template operator()<SetQuota>("SetQuota");
}

// Requests, answers and their parts: docs/formats/rpc.md.
void for_each_rpc(auto&& visit) {
  visit.template operator()<Target>("Target");
  visit.template operator()<NewBody>("NewBody");
  visit.template operator()<CommitRequest>("CommitRequest");
  visit.template operator()<OperationResult>("OperationResult");
  visit.template operator()<CommitReply>("CommitReply");
  visit.template operator()<ReadAt>("ReadAt");
  visit.template operator()<ClonedFrom>("ClonedFrom");
  visit.template operator()<Entry>("Entry");
  visit.template operator()<Failure>("Failure");
  visit.template operator()<StatRequest>("StatRequest");
  visit.template operator()<StatResult>("StatResult");
  visit.template operator()<StatReply>("StatReply");
  visit.template operator()<ListRequest>("ListRequest");
  visit.template operator()<ListReply>("ListReply");
  visit.template operator()<PlanExtent>("PlanExtent");
  visit.template operator()<BlobAccess>("BlobAccess");
  visit.template operator()<BodyPlan>("BodyPlan");
  visit.template operator()<OpenRequest>("OpenRequest");
  visit.template operator()<OpenReply>("OpenReply");
  visit.template operator()<AccessRequest>("AccessRequest");
  visit.template operator()<PutBlockRequest>("PutBlockRequest");
  visit.template operator()<GetBlockRequest>("GetBlockRequest");
  visit.template operator()<Bytes>("Bytes");
  visit.template operator()<SnapshotsRequest>("SnapshotsRequest");
  visit.template operator()<SnapshotInfo>("SnapshotInfo");
  visit.template operator()<SnapshotsReply>("SnapshotsReply");
  visit.template operator()<LogRequest>("LogRequest");
  visit.template operator()<LogEntry>("LogEntry");
  visit.template operator()<LogReply>("LogReply");
  visit.template operator()<BodyFacts>("BodyFacts");
  visit.template operator()<Difference>("Difference");
  visit.template operator()<DiffRequest>("DiffRequest");
  visit.template operator()<DiffReply>("DiffReply");
  visit.template operator()<QuotaInfo>("QuotaInfo");
  visit.template operator()<QuotaRequest>("QuotaRequest");
  visit.template operator()<QuotaReply>("QuotaReply");
  visit.template operator()<QuotasRequest>("QuotasRequest");
  visit.template operator()<QuotasReply>("QuotasReply");
  visit.template operator()<WatchRequest>("WatchRequest");
  visit.template operator()<WatchEvent>("WatchEvent");
  visit.template operator()<WatchReply>("WatchReply");
  visit.template operator()<InitRequest>("InitRequest");
  visit.template operator()<StatusReply>("StatusReply");
  visit.template operator()<SpaceRow>("SpaceRow");
  visit.template operator()<SpaceReply>("SpaceReply");
  visit.template operator()<GcRequest>("GcRequest");
  visit.template operator()<GcReply>("GcReply");
  visit.template operator()<FsckRequest>("FsckRequest");
  visit.template operator()<Problem>("Problem");
  visit.template operator()<FsckReply>("FsckReply");
  visit.template operator()<BackupRequest>("BackupRequest");
  visit.template operator()<BackupInfo>("BackupInfo");
  visit.template operator()<BackupReply>("BackupReply");
  visit.template operator()<BackupsRequest>("BackupsRequest");
  visit.template operator()<BackupsReply>("BackupsReply");
  visit.template operator()<BackupRemoveRequest>("BackupRemoveRequest");
  visit.template operator()<ListObjectsRequest>("ListObjectsRequest");
  visit.template operator()<ListedObject>("ListedObject");
  visit.template operator()<ListObjectsReply>("ListObjectsReply");
  visit.template operator()<PolicyReply>("PolicyReply");
  visit.template operator()<SyncRequest>("SyncRequest");
  visit.template operator()<SyncReply>("SyncReply");
}

// What lies in an object store: docs/formats/backup.md.
void for_each_backup(auto&& visit) {
  visit.template operator()<BackupPart>("BackupPart");
  visit.template operator()<BackupFile>("BackupFile");
  visit.template operator()<BackupLog>("BackupLog");
  visit.template operator()<BackupManifest>("BackupManifest");
  visit.template operator()<BackupGroup>("BackupGroup");
  visit.template operator()<BackupGroups>("BackupGroups");
}

void for_each_message(auto&& visit) {
  for_each_record(visit);
  for_each_redo(visit);
  for_each_operation(visit);
  for_each_rpc(visit);
  for_each_backup(visit);
}

}  // namespace nokv::codec
