#include "client/content_type.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace nokv::client {

namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kBinary = "application/octet-stream";

using Row = std::pair<std::string_view, std::string_view>;

constexpr auto kEndings = std::to_array<Row>({
    {"bin", kBinary},
    {"c", kText},
    {"cc", kText},
    {"cfg", kText},
    {"conf", kText},
    {"cpp", kText},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"diff", "text/x-diff; charset=utf-8"},
    {"gif", "image/gif"},
    {"go", kText},
    {"gz", "application/gzip"},
    {"h", kText},
    {"h5", "application/x-hdf5"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ini", kText},
    {"ipynb", "application/x-ipynb+json"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"log", kText},
    {"md", "text/markdown; charset=utf-8"},
    {"mp4", "video/mp4"},
    {"ndjson", "application/jsonl"},
    {"npy", kBinary},
    {"npz", "application/zip"},
    {"onnx", kBinary},
    {"parquet", "application/vnd.apache.parquet"},
    {"patch", "text/x-diff; charset=utf-8"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"pt", kBinary},
    {"py", "text/x-python; charset=utf-8"},
    {"rs", kText},
    {"safetensors", kBinary},
    {"sh", "text/x-shellscript; charset=utf-8"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tgz", "application/gzip"},
    {"toml", "application/toml"},
    {"ts", kText},
    {"tsv", "text/tab-separated-values; charset=utf-8"},
    {"txt", kText},
    {"wav", "audio/wav"},
    {"webp", "image/webp"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
});
static_assert(std::ranges::is_sorted(kEndings));

constexpr auto kBeginnings = std::to_array<Row>({
    {"\x89PNG\r\n\x1a\n", "image/png"},
    {"\xff\xd8\xff", "image/jpeg"},
    {"GIF8", "image/gif"},
    {"%PDF-", "application/pdf"},
    {"PK\x03\x04", "application/zip"},
    {"\x1f\x8b", "application/gzip"},
    {"\x28\xb5\x2f\xfd", "application/zstd"},
    {"\x89HDF", "application/x-hdf5"},
    {"PAR1", "application/vnd.apache.parquet"},
    {"#!", "text/x-shellscript; charset=utf-8"},
});

std::string ending(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() - dot > 12) return {};
  std::string lower(name.substr(dot + 1));
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// How many bytes follow a first byte in UTF-8; -1 when it is none.
int following(uint8_t first) {
  if (first < 0x80) return 0;
  if (first >= 0xc2 && first < 0xe0) return 1;
  if (first >= 0xe0 && first < 0xf0) return 2;
  if (first >= 0xf0 && first < 0xf5) return 3;
  return -1;
}

// UTF-8 without control characters that text has no use for; a character cut off at the end is
// fine.
bool is_text(std::string_view head) {
  for (size_t at = 0; at < head.size();) {
    auto first = static_cast<uint8_t>(head[at++]);
    bool control = first < 0x20 && first != '\n' && first != '\r' && first != '\t' &&
                   first != '\f' && first != 0x1b;
    int more = following(first);
    if (control || more < 0) return false;
    for (; more > 0 && at < head.size(); --more, ++at) {
      if ((static_cast<uint8_t>(head[at]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

}  // namespace

std::string_view content_type(std::string_view path, std::string_view head) {
  std::string end = ending(path);
  auto row = std::ranges::lower_bound(kEndings, std::string_view(end), {}, &Row::first);
  if (row != kEndings.end() && row->first == end) return row->second;
  for (const auto& [beginning, type] : kBeginnings) {
    if (head.starts_with(beginning)) return type;
  }
  return is_text(head.substr(0, 1024)) ? kText : kBinary;
}

}  // namespace nokv::client
