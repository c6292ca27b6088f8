// From the words of a command line to an exit code.
#include <algorithm>

#include "cli/context.h"
#include "cli/help.h"
#include "cli/version.h"

namespace nokv::cli {
namespace {

// Whether `words` name a command before the first thing that is wrong; for errors of usage.
int usage_failed(Output& out, const Error& error) {
  out.error(error);
  out.flush();
  return static_cast<int>(Exit::usage);
}

void print_help(Output& out, const std::string& topic) {
  const Command* command = find_command(topic);
  out.write(command != nullptr ? help_command(*command)
            : is_family(topic) ? help_family(topic)
                               : help_overview());
}

void set_options(Output& out, const Settings& settings, const Doors& doors, const Arguments& args) {
  out.options.bytes = settings.flag("bytes");
  const std::string& color = settings.text("color");
  bool no_color = doors.surroundings.environment("NO_COLOR").value_or("") != "";
  out.options.color = color == "always" || (color == "auto" && doors.out_terminal && !no_color);
  out.options.progress = out.json() ? args.global_flag("progress") : doors.err_terminal;
}

int finish(Output& out, Exit exit) {
  out.flush();
  if (out.broken() != nullptr && exit == Exit::done) {
    Error error = *out.broken();
    out.warn(str("nokv ", out.options.command, ": ", error.message()));
    exit = Exit::refused;
  }
  return static_cast<int>(exit);
}

}  // namespace

int run_command_line(const std::vector<std::string>& words, Doors& doors) {
  Output out(doors.out, doors.err);
  out.options.json = asks_for_json(words);
  std::string failed;
  auto line = parse_line(words, failed);
  if (!line) {
    out.options.command = failed;
    return usage_failed(out, line.error());
  }
  if (line->what == ParsedLine::What::help) {
    print_help(out, line->topic);
    return finish(out, Exit::done);
  }
  if (line->what == ParsedLine::What::version) {
    out.line(version_line());
    return finish(out, Exit::done);
  }
  const Arguments& args = line->arguments;
  out.options.command = args.command().name;
  auto settings = Settings::load(doors.env.files, doors.surroundings, args);
  if (!settings) return usage_failed(out, settings.error());
  set_options(out, *settings, doors, args);

  Exit exit = Exit::done;
  {
    Context context(args, *settings, out, doors);
    auto result = args.command().run(context);
    exit = result ? *result : context.fail_with(std::move(result).error());
  }
  return finish(out, exit);
}

}  // namespace nokv::cli
