#include "object/s3/profile.h"

#include <algorithm>

namespace nokv::object {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;

std::string_view trimmed(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n";
  size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool names(std::string_view section, std::string_view profile) {
  section = trimmed(section);
  if (section == profile) return true;
  if (!section.starts_with("profile ")) return false;
  return trimmed(section.substr(8)) == profile;
}

Result<std::string> read_if_there(Files& files, const std::string& path) {
  auto text = read_file(files, path, kFileBytesMax);
  if (!text && text.error().code() == Code::not_found) return "";
  return text;
}

}  // namespace

Settings read_profile(std::string_view text, std::string_view profile) {
  Settings out;
  bool inside = false;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      size_t close = line.find(']');
      inside = close != std::string_view::npos && names(line.substr(1, close - 1), profile);
      continue;
    }
    size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    out[std::string(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
  }
  return out;
}

std::string profile_name(const Variables& variables) {
  for (const char* name : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (std::string profile = variables(name); !profile.empty()) return profile;
  }
  return "default";
}

Result<Settings> load_profile(Files& files, const Variables& variables, const std::string& home) {
  auto path_of = [&](const char* variable, const char* file) {
    std::string path = variables(variable);
    if (path.empty() && !home.empty()) path = str(home, "/.aws/", file);
    return path;
  };
  std::string profile = profile_name(variables);
  Settings out;
  for (const std::string& path : {path_of("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
                                  path_of("AWS_CONFIG_FILE", "config")}) {
    if (path.empty()) continue;
    NOKV_ASSIGN(std::string text, read_if_there(files, path));
    out.merge(read_profile(text, profile));
  }
  return out;
}

}  // namespace nokv::object
