#include "cli/arguments.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace nokv::cli {
namespace {

Result<ParsedLine> parse(std::vector<std::string> words) {
  std::string failed;
  return parse_line(words, failed);
}

Error error_of(std::vector<std::string> words) { return parse(std::move(words)).error(); }

TEST(Arguments, GlobalOptionsGoBeforeAndAfterTheCommand) {
  for (auto& words : {std::vector<std::string>{"--json", "--deadline", "3s", "ls", "/a"},
                      {"ls", "--json", "/a", "--deadline=3s"},
                      {"--json", "ls", "--deadline", "3s", "/a"}}) {
    auto line = parse(words);
    ASSERT_TRUE(line) << line.error().message();
    EXPECT_EQ(line->arguments.command().name, "ls");
    EXPECT_TRUE(line->arguments.global_flag("json"));
    EXPECT_EQ(line->arguments.globals().at("deadline"), std::vector<std::string>{"3s"});
    EXPECT_EQ(line->arguments.positionals(), std::vector<std::string>{"/a"});
  }
}

TEST(Arguments, LettersMayStandTogetherAndCarryTheirValue) {
  auto line = parse({"rm", "-rf", "/a"});
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->arguments.has("recursive"));
  EXPECT_TRUE(line->arguments.has("force"));
  EXPECT_EQ(parse({"head", "-n5", "/a"})->arguments.number("lines"), 5);
  EXPECT_EQ(parse({"head", "-n", "5", "/a"})->arguments.number("lines"), 5);
  EXPECT_EQ(parse({"head", "--lines=5", "/a"})->arguments.number("lines"), 5);
}

TEST(Arguments, AfterTwoDashesEverythingIsAnArgument) {
  auto line = parse({"cat", "--", "--json", "-x"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->arguments.positionals(), (std::vector<std::string>{"--json", "-x"}));
  EXPECT_FALSE(line->arguments.global_flag("json"));
  EXPECT_FALSE(asks_for_json({"cat", "--", "--json"}));
  EXPECT_TRUE(asks_for_json({"no-such", "--json"}));
}

TEST(Arguments, ASingleDashIsAnArgument) {
  EXPECT_EQ(parse({"put", "-", "/a"})->arguments.positional(0), "-");
}

TEST(Arguments, AnUnknownCommandIsNamedWithTheNearestOne) {
  Error error = error_of({"snapshto"});
  EXPECT_EQ(error.message(), "unknown command 'snapshto'");
  EXPECT_EQ(error.hint(), "did you mean 'snapshot'?");
  EXPECT_EQ(error_of({"zzzzzz"}).hint(), "'nokv help' lists the commands");
  EXPECT_EQ(error_of({"snapshot", "creat"}).hint(), "did you mean 'snapshot create'?");
}

TEST(Arguments, AFamilyWithoutACommandListsItsCommands) {
  Error error = error_of({"snapshot"});
  EXPECT_EQ(error.message(), "snapshot needs a command");
  EXPECT_EQ(error.hint(), "there are: create, ls, rm, renew, policy");
}

TEST(Arguments, AnUnknownOptionIsNamedWithTheNearestOne) {
  Error error = error_of({"ls", "--lnog", "/"});
  EXPECT_EQ(error.message(), "unknown option --lnog of ls");
  EXPECT_EQ(error.hint(), "did you mean '--long'?");
  EXPECT_EQ(error_of({"ls", "--jsn", "/"}).hint(), "did you mean '--json'?");
  EXPECT_EQ(error_of({"ls", "-q"}).message(), "unknown option -q of ls");
}

TEST(Arguments, TooFewAndTooManyArgumentsAreTold) {
  EXPECT_EQ(error_of({"put", "a"}).message(), "put needs PATH as well");
  EXPECT_EQ(error_of({"put"}).message(), "put needs LOCAL and PATH");
  EXPECT_EQ(error_of({"edit", "/a", "/b"}).message(), "'/b' is one argument too many for edit");
}

TEST(Arguments, ValuesAreCheckedBeforeAnythingIsSent) {
  EXPECT_FALSE(parse({"head", "-n", "x", "/a"}));
  EXPECT_FALSE(parse({"head", "-n"}));
  EXPECT_FALSE(parse({"ls", "--json=yes", "/"}));
  EXPECT_FALSE(parse({"--color", "blue", "ls"}));
  EXPECT_FALSE(parse({"--deadline", "soon", "ls"}));
}

TEST(Arguments, HelpWinsOverWhatIsMissing) {
  auto line = parse({"put", "--help"});
  ASSERT_TRUE(line);
  EXPECT_EQ(line->what, ParsedLine::What::help);
  EXPECT_EQ(line->topic, "put");
  EXPECT_EQ(parse({"snapshot", "create", "-h"})->topic, "snapshot create");
  EXPECT_EQ(parse({})->what, ParsedLine::What::help);
}

// Every command of the design's list that is here, and no name twice.
TEST(Arguments, TheTableNamesEachCommandAndOptionOnce) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) {
    EXPECT_EQ(std::ranges::find(names, command.name), names.end()) << command.name;
    names.push_back(command.name);
    EXPECT_FALSE(command.summary.empty()) << command.name;
    EXPECT_NE(command.run, nullptr) << command.name;
    for (const Option& option : command.options) {
      EXPECT_EQ(std::ranges::count(command.options, option.name, &Option::name), 1);
      EXPECT_EQ(find_global(option.name), nullptr) << command.name << " --" << option.name;
      EXPECT_EQ(option.value.empty(), option.kind == ValueKind::none) << option.name;
      EXPECT_FALSE(option.help.empty()) << option.name;
    }
  }
}

}  // namespace
}  // namespace nokv::cli
