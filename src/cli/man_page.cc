// Pages for man(1), in roff's man macros.
#include "cli/help.h"

namespace nokv::cli {
namespace {

// What roff would take for a request or an escape is made plain; a dash is a minus sign, so that
// options can be copied.
std::string roff(std::string_view text) {
  std::string out;
  bool line_start = true;
  size_t columns = 0;
  for (char c : text) {
    // Each sentence on its own line keeps the lines of the source short, as roff wants it.
    if (c == ' ' && columns > 60) c = '\n';
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else {
      out += c;
    }
    line_start = c == '\n';
    columns = line_start ? 0 : columns + 1;
  }
  return out;
}

// roff's readers want a date in every page; the pages say what this program does, whenever it was
// built, so it is the day their form was last changed.
constexpr std::string_view kDate = "2026-11-26";

std::string head(std::string_view name, std::string_view summary) {
  std::string upper(name);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return str(".TH ", roff(upper), " 1 \"", kDate, "\" \"nokv\" \"nokv\"\n.SH NAME\n", roff(name),
             " \\- ", roff(summary), "\n");
}

std::string text_paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    size_t end = text.find("\n\n");
    out += str(out.empty() ? "" : ".PP\n", roff(text.substr(0, end)), "\n");
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

std::string option_item(const Option& option) {
  return str(".TP\n.B ", roff(option_title(option)), "\n", roff(option.help), "\n");
}

constexpr std::string_view kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n0\ndone\n"
    ".TP\n1\nrefused, not found, damaged, over a limit; nothing changed\n"
    ".TP\n2\nusage: found wrong before anything was sent\n"
    ".TP\n3\npartly done; what was and was not is listed\n"
    ".TP\n4\nthe server or the object store cannot be reached\n"
    ".TP\n5\nthe outcome is unknown; the message says how to find out\n";

}  // namespace

std::string page_name(const Command& command) {
  std::string name = str("nokv-", command.name);
  for (char& c : name) {
    if (c == ' ') c = '-';
  }
  return name;
}

std::string man_page(const Command& command) {
  std::string out = head(page_name(command), command.summary);
  out += str(".SH SYNOPSIS\n.B ", roff(usage_line(command)), "\n");
  out += str(".SH DESCRIPTION\n",
             text_paragraphs(command.text.empty() ? command.summary : command.text));
  if (!command.options.empty()) {
    out += ".SH OPTIONS\n";
    for (const auto& it : command.options) out += option_item(it);
    out += ".PP\nThe options that every command takes are in\n.BR nokv (1).\n";
  }
  out += kExitStatus;
  if (!command.examples.empty()) {
    out += ".SH EXAMPLES\n";
    for (const auto& it : command.examples) {
      out += str(".TP\n.B ", roff(it.line), "\n", roff(it.what.empty() ? command.summary : it.what),
                 "\n");
    }
  }
  out += ".SH SEE ALSO\n.BR nokv (1)\n";
  return out;
}

std::string man_overview() {
  std::string out = head("nokv", "a versioned filesystem for what agents and training jobs leave");
  out += ".SH SYNOPSIS\n.B nokv\n[OPTION]... COMMAND [ARGUMENT]...\n.SH COMMANDS\n";
  for (const auto& it : commands()) {
    out += str(".TP\n.BR ", roff(page_name(it)), " (1)\n", roff(it.summary), "\n");
  }
  out += ".SH OPTIONS\nAccepted before and after the command's name.\n";
  for (const auto& it : global_options()) out += option_item(it.option);
  out += ".SH ENVIRONMENT\n";
  for (const auto& it : global_options()) {
    if (it.setting) out += str(".TP\n.B ", it.env, "\nas ", roff(str("--", it.option.name)), "\n");
  }
  out += ".TP\n.B NOKV_CONFIG\nthe config file\n.TP\n.B NO_COLOR\nno colours\n";
  out += kExitStatus;
  return out;
}

}  // namespace nokv::cli
