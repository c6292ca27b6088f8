#include "backup/known.h"

#include <charconv>

#include "codec/crc32c.h"

namespace nokv::backup {

namespace {

constexpr std::string_view kFirstLine = "nokv-backups 1\n";
constexpr uint64_t kFileBytesMax = 1 << 20;

template <class Number>
bool take_number(std::string_view& line, Number& out) {
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  return true;
}

std::string last_line(std::string_view lines) { return str("end ", crc32c(lines), "\n"); }

}  // namespace

std::string encode_known(const KnownBackups& known) {
  std::string out(kFirstLine);
  for (const auto& [url, it] : known) {
    out += str(it.oldest_ns, " ", it.version, " ", it.time_ns, " ", url, "\n");
  }
  return out + last_line(out);
}

Result<KnownBackups> decode_known(std::string_view text) {
  auto damaged = [] { return fail(Code::data_loss, "is damaged"); };
  size_t end = text.rfind("end ");
  if (!text.starts_with(kFirstLine) || end == std::string_view::npos ||
      text.substr(end) != last_line(text.substr(0, end))) {
    return damaged();
  }
  KnownBackups out;
  std::string_view lines = text.substr(kFirstLine.size(), end - kFirstLine.size());
  while (!lines.empty()) {
    size_t line_end = lines.find('\n');
    if (line_end == std::string_view::npos) return damaged();
    std::string_view line = lines.substr(0, line_end);
    lines.remove_prefix(line_end + 1);
    Known it;
    if (!take_number(line, it.oldest_ns) || !take_number(line, it.version) ||
        !take_number(line, it.time_ns)) {
      return damaged();
    }
    out.emplace(line, it);
  }
  return out;
}

Result<KnownBackups> read_known(Files& files, const std::string& dir) {
  std::string path = str(dir, "/", kKnownFile);
  NOKV_ASSIGN(bool there, files.exists(path));
  if (!there) return KnownBackups();
  NOKV_ASSIGN(std::string text, read_file(files, path, kFileBytesMax));
  auto known = decode_known(text);
  if (!known) return fail(Code::data_loss, path, ": is damaged");
  return known;
}

Result<> write_known(Files& files, const std::string& dir, const KnownBackups& known) {
  return write_file_atomic(files, str(dir, "/", kKnownFile), encode_known(known));
}

}  // namespace nokv::backup
