// nokv::Client: the namespace, for programs. Blocking, thread-safe.
//
//   nokv::Client client({.transport = std::move(transport), .env = env, .http = &http}, {});
//   client::StringSource source("hello");
//   NOKV_TRY(client.put({.target = {.path = "/greeting"}, .parents = true}, source));
//   NOKV_ASSIGN(std::string text, client.read({.target = {.path = "/greeting"}}, 1 << 20));
//
// Requests and answers are those of codec/rpc.h. Everything that changes the namespace goes through
// one session, so what is repeated after a lost connection takes effect once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/env/env.h"
#include "base/result.h"
#include "client/stream.h"
#include "client/transport.h"
#include "client/wait.h"
#include "client/watcher.h"
#include "codec/rpc.h"

namespace nokv::net {
class HttpClient;
}

namespace nokv {

class Client;

namespace client {

enum class DigestChoice : uint8_t {
  by_size,   // sha256 up to 64 MiB, xxh3-128 above
  sha256,    // what ordinary tools can check
  xxh3_128,  // ten times as fast
  none,
};

struct ClientOptions {
  // How long a server or object store that does not answer is tried, where a call says nothing
  // else.
  Duration deadline = std::chrono::seconds(10);
  int parallel_requests = 16;             // for blocks, over all calls
  uint64_t buffer_bytes_max = 256 << 20;  // blocks on their way, over all calls; at least 8 MiB
  uint64_t cache_bytes_max = 128 << 20;   // verified blocks kept for reading again
  uint64_t early_bytes_max = 16 << 20;    // requests kept until the server has them durable
  std::string producer;                   // of the bodies written
  DigestChoice digest = DigestChoice::by_size;
};

// What a client is made of. `env` and `http` outlive it.
struct ClientParts {
  std::unique_ptr<Transport> transport;
  Env env;
  net::HttpClient* http = nullptr;  // null: presigned URLs are not used
};

// How long, and until when.
struct CallOptions {
  // For each request that the call makes, its repetitions included; a body of any size may take as
  // long as it makes progress.
  std::optional<Duration> deadline = {};
  // Asking to stop ends the call with `cancelled`; uploads are closed at once.
  std::stop_token stop = {};
};

struct WriteOptions {
  codec::Durability durability = codec::Durability::durable;
  bool dry_run = false;  // decides and answers, changes nothing; bodies are not uploaded
  CallOptions call = {};
};

// What one operation did, and in which record.
struct Committed {
  uint64_t version = 0;
  int64_t time_ns = 0;
  codec::OperationResult result;
};

struct BodyOptions {
  // How many bytes the source gives; another number of them is an error. Without it at most
  // kUnknownSizeMax.
  std::optional<uint64_t> size = {};
  std::string content_type = {};   // empty: by the file's name, then by a look at the bytes,
  bool guess_content_type = true;  // unless it is to stay so
  std::optional<std::string> producer = {};
  std::optional<DigestChoice> digest = {};
};
// A body whose size is not told ends with invalid_argument beyond this: 64 blobs.
constexpr uint64_t kUnknownSizeMax = 64 * codec::kBlobBytes;

// One operation of a set. With a source, `op` is a Publish or an Append and gets its body from it.
struct WriteItem {
  codec::Operation op;
  // Called when its turn comes, so that a set of many files holds few of them open.
  std::move_only_function<Result<std::unique_ptr<Source>>()> source = {};
  BodyOptions body = {};
};

struct StatOptions {
  codec::ReadAt at = {};
  bool follow = false;
  CallOptions call = {};
};

// One node, and the version it was read at.
struct Stat {
  uint64_t version = 0;
  int64_t time_ns = 0;
  codec::Entry entry;
};

struct OpenOptions {
  codec::Target target = {};
  codec::ReadAt at = {};
  uint64_t generation = 0;  // aborted when the file has another one; 0: any
  uint64_t offset = 0;      // where reading will begin
  uint64_t length = 0;      // and how much of it, as far as known; 0: unknown
  // Who reads a whole body, at once or from its beginning to its end, gets it checked against its
  // digest. Without it each block is checked against its checksum all the same; SHA-256, of bodies
  // up to 64 MiB, takes forty times as long as that.
  bool check_digest = true;
  CallOptions call = {};
};

// A range of the file that `open` names.
struct RangeRequest {
  OpenOptions open;
  uint64_t offset = 0;
  uint64_t length = 0;
};

struct ListOptions {
  codec::Target target = {};
  codec::ReadAt at = {};
  std::string after = {};  // begins after this name
  uint32_t page = 1000;    // entries asked for at a time, at most 10,000
  CallOptions call = {};
};

struct WatchOptions {
  std::string path = "/";  // as events tell it: from the root, no symlink is followed
  bool here_only = false;  // of what is below only the entries of `path` itself
  uint32_t kinds = 0;      // event_kinds(); 0: all but moments
  // After a cursor, "oldest", or what --at accepts; empty: what happens from now on.
  std::string since = {};
  uint32_t page = 1000;   // events asked for at a time, at most 10,000
  CallOptions call = {};  // the deadline is for a server that does not answer
};

class Walker;  // client/walk.h
class Core;    // what the parts of a client share

// An open file at one generation: what is read never changes, whatever becomes of its name.
// Thread-safe; every call blocks. May outlive neither the client nor its transport.
class Reader {
 public:
  virtual ~Reader() = default;

  // The file as it was opened: attributes, body, id. `version()` was read at.
  virtual const codec::Entry& entry() const = 0;
  virtual uint64_t version() const = 0;
  virtual int64_t time_ns() const = 0;
  uint64_t size() const { return entry().body.size; }

  // Up to `buffer.size()` bytes at `offset`; shorter only at the end of the file. Every byte was
  // checked against its block's checksum. Reading on where the last call ended reads ahead; with
  // OpenOptions::check_digest the call that ends a body read from its beginning on checks it whole.
  // Errors: data_loss (a block is damaged or gone, or the digest is another; the message names
  // path, generation and block),
  // unavailable, cancelled, not_found (the generation was collected).
  virtual Result<size_t> read_at(uint64_t offset, std::span<char> buffer) = 0;

  // The same into a string of its own.
  Result<std::string> read_at(uint64_t offset, size_t length);

  // Many ranges at once; their blocks are fetched in parallel. One result for each, in order.
  struct Range {
    uint64_t offset = 0;
    uint64_t length = 0;
  };
  virtual std::vector<Result<std::string>> read_many(std::span<const Range> ranges) = 0;

  // Gives `length` bytes from `offset` on to `sink`, in order, fetching blocks in parallel under
  // the client's memory bound. With OpenOptions::check_digest a whole body is checked against its
  // digest too (data_loss, after the last write). Returns how many bytes were given.
  virtual Result<uint64_t> copy_to(Sink& sink, uint64_t offset = 0,
                                   uint64_t length = UINT64_MAX) = 0;
};

// The entries of a directory, page by page, all of one version. From the second page on the next
// one is asked for while this one is read.
class Lister {
 public:
  // The next entry, or none at the end. Blocks where a page ends. After an error the lister is at
  // its end.
  Result<std::optional<codec::Entry>> next();

  // Of the first page on: the version that is listed, and the directory itself (after the first
  // next()).
  uint64_t version() const { return page_.version; }
  int64_t time_ns() const { return page_.time_ns; }
  const codec::Entry& directory() const { return page_.directory; }

 private:
  friend class nokv::Client;
  Lister(Client& client, ListOptions options) : client_(client), options_(std::move(options)) {}

  codec::ListRequest next_request() const;
  Result<> next_page();

  Client& client_;
  ListOptions options_;
  codec::ListReply page_;
  size_t at_ = 0;
  size_t pages_ = 0;                             // that came so far
  std::optional<Wait<codec::ListReply>> ahead_;  // the page after this one, on its way
};

}  // namespace client

// Thread-safe. Every call blocks until it is answered or its deadline has passed. Never call it on
// a thread that runs the transport's or the HTTP client's callbacks.
// Errors: those of the namespace (codec/rpc.h), unavailable and cancelled (nobody answered in
// time), each `maybe_done` when the change may have happened all the same.
class Client {
 public:
  Client(client::ClientParts parts, client::ClientOptions options);
  // As close(), without waiting for what is still early.
  ~Client();

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // ---- changes

  // All operations or none, in order; one result for each.
  Result<codec::CommitReply> commit(std::vector<codec::Operation> operations,
                                    const client::WriteOptions& options = {});
  // The same for one.
  Result<client::Committed> commit_one(codec::Operation operation,
                                       const client::WriteOptions& options = {});

  // As commit(), when bodies come from sources: they are uploaded in parallel, then everything is
  // committed in one request. When anything fails nothing is changed and the upload is closed.
  Result<codec::CommitReply> write(std::vector<client::WriteItem> items,
                                   const client::WriteOptions& options = {});

  // Creates or replaces one file; `publish.body` is filled in from `source`.
  Result<client::Committed> put(codec::Publish publish, client::Source& source,
                                const client::BodyOptions& body = {},
                                const client::WriteOptions& options = {});
  Result<client::Committed> append(codec::Append append, client::Source& source,
                                   const client::BodyOptions& body = {},
                                   const client::WriteOptions& options = {});

  // One operation each: these say at the call what commit_one() would be given.
  Result<client::Committed> mkdir(codec::Mkdir op, const client::WriteOptions& options = {});
  Result<client::Committed> remove(codec::Remove op, const client::WriteOptions& options = {});
  Result<client::Committed> rename(codec::Rename op, const client::WriteOptions& options = {});
  Result<client::Committed> link(codec::Link op, const client::WriteOptions& options = {});
  // Symlinks and special nodes.
  Result<client::Committed> make_node(codec::MakeNode op, const client::WriteOptions& options = {});
  Result<client::Committed> symlink(std::string link_target, codec::Target at,
                                    const client::WriteOptions& options = {});
  Result<client::Committed> set_attributes(codec::SetAttributes op,
                                           const client::WriteOptions& options = {});
  // Without a value the attribute is removed.
  Result<client::Committed> set_xattr(codec::SetXattr op, const client::WriteOptions& options = {});
  Result<client::Committed> remove_xattr(codec::Target target, std::string name,
                                         const client::WriteOptions& options = {});
  Result<client::Committed> copy(codec::Copy op, const client::WriteOptions& options = {});
  Result<client::Committed> clone(codec::Clone op, const client::WriteOptions& options = {});
  Result<client::Committed> rollback(codec::Rollback op, const client::WriteOptions& options = {});
  Result<client::Committed> undelete(codec::Undelete op, const client::WriteOptions& options = {});
  Result<client::Committed> snapshot_create(codec::SnapshotCreate op,
                                            const client::WriteOptions& options = {});
  Result<client::Committed> snapshot_remove(codec::SnapshotRemove op,
                                            const client::WriteOptions& options = {});
  Result<client::Committed> snapshot_renew(codec::SnapshotRenew op,
                                           const client::WriteOptions& options = {});
  // What may lie below a directory at most. Errors of every change below it: quota_exceeded.
  Result<client::Committed> set_quota(codec::SetQuota op, const client::WriteOptions& options = {});
  Result<client::Committed> set_policy(codec::RetentionPolicy policy,
                                       const client::WriteOptions& options = {});

  // Everything this client was told early is durable when it returns; returns the version up to
  // which the server has all. Errors: that of an early change which was refused when it had to be
  // sent again, told once.
  Result<uint64_t> sync(const client::CallOptions& options = {});

  // ---- reading

  Result<client::Stat> stat(codec::Target target, const client::StatOptions& options = {});
  // Any number of targets; one result for each, of one version when they are at most 1,000.
  Result<codec::StatReply> stat_many(std::vector<codec::Target> targets,
                                     const client::StatOptions& options = {});

  // One page.
  Result<codec::ListReply> list_page(codec::ListRequest request,
                                     const client::CallOptions& options = {});
  // All pages, one after another. The client outlives the lister.
  client::Lister list(client::ListOptions options);

  // The client outlives the reader. Errors: is_directory, not_found, aborted (another generation).
  Result<std::unique_ptr<client::Reader>> open_read(client::OpenOptions options);
  // The whole body. Errors: also resource_exhausted when it is longer than `limit`.
  Result<std::string> read(client::OpenOptions options, uint64_t limit);
  // Ranges of many files; each file is opened once, and all blocks are fetched in parallel. One
  // result for each, in order.
  std::vector<Result<std::string>> read_many(std::vector<client::RangeRequest> requests);

  Result<codec::SnapshotsReply> snapshots(const codec::SnapshotsRequest& request = {},
                                          const client::CallOptions& options = {});
  // One page of what differs. Errors: failed_precondition when the two have nothing in common.
  Result<codec::DiffReply> diff(codec::DiffRequest request,
                                const client::CallOptions& options = {});

  // The quotas that bind in a directory: its own, and those of the directories above it.
  Result<codec::QuotaReply> quota(codec::QuotaRequest request,
                                  const client::CallOptions& options = {});
  // One page of the directories that have a quota.
  Result<codec::QuotasReply> quotas(codec::QuotasRequest request,
                                    const client::CallOptions& options = {});

  Result<codec::LogReply> log(const codec::LogRequest& request,
                              const client::CallOptions& options = {});

  // ---- events

  // From when it returns nothing is missed. The client outlives the watcher. Errors: not_found and
  // invalid_argument (`since`, the path), cursor_too_old.
  Result<client::Watcher> watch(const client::WatchOptions& options);

  // ---- the server

  Result<> ping(const client::CallOptions& options = {});
  Result<codec::StatusReply> init(const codec::InitRequest& request = {},
                                  const client::CallOptions& options = {});
  Result<codec::StatusReply> status(const client::CallOptions& options = {});
  Result<codec::SpaceReply> space(const client::CallOptions& options = {});
  Result<codec::GcReply> gc(const codec::GcRequest& request = {},
                            const client::CallOptions& options = {});
  Result<codec::FsckReply> fsck(const codec::FsckRequest& request = {},
                                const client::CallOptions& options = {});
  Result<> checkpoint(const client::CallOptions& options = {});
  // Of the metadata, made by the server; answered when it is there.
  Result<codec::BackupReply> backup(const codec::BackupRequest& request = {},
                                    const client::CallOptions& options = {});
  Result<codec::BackupsReply> backups(const codec::BackupsRequest& request = {},
                                      const client::CallOptions& options = {});
  Result<codec::BackupsReply> backup_remove(const codec::BackupRemoveRequest& request,
                                            const client::CallOptions& options = {});
  // One page of the objects of a bucket that the server may import from. One becomes a file by a
  // Publish whose body names it (codec::NewBody::external), without being copied.
  // Errors: permission_denied (the server does not read there), failed_precondition (bodies of a
  // namespace lie there), invalid_argument, not_found (the bucket), unavailable.
  Result<codec::ListObjectsReply> list_objects(const codec::ListObjectsRequest& request,
                                               const client::CallOptions& options = {});
  Result<codec::PolicyReply> policy(const client::CallOptions& options = {});
  // JSON.
  Result<std::string> server_stats(const client::CallOptions& options = {});

  // ---- the client itself

  // Waits for what is still early, then closes the session; both within the deadline. Every call
  // after it fails with failed_precondition. Errors: as sync().
  Result<> close(const client::CallOptions& options = {});

  struct Counters {
    uint64_t requests = 0;  // sent over the transport, repetitions included
    uint64_t retries = 0;
    uint64_t blocks_put = 0;
    uint64_t blocks_fetched = 0;
    uint64_t blocks_cached = 0;      // reads that the cache answered
    uint64_t buffer_bytes_peak = 0;  // the most that blocks on their way took at once
  };
  Counters counters() const;

 private:
  friend class client::Lister;
  friend class client::Walker;
  // Sends the request for a page.
  client::Wait<codec::ListReply> ask_page(codec::ListRequest request,
                                          const client::CallOptions& options);

  std::unique_ptr<client::Core> core_;
};

}  // namespace nokv
