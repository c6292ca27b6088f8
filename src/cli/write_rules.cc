#include "cli/write_rules.h"

#include <utility>

#include <unistd.h>

#include "cli/name_text.h"
#include "cli/render.h"

namespace nokv::cli {

std::vector<Option> with_write_options(std::vector<Option> more) {
  more.push_back({.name = "create", .help = "refuse a file that is there already"});
  more.push_back({.name = "replace", .help = "refuse a file that is not there yet"});
  more.push_back({.name = "if-generation",
                  .value = "G",
                  .kind = ValueKind::number,
                  .help = "refuse unless the file's generation is G"});
  return more;
}

Result<WriteRules> write_rules(Context& context) {
  const Arguments& args = context.args;
  WriteRules rules;
  if (args.has("create") && args.has("replace")) {
    return context.usage("--create and --replace exclude each other");
  }
  if (args.has("create") && args.has("if-generation")) {
    return context.usage("--create and --if-generation exclude each other");
  }
  if (args.has("create")) rules.exists = codec::Exists::create;
  if (args.has("replace")) rules.exists = codec::Exists::replace;
  rules.if_generation = args.number("if-generation");
  return rules;
}

Option at_option(std::string_view help) {
  return {.name = "at", .value = "AT", .kind = ValueKind::at, .help = help};
}

std::string path_argument(std::string_view path) { return shell_quoted(name_shown(path)); }

std::string undo_removed(std::string_view path, uint64_t undo_version) {
  if (undo_version == 0) return {};
  return str("nokv undelete ", path_argument(path), " --at v", undo_version);
}

std::string undo_replaced(std::string_view path, uint64_t undo_version) {
  if (undo_version == 0) return {};
  std::string argument = path_argument(path);
  return str("nokv cp --at v", undo_version, " ", argument, " ", argument);
}

void print_written(Output& out, std::string_view path, const codec::OperationResult& result,
                   uint64_t version, bool dry_run) {
  std::string undo = undo_replaced(path, result.undo_version);
  if (out.json()) {
    JsonObject object = written_json(path, result, version, undo);
    if (dry_run) object.add("dry_run", true);
    return out.line(object);
  }
  std::string_view verb = result.created ? "created" : "replaced";
  std::string line =
      str(name_shown(path), ": ", dry_run ? "would be " : "", verb, ", ", out.size(result.size));
  if (!dry_run) line += str(", generation ", result.generation == 0 ? version : result.generation);
  out.line(line);
  if (!undo.empty() && !dry_run) out.note(str("undo: ", undo));
}

void print_changed(Output& out, std::string_view path, uint64_t version, std::string_view undo,
                   bool dry_run, std::string_view what) {
  if (out.json()) {
    JsonObject object = changed_json(path, version, undo);
    if (dry_run) object.add("dry_run", true);
    return out.line(object);
  }
  if (dry_run) return out.line(str(name_shown(path), ": would be ", what));
  if (!undo.empty()) out.note(str("undo: ", undo));
}

bool is_refusal(const Error& error) {
  return error.outcome() == Outcome::not_done && exit_of(error) == Exit::refused &&
         error.code() != Code::session_expired;
}

uint32_t own_uid() { return ::geteuid(); }
uint32_t own_gid() { return ::getegid(); }

}  // namespace nokv::cli
