#include "cli/settings.h"

#include <gtest/gtest.h>

#include "base/posix/posix_files.h"
#include "base/posix/testing/temp_dir.h"

namespace nokv::cli {
namespace {

class SettingsTest : public testing::Test {
 protected:
  Result<Settings> load(std::vector<std::string> words) {
    words.emplace_back("status");
    std::string failed;
    line_ = parse_line(words, failed).value();
    Surroundings surroundings{[this](const std::string& name) -> std::optional<std::string> {
      auto found = environment_.find(name);
      if (found == environment_.end()) return std::nullopt;
      return found->second;
    }};
    surroundings.superuser = superuser_;
    return Settings::load(files_, surroundings, line_.arguments);
  }

  void config(std::string_view text) {
    ASSERT_TRUE(write_file_atomic(files_, directory_ / "config.toml", text));
    environment_["NOKV_CONFIG"] = directory_ / "config.toml";
  }

  TempDir directory_;
  PosixFiles files_;
  std::map<std::string, std::string> environment_ = {{"HOME", "/h/somebody"}};
  bool superuser_ = false;
  ParsedLine line_;
};

TEST_F(SettingsTest, AFlagComesBeforeTheEnvironmentThatBeforeTheConfigFile) {
  EXPECT_EQ(load({})->get("deadline").value, "10s");
  EXPECT_EQ(load({})->get("deadline").origin, "default");
  config("deadline = \"1s\"\n");
  EXPECT_EQ(load({})->get("deadline").value, "1s");
  EXPECT_EQ(load({})->get("deadline").origin, "config " + environment_["NOKV_CONFIG"]);
  environment_["NOKV_DEADLINE"] = "2s";
  EXPECT_EQ(load({})->get("deadline").value, "2s");
  EXPECT_EQ(load({})->get("deadline").origin, "environment NOKV_DEADLINE");
  EXPECT_EQ(load({"--deadline", "3s"})->get("deadline").value, "3s");
  EXPECT_EQ(load({"--deadline", "3s"})->get("deadline").origin, "flag --deadline");
}

TEST_F(SettingsTest, TheServersAddressIsTheStoreWhereItWasSaidMoreStrongly) {
  EXPECT_EQ(load({})->store().value, "nokv://127.0.0.1:7777");
  EXPECT_EQ(load({"--server-bind", "127.0.0.1:9"})->store().value, "nokv://127.0.0.1:9");
  EXPECT_EQ(load({"--server-bind", "unix:/s"})->store().value, "unix:/s");
  environment_["NOKV_STORE"] = "unix:/env";
  EXPECT_EQ(load({"--server-bind", "127.0.0.1:9"})->store().value, "nokv://127.0.0.1:9");
  EXPECT_EQ(load({"--server-bind", "127.0.0.1:9", "--store", "unix:/x"})->store().value, "unix:/x");
  environment_["NOKV_SERVER_BIND"] = "127.0.0.1:9";
  EXPECT_EQ(load({})->store().value, "unix:/env");
}

TEST_F(SettingsTest, TheDataDirectoryDependsOnWhoAsks) {
  EXPECT_EQ(load({})->text("meta"), "/h/somebody/.local/share/nokv");
  environment_["XDG_DATA_HOME"] = "/data";
  EXPECT_EQ(load({})->text("meta"), "/data/nokv");
  superuser_ = true;
  EXPECT_EQ(load({})->text("meta"), "/var/lib/nokv");
  EXPECT_EQ(load({"--meta", "/m"})->text("meta"), "/m");
}

TEST_F(SettingsTest, AWrongConfigFileIsNamedWithItsLine) {
  config("bytes = true\nstroe = \"x\"\n");
  Error error = load({}).error();
  EXPECT_NE(error.message().find("config.toml:2: no setting 'stroe'"), std::string::npos);
  EXPECT_EQ(error.hint(), "did you mean 'store'?");
  config("deadline = \"soon\"\n");
  EXPECT_NE(load({}).error().message().find("config.toml:1"), std::string::npos);
  config("deadline = [1]\n");
  EXPECT_NE(load({}).error().message().find("must be a string"), std::string::npos);
  config("deadline = \n");
  EXPECT_EQ(load({}).error().code(), Code::invalid_argument);
}

TEST_F(SettingsTest, FlagsInAConfigFileAreTrueOrFalse) {
  config("bytes = true\nobject_bucket = \"b\"\n");
  EXPECT_TRUE(load({})->flag("bytes"));
  EXPECT_EQ(load({})->text("object-bucket"), "b");  // an underscore is taken for a dash
  environment_["NOKV_BYTES"] = "0";
  EXPECT_FALSE(load({})->flag("bytes"));
  environment_["NOKV_BYTES"] = "perhaps";
  EXPECT_FALSE(load({}));
}

TEST_F(SettingsTest, ANamedConfigFileMustBeThereAndAnEmptyNameMeansNone) {
  EXPECT_EQ(load({"--config", directory_ / "none.toml"}).error().code(), Code::not_found);
  config("deadline = \"1s\"\n");
  EXPECT_EQ(load({"--config", ""})->text("deadline"), "10s");
}

}  // namespace
}  // namespace nokv::cli
