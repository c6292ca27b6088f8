// What commands that write a file have in common: --create, --replace, --if-generation, and the way
// back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "codec/rpc.h"

namespace nokv::cli {

struct WriteRules {
  codec::Exists exists = codec::Exists::any;
  std::optional<uint64_t> if_generation;
};

// --create, --replace, --if-generation after `more`.
std::vector<Option> with_write_options(std::vector<Option> more);
// Errors: those of usage, when they contradict each other.
Result<WriteRules> write_rules(Context& context);

Option at_option(std::string_view help = "read as it was: a snapshot, v123, a time, an age");

// The command lines that bring back what a change took away; empty when version is 0.
std::string undo_removed(std::string_view path, uint64_t undo_version);
std::string undo_replaced(std::string_view path, uint64_t undo_version);

// The path as an argument for a shell.
std::string path_argument(std::string_view path);

// Tells one written file: JSON, or a line and the way back.
void print_written(Output& out, std::string_view path, const codec::OperationResult& result,
                   uint64_t version, bool dry_run);
// Tells one change: JSON, or the way back and, for a dry run, `what`.
void print_changed(Output& out, std::string_view path, uint64_t version, std::string_view undo,
                   bool dry_run, std::string_view what);

// A refusal of one name; the others of its batch may do.
bool is_refusal(const Error& error);

// Who makes new files: this process's user.
uint32_t own_uid();
uint32_t own_gid();

}  // namespace nokv::cli
