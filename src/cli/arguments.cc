#include "cli/arguments.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cli/near_miss.h"
#include "cli/values.h"

namespace nokv::cli {
namespace {

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& it : commands()) {
    std::string first(it.name.substr(0, it.name.find(' ')));
    if (std::ranges::find(names, first) == names.end()) names.push_back(std::move(first));
  }
  return names;
}

std::string did_you_mean(std::string_view near, std::string_view otherwise) {
  return near.empty() ? std::string(otherwise) : str("did you mean '", near, "'?");
}

std::unexpected<Error> usage_error(std::string message, std::string hint) {
  return std::unexpected(
      Error(Code::invalid_argument, std::move(message)).with_hint(std::move(hint)));
}

// What is wrong with an option or the number of arguments is answered with the way to the rest.
std::string help_hint(const Command* command) {
  return command == nullptr ? "'nokv help' lists the commands"
                            : str("'nokv help ", command->name, "' explains it");
}

}  // namespace

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Result<ParsedLine> run() {
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (options_end_ || word.size() < 2 || word[0] != '-') {
        NOKV_TRY(plain(word));
      } else if (word == "--") {
        options_end_ = true;
      } else if (word.starts_with("--")) {
        NOKV_TRY(long_option(std::string_view(word).substr(2)));
      } else {
        NOKV_TRY(letters(std::string_view(word).substr(1)));
      }
    }
    return finish();
  }

  std::string command_name() const {
    return line_.arguments.command_ == nullptr ? family_
                                               : std::string(line_.arguments.command_->name);
  }

 private:
  const Command* command() const { return line_.arguments.command_; }

  Result<> plain(const std::string& word) {
    if (command() != nullptr) {
      line_.arguments.positionals_.push_back(word);
      return {};
    }
    std::string name = family_.empty() ? word : family_ + " " + word;
    line_.arguments.command_ = find_command(name);
    if (command() != nullptr) return {};
    if (family_.empty() && is_family(word)) {
      family_ = word;
      return {};
    }
    return unknown_command(word);
  }

  Result<> unknown_command(const std::string& word) const {
    if (family_.empty()) {
      return usage_error(str("unknown command '", word, "'"),
                         did_you_mean(near_miss(word, command_names()), help_hint(nullptr)));
    }
    std::vector<std::string> names;
    std::string list;
    for (const Command* it : family(family_)) {
      names.emplace_back(it->name.substr(family_.size() + 1));
      list += (list.empty() ? "" : ", ") + names.back();
    }
    if (word.empty()) return usage_error(str(family_, " needs a command"), "there are: " + list);
    std::string near = near_miss(word, names);
    return usage_error(
        str("unknown command '", family_, " ", word, "'"),
        near.empty() ? str("there are: ", list) : str("did you mean '", family_, " ", near, "'?"));
  }

  // The option of that name or letter: of the command first, then a global one.
  const Option* find(std::string_view name, char letter, bool& global) const {
    auto matches = [&](const Option& it) {
      return letter != 0 ? it.letter == letter : it.name == name;
    };
    if (command() != nullptr) {
      for (const auto& it : command()->options) {
        if (matches(it)) return &it;
      }
    }
    for (const auto& it : global_options()) {
      if (matches(it.option)) {
        global = true;
        return &it.option;
      }
    }
    return nullptr;
  }

  Result<> store(const Option& option, bool global, std::string value) {
    NOKV_TRY(check_value(option, value));
    auto& values = global ? line_.arguments.globals_ : line_.arguments.options_;
    values[std::string(option.name)].push_back(std::move(value));
    return {};
  }

  Result<std::string> next_value(const Option& option) {
    if (at_ == words_.size()) {
      return usage_error(str("--", option.name, " needs a value: ", option.value),
                         help_hint(command()));
    }
    return words_[at_++];
  }

  Result<> long_option(std::string_view text) {
    size_t equals = text.find('=');
    std::string_view name = text.substr(0, equals);
    if (name == "help" || name == "version") return ask(name);
    bool global = false;
    const Option* option = find(name, 0, global);
    if (option == nullptr) return unknown_option(str("--", name));
    if (option->kind == ValueKind::none) {
      if (equals != std::string_view::npos) {
        return usage_error(str("--", name, " takes no value"), help_hint(command()));
      }
      return store(*option, global, "");
    }
    if (equals != std::string_view::npos) {
      return store(*option, global, std::string(text.substr(equals + 1)));
    }
    NOKV_ASSIGN(std::string value, next_value(*option));
    return store(*option, global, std::move(value));
  }

  // "-rf", "-n5", "-n 5".
  Result<> letters(std::string_view text) {
    while (!text.empty()) {
      char letter = text.front();
      text.remove_prefix(1);
      if (letter == 'h' && !has_letter('h')) {
        NOKV_TRY(ask("help"));
        continue;
      }
      bool global = false;
      const Option* option = find({}, letter, global);
      if (option == nullptr) return unknown_option(str("-", std::string(1, letter)));
      if (option->kind == ValueKind::none) {
        NOKV_TRY(store(*option, global, ""));
        continue;
      }
      if (!text.empty()) return store(*option, global, std::string(text));
      NOKV_ASSIGN(std::string value, next_value(*option));
      return store(*option, global, std::move(value));
    }
    return {};
  }

  bool has_letter(char letter) const {
    bool global = false;
    return find({}, letter, global) != nullptr;
  }

  Result<> ask(std::string_view what) {
    line_.what = what == "help" ? ParsedLine::What::help : ParsedLine::What::version;
    return {};
  }

  Result<> unknown_option(const std::string& written) const {
    std::vector<std::string> names = {"--help", "--version"};
    if (command() != nullptr) {
      for (const auto& it : command()->options) names.push_back(str("--", it.name));
    }
    for (const auto& it : global_options()) names.push_back(str("--", it.option.name));
    std::string where = command() == nullptr ? "" : str(" of ", command()->name);
    return usage_error(str("unknown option ", written, where),
                       did_you_mean(near_miss(written, names), help_hint(command())));
  }

  Result<ParsedLine> finish() {
    if (line_.what != ParsedLine::What::run) {
      line_.topic = command_name();
      return std::move(line_);
    }
    if (command() == nullptr && family_.empty()) {
      line_.what = ParsedLine::What::help;
      return std::move(line_);
    }
    if (command() == nullptr) return std::unexpected(unknown_command("").error());
    NOKV_TRY(check_counts());
    return std::move(line_);
  }

  Result<> check_counts() const {
    size_t min = 0;
    size_t max = 0;
    for (const auto& it : command()->positionals) {
      min += it.min;
      max = it.max == kAnyNumber || max == kAnyNumber ? kAnyNumber : max + it.max;
    }
    size_t have = line_.arguments.positionals_.size();
    std::string usage = str("usage: ", usage_line(*command()));
    if (have < min) {
      return usage_error(
          str(command()->name, " needs ", missing(have), have == 0 ? "" : " as well"), usage);
    }
    if (have > max) {
      return usage_error(str("'", line_.arguments.positionals_[max],
                             "' is one argument too many for ", command()->name),
                         usage);
    }
    return {};
  }

  // The names of the arguments that are not there.
  std::string missing(size_t have) const {
    std::string names;
    for (const auto& it : command()->positionals) {
      if (it.min == 0) continue;
      if (have > 0) {
        --have;
        continue;
      }
      names += str(names.empty() ? "" : " and ", it.name);
    }
    return names;
  }

  const std::vector<std::string>& words_;
  size_t at_ = 0;
  bool options_end_ = false;
  std::string family_;
  ParsedLine line_;
};

Result<> check_value(const Option& option, std::string_view value) {
  Result<> result;
  auto take = [&](auto parsed) {
    if (!parsed) result = std::unexpected(std::move(parsed).error());
  };
  switch (option.kind) {
    case ValueKind::number:
      take(parse_number(value));
      break;
    case ValueKind::size:
      take(parse_size(value));
      break;
    case ValueKind::duration:
      take(parse_duration(value));
      break;
    case ValueKind::choice:
      if (std::ranges::find(option.choices, value) == option.choices.end()) {
        std::string list;
        for (auto it : option.choices) list += str(list.empty() ? "" : ", ", it);
        result = fail(Code::invalid_argument, "'", value, "' is none of ", list);
      }
      break;
    default:
      break;
  }
  if (result) return {};
  return std::unexpected(std::move(result).error().within(str("--", option.name)));
}

Result<ParsedLine> parse_line(const std::vector<std::string>& words, std::string& failed_command) {
  Parser parser(words);
  auto line = parser.run();
  if (!line) failed_command = parser.command_name();
  return line;
}

bool asks_for_json(const std::vector<std::string>& words) {
  for (const auto& it : words) {
    if (it == "--") return false;
    if (it == "--json") return true;
  }
  return false;
}

bool Arguments::has(std::string_view name) const { return !all(name).empty(); }

const std::string& Arguments::text(std::string_view name) const {
  static const std::string kNone;
  const auto& values = all(name);
  return values.empty() ? kNone : values.back();
}

const std::vector<std::string>& Arguments::all(std::string_view name) const {
  static const std::vector<std::string> kNone;
  check(find_option(*command_, name) != nullptr, "a command asks for options of its own row");
  auto found = options_.find(name);
  return found == options_.end() ? kNone : found->second;
}

std::optional<uint64_t> Arguments::number(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return parse_number(text(name)).value();
}

std::optional<uint64_t> Arguments::size(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return parse_size(text(name)).value();
}

std::optional<Duration> Arguments::duration(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return parse_duration(text(name)).value();
}

}  // namespace nokv::cli
