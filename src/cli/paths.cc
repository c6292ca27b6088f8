#include "cli/paths.h"

#include "cli/name_text.h"
#include "cli/values.h"
#include "codec/record.h"

namespace nokv::cli {
namespace {

constexpr std::string_view kScheme = "nokv-native://";
constexpr std::string_view kGeneration = "@generation:";

std::unexpected<Error> bad(std::string_view text, std::string_view why, std::string hint) {
  return std::unexpected(
      Error(Code::invalid_argument, str("path '", text, "' ", why)).with_hint(std::move(hint)));
}

}  // namespace

Result<PathArgument> parse_path(std::string_view text) {
  PathArgument result;
  std::string_view rest = text;
  if (rest.starts_with(kScheme)) {
    rest.remove_prefix(kScheme.size());
    rest = rest.substr(0, rest.find('#'));  // lines and bytes of a citation: the file is meant
    size_t at = rest.rfind(kGeneration);
    if (at == std::string_view::npos) {
      return bad(text, "is no citation", "write nokv-native://PATH@generation:N");
    }
    NOKV_ASSIGN(result.generation, parse_number(rest.substr(at + kGeneration.size())));
    rest = rest.substr(0, at);
  }
  if (rest.empty()) return bad(text, "is empty", "paths begin with '/'");
  if (rest.front() != '/') {
    return bad(text, "does not begin with '/'", str("did you mean '/", rest, "'?"));
  }
  std::string bytes = name_bytes(rest);
  std::string_view left = bytes;
  result.slash = bytes.size() > 1 && bytes.back() == '/';
  while (!left.empty()) {
    size_t end = left.find('/');
    std::string_view name = left.substr(0, end);
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
    if (name.empty()) continue;
    if (name == "." || name == "..") {
      return bad(text, str("has '", name, "' in it"), "write the path it leads to");
    }
    if (name.find('\0') != std::string_view::npos) return bad(text, "has a NUL byte in it", "");
    if (name.size() > codec::kNameMax) {
      return bad(text, str("has a name of ", name.size(), " bytes"),
                 str("names have at most ", codec::kNameMax, " bytes"));
    }
    result.path += '/';
    result.path += name;
  }
  if (result.path.empty()) result.path = "/";
  if (result.path.size() > codec::kPathMax) {
    return bad(text.substr(0, 40), str("... has ", result.path.size(), " bytes"),
               str("paths have at most ", codec::kPathMax, " bytes"));
  }
  return result;
}

std::string citation(std::string_view path, uint64_t generation) {
  return str(kScheme, name_text(path), kGeneration, generation);
}

std::string join(std::string_view directory, std::string_view name) {
  return directory.ends_with('/') ? str(directory, name) : str(directory, "/", name);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view parent_path(std::string_view path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

}  // namespace nokv::cli
