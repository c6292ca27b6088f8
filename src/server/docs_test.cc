// docs/operations.md names every metric of the server.
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace nokv::server {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream in(NOKV_SOURCE_DIR "/" + path);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Words that begin with nokv_ and stand right after `before`.
std::set<std::string> metrics_in(const std::string& text, char before) {
  std::set<std::string> out;
  for (size_t at = text.find("nokv_"); at != std::string::npos; at = text.find("nokv_", at + 1)) {
    size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at);
    if (at > 0 && text[at - 1] == before) out.insert(text.substr(at, end - at));
  }
  return out;
}

TEST(Operations, NameEveryMetric) {
  std::set<std::string> declared;
  for (const char* file :
       {"server/pages.cc", "server/server.cc", "server/endpoint.cc", "shard/figures.cc"}) {
    declared.merge(metrics_in(text_of(std::string("src/") + file), '"'));
  }
  EXPECT_GT(declared.size(), 20U);
  std::set<std::string> documented = metrics_in(text_of("docs/operations.md"), '`');
  for (const std::string& name : declared) EXPECT_TRUE(documented.contains(name)) << name;
}

}  // namespace
}  // namespace nokv::server
