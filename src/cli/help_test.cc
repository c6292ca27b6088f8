// Help, man pages and completions: all of the table, in forms that their readers take.
#include "cli/help.h"

#include <gtest/gtest.h>

#include "cli/arguments.h"

namespace nokv::cli {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (char c : line) {
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(std::exchange(word, ""));
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

TEST(Help, EveryCommandHasAnExampleThatParses) {
  for (const Command& command : commands()) {
    EXPECT_FALSE(command.examples.empty()) << command.name;
    for (const Example& example : command.examples) {
      std::string line(example.line);
      size_t begin = line.rfind("nokv ");  // after a pipe, or inside <( )
      ASSERT_NE(begin, std::string::npos) << line;
      line = line.substr(begin + 5);
      line = line.substr(0, line.find_first_of(">)"));
      std::string failed;
      auto parsed = parse_line(words_of(line), failed);
      ASSERT_TRUE(parsed) << line << ": " << parsed.error().message();
      EXPECT_EQ(parsed->arguments.command().name, command.name) << line;
    }
    std::string help = help_command(command);
    EXPECT_NE(help.find("Examples:"), std::string::npos) << command.name;
    EXPECT_NE(help.find(usage_line(command)), std::string::npos);
    for (const Option& option : command.options) {
      EXPECT_NE(help.find(option_title(option)), std::string::npos) << option.name;
    }
  }
}

TEST(Help, TheOverviewAndTheReferenceHaveEveryCommand) {
  std::string overview = help_overview();
  std::string reference = help_markdown();
  for (const Command& command : commands()) {
    EXPECT_NE(overview.find(str("  ", command.name, " ")), std::string::npos) << command.name;
    EXPECT_NE(reference.find(str("### ", command.name, "\n")), std::string::npos);
  }
  for (const GlobalOption& it : global_options()) {
    EXPECT_NE(overview.find(option_title(it.option)), std::string::npos) << it.option.name;
  }
}

TEST(Help, WrappedLinesFitAndLoseNothing) {
  std::string text = "one two three four five six seven eight nine ten";
  std::string lines = wrapped(text, 2, 12);
  std::string joined;
  for (size_t at = 0; at < lines.size();) {
    size_t end = lines.find('\n', at);
    EXPECT_LE(end - at, 12);
    joined += lines.substr(at + 2, end - at - 2) + " ";
    at = end + 1;
  }
  EXPECT_EQ(joined, text + " ");
}

TEST(ManPage, HasNoLineThatRoffTakesForARequestOfItsOwn) {
  auto check_page = [](const std::string& page) {
    for (size_t at = 0; at < page.size();) {
      size_t end = page.find('\n', at);
      std::string line = page.substr(at, end - at);
      at = end + 1;
      EXPECT_LE(line.size(), 100) << line;
      if (!line.starts_with('.') && !line.starts_with('\'')) continue;
      bool known = false;
      for (const char* request : {".TH ", ".SH ", ".PP", ".TP", ".B ", ".BR "}) {
        known = known || line.starts_with(request);
      }
      EXPECT_TRUE(known) << line;
    }
  };
  check_page(man_overview());
  for (const Command& command : commands()) check_page(man_page(command));
}

TEST(Completion, EachShellIsOfferedEveryCommandAndOption) {
  for (const std::string& script : {bash_completion(), zsh_completion(), fish_completion()}) {
    for (const Command& command : commands()) {
      std::string first(command.name.substr(0, command.name.find(' ')));
      EXPECT_NE(script.find(first), std::string::npos) << command.name;
      for (const Option& option : command.options) {
        EXPECT_NE(script.find(option.name), std::string::npos) << option.name;
      }
    }
    EXPECT_NE(script.find("object-backend"), std::string::npos);
    EXPECT_NE(script.find("rustfs"), std::string::npos);
  }
}

}  // namespace
}  // namespace nokv::cli
