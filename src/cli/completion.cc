// Completion scripts for bash, zsh and fish, printed from the table.
#include <algorithm>
#include <vector>

#include "cli/help.h"

namespace nokv::cli {
namespace {

std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const auto& it : commands()) {
    std::string word(it.name.substr(0, it.name.find(' ')));
    if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& it : words) out += (out.empty() ? "" : " ") + it;
  return out;
}

std::string option_words(const std::vector<const Option*>& options) {
  std::vector<std::string> words;
  for (const Option* it : options) {
    words.push_back(str("--", it->name));
    if (it->letter != 0) words.push_back(str("-", std::string(1, it->letter)));
  }
  return joined(words);
}

std::vector<const Option*> own_options(const Command& command) {
  std::vector<const Option*> options;
  for (const auto& it : command.options) options.push_back(&it);
  return options;
}

std::vector<const Option*> globals() {
  std::vector<const Option*> options;
  for (const auto& it : global_options()) options.push_back(&it.option);
  return options;
}

std::string family_words(std::string_view name) {
  std::vector<std::string> words;
  for (const Command* it : family(name)) words.emplace_back(it->name.substr(name.size() + 1));
  return joined(words);
}

// "--object-backend) ... ;;" for options with fixed answers, and those that take a value at all.
std::string bash_value_cases() {
  std::string out;
  std::vector<std::string> seen;
  auto add = [&](const Option& it) {
    if (it.kind == ValueKind::none || std::ranges::find(seen, it.name) != seen.end()) return;
    seen.emplace_back(it.name);
    std::string list;
    for (auto choice : it.choices) list += str(list.empty() ? "" : " ", choice);
    std::string reply = it.kind == ValueKind::choice
                            ? str("COMPREPLY=($(compgen -W '", list, "' -- \"$cur\"))")
                            : "COMPREPLY=($(compgen -f -- \"$cur\"))";
    out += str("    --", it.name, ") ", reply, "; return ;;\n");
  };
  for (const auto& it : global_options()) add(it.option);
  for (const auto& command : commands()) {
    for (const auto& it : command.options) add(it);
  }
  return out;
}

// Colons and quotes mean something inside a zsh specification.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == ':' || c == '[' || c == ']') {
      out += str("\\", std::string(1, c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh_action(const Option& option) {
  if (option.kind == ValueKind::choice) {
    std::string list;
    for (auto it : option.choices) list += str(list.empty() ? "" : " ", it);
    return str("(", list, ")");
  }
  return option.kind == ValueKind::local ? "_files" : "";
}

std::string zsh_specs(const std::vector<const Option*>& options) {
  std::string out;
  for (const Option* it : options) {
    std::string value;
    if (it->kind != ValueKind::none) {
      value = str(":", zsh_text(it->value), ":", zsh_action(*it));
    }
    out += str(" \\\n      '*--", it->name, "[", zsh_text(it->help), "]", value, "'");
    if (it->letter != 0) {
      out += str(" \\\n      '*-", std::string(1, it->letter), "[", zsh_text(it->help), "]", value,
                 "'");
    }
  }
  return out;
}

std::string fish_text(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish_option(const Option& option, std::string_view condition) {
  std::string out = str("complete -c nokv", condition, " -l ", option.name);
  if (option.letter != 0) out += str(" -s ", std::string(1, option.letter));
  if (option.kind == ValueKind::choice) {
    std::string list;
    for (auto it : option.choices) list += str(list.empty() ? "" : " ", it);
    out += str(" -x -a '", list, "'");
  } else if (option.kind == ValueKind::local) {
    out += " -r -F";
  } else if (option.kind != ValueKind::none) {
    out += " -x";
  }
  return out + str(" -d '", fish_text(option.help), "'\n");
}

}  // namespace

std::string bash_completion() {
  std::string out =
      "# nokv completion for bash: source it, or put it into bash-completion's directory.\n"
      "_nokv() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command='' word i\n"
      "  case $prev in\n" +
      bash_value_cases() +
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=${COMP_WORDS[i]}\n"
      "    [[ $word == -* ]] && continue\n"
      "    if [[ -z $command ]]; then command=$word; else command=\"$command $word\"; break; fi\n"
      "  done\n"
      "  local options='--help --version " +
      option_words(globals()) + "' words=''\n  case $command in\n";
  out += str("    '') words='", joined(first_words()), "' ;;\n");
  for (const auto& word : first_words()) {
    if (is_family(word)) out += str("    '", word, "') words='", family_words(word), "' ;;\n");
  }
  for (const auto& it : commands()) {
    if (it.options.empty()) continue;
    // The word after a command of one word is an argument, so both forms are matched.
    out += str("    '", it.name, "'|'", it.name, " '*) options=\"$options ",
               option_words(own_options(it)), "\" ;;\n");
  }
  out +=
      "  esac\n"
      "  if [[ $cur == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
      "  elif [[ -n $words ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$cur\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _nokv nokv\n";
  return out;
}

std::string zsh_completion() {
  std::string out =
      "#compdef nokv\n# nokv completion for zsh: put it into a directory of $fpath as _nokv.\n"
      "_nokv() {\n  local -a commands\n  local command='' word\n  commands=(\n";
  for (const auto& word : first_words()) {
    const Command* command = find_command(word);
    std::string summary =
        command != nullptr ? zsh_text(command->summary) : zsh_text(family_words(word));
    out += str("    '", word, ":", summary, "'\n");
  }
  out +=
      "  )\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    [[ $word == -* ]] && continue\n"
      "    if [[ -z $command ]]; then command=$word; else command=\"$command $word\"; break; fi\n"
      "  done\n"
      "  local -a globals\n  globals=(" +
      zsh_specs(globals()) + ")\n  case $command in\n";
  out +=
      "    '')\n      if [[ ${words[CURRENT]} == -* ]]; then _arguments $globals; else "
      "_describe 'command' commands; fi ;;\n";
  for (const auto& word : first_words()) {
    if (is_family(word)) {
      out += str("    '", word, "') _values 'command' ", family_words(word), " ;;\n");
    }
  }
  for (const auto& it : commands()) {
    out += str("    '", it.name, "'|'", it.name, " '*) _arguments $globals",
               zsh_specs(own_options(it)), " '*:file:_files' ;;\n");
  }
  out += "  esac\n}\n_nokv \"$@\"\n";
  return out;
}

std::string fish_completion() {
  std::string out =
      "# nokv completion for fish: put it into ~/.config/fish/completions/nokv.fish.\n";
  for (const auto& word : first_words()) {
    const Command* command = find_command(word);
    std::string_view summary = command != nullptr ? command->summary : std::string_view();
    out += str("complete -c nokv -n __fish_use_subcommand -a ", word, " -d '", fish_text(summary),
               "'\n");
    if (!is_family(word)) continue;
    for (const Command* it : family(word)) {
      std::string_view second = it->name.substr(word.size() + 1);
      out += str("complete -c nokv -n '__fish_seen_subcommand_from ", word, "' -a ", second,
                 " -d '", fish_text(it->summary), "'\n");
    }
  }
  for (const auto& it : global_options()) out += fish_option(it.option, "");
  for (const auto& command : commands()) {
    std::string first(command.name.substr(0, command.name.find(' ')));
    std::string condition = str(" -n '__fish_seen_subcommand_from ", first, "'");
    if (first.size() < command.name.size()) {
      condition =
          str(" -n '__fish_seen_subcommand_from ", first, "; and __fish_seen_subcommand_from ",
              command.name.substr(first.size() + 1), "'");
    }
    for (const auto& it : command.options) out += fish_option(it, condition);
  }
  return out;
}

}  // namespace nokv::cli
