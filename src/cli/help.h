// The table of commands, told in every form that people and shells read.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace nokv::cli {

// All commands, by group.
std::string help_overview();
// One command, or a family ("snapshot").
std::string help_command(const Command& command);
std::string help_family(std::string_view family);

// man-pages in roff. The name of a page's file is page_name() + ".1".
std::string man_page(const Command& command);
std::string man_overview();
std::string page_name(const Command& command);

// docs/cli.md.
std::string help_markdown();

// Scripts for `source`: bash, zsh, fish.
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

// "  -r, --recursive     directories too", wrapped; for every option.
std::string option_lines(const Command& command);

// `text` broken at spaces so that no line is longer than `width`, each line after `indent` spaces.
std::string wrapped(std::string_view text, size_t indent, size_t width);

// "-n, --lines N".
std::string option_title(const Option& option);

}  // namespace nokv::cli
