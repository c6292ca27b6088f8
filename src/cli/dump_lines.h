// The lines of a dump: docs/formats/dump.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "codec/rpc.h"

namespace nokv::cli {

constexpr uint64_t kDumpVersion = 1;
constexpr size_t kDumpLineMax = 1 << 20;      // bytes of a line
constexpr size_t kDumpDataBytes = 192 << 10;  // of a body in one line, at most

// The first line.
struct DumpHeader {
  uint64_t dump = kDumpVersion;
  std::string namespace_id;
  std::string path;  // what was dumped
  uint64_t version = 0;
  int64_t time_ns = 0;
  bool bodies = false;  // the bytes of files are in it
};

// A snapshot that could be read when it was dumped; nothing is made of it.
struct DumpSnapshot {
  codec::SnapshotInfo snapshot;
};

// A node, or a further name of one.
struct DumpNode {
  std::string path;    // below what was dumped: "/" is that itself
  codec::Entry entry;  // kind, attributes, extended attributes, body, target
  std::string link;    // the path of an earlier line, of which this is another name; of `entry`
                       // only the ctime is told
};

// The next bytes of the file in the line before.
struct DumpData {
  std::string bytes;
};

// The last line: a dump without it is cut off.
struct DumpEnd {
  uint64_t nodes = 0;  // lines of nodes
};

using DumpLine = std::variant<DumpHeader, DumpSnapshot, DumpNode, DumpData, DumpEnd>;

// Without the line break.
std::string dump_text(const DumpHeader& line);
std::string dump_text(const DumpSnapshot& line);
std::string dump_text(const DumpNode& line);
std::string dump_text(const DumpData& line);
std::string dump_text(const DumpEnd& line);

// Errors: invalid_argument, with what is wrong. A field that is not known is passed over.
Result<DumpLine> parse_dump_line(std::string_view text);

}  // namespace nokv::cli
