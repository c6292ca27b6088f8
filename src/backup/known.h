// Where backups of a namespace are kept, and since when: what is deleted has to be in the oldest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/env/files.h"
#include "base/result.h"
#include "codec/backup.h"

namespace nokv::backup {

// The backups at one place.
struct Known {
  int64_t oldest_ns = 0;  // log time of the oldest one's version
  uint64_t version = 0;   // the newest one's; 0: none was whole yet
  int64_t time_ns = 0;    // and its log time
  bool operator==(const Known&) const = default;
};

// By URL; kOwnPlace is the namespace's own object store.
using KnownBackups = std::map<std::string, Known>;
constexpr std::string_view kOwnPlace = "own";
// The prefix of backups there.
constexpr std::string_view kOwnPrefix = "backups/";

// The file DIR/backups: docs/formats/directory.md
constexpr std::string_view kKnownFile = "backups";

std::string encode_known(const KnownBackups& known);
// Errors: data_loss.
Result<KnownBackups> decode_known(std::string_view text);

// Reads and writes the file in the data directory `dir`; one that is missing is empty. Both block.
// Errors: those of Files, data_loss (names the file).
Result<KnownBackups> read_known(Files& files, const std::string& dir);
Result<> write_known(Files& files, const std::string& dir, const KnownBackups& known);

}  // namespace nokv::backup
