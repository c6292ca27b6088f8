// Publishes local files and trees in batches: each batch appears at once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/local_tree.h"
#include "cli/progress.h"
#include "cli/write_rules.h"

namespace nokv::cli {

struct PutRules {
  WriteRules write;
  std::string content_type;
  std::optional<std::string> producer;
  std::optional<client::DigestChoice> digest;
};

// What has been put, and what not.
struct PutCount {
  uint64_t files = 0;
  uint64_t bytes = 0;
  size_t done = 0;  // files, directories and links
  size_t failed = 0;
  std::optional<Error> worst;
};

// One thread. Files are opened when their batch is sent, and only then.
class TreePutter {
 public:
  TreePutter(Context& context, Client& client, PutRules rules, Progress& progress)
      : context_(context), client_(client), rules_(std::move(rules)), progress_(progress) {}

  // A directory with all that is in it, as `path`. Devices, sockets and fifos are passed over with
  // a note. Errors: those after which going on makes no sense; others are told and counted.
  Result<> directory(const LocalDirectory& local, const LocalInfo& info, const std::string& path);

  // Sends what is left.
  Result<> finish();

  // Tell each file (with --json), or only count.
  bool tell_files = true;
  const PutCount& count() const { return count_; }

 private:
  struct Job {
    std::string path;
    codec::Operation operation;
    std::optional<LocalDirectory> directory;  // of a file to be read
    std::string name;
    uint64_t size = 0;
  };

  Result<> add(Job job);
  Result<> send();
  Result<codec::CommitReply> commit(std::span<const Job> jobs);
  void tell(const Job& job, const codec::OperationResult& result, uint64_t version);
  Result<> one_by_one(const std::vector<Job>& jobs);
  Result<> failed(Error error, const std::string& path);

  Context& context_;
  Client& client_;
  PutRules rules_;
  Progress& progress_;
  std::vector<Job> jobs_;
  uint64_t job_bytes_ = 0;
  PutCount count_;
};

// The Publish that puts a file of those permissions at `path`.
codec::Publish publish_at(const std::string& path, const WriteRules& rules, uint32_t mode);

}  // namespace nokv::cli
