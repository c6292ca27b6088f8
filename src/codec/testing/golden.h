// Golden files: the bytes of a format, written down once and kept.
#pragma once

#include <cctype>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nokv::codec {

// Two hex digits for each byte; other characters are passed over.
inline std::string from_hex(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
  }
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return out;
}

inline std::string to_hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    if (!out.empty()) out += ' ';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

using GoldenParts = std::vector<std::pair<std::string, std::string>>;

// A file of several examples: a line "name:", then lines of hex. '#' to the end of a line is a
// comment. Bytes before the first name have the name "". Empty when the file cannot be read.
inline GoldenParts golden_parts(std::string_view name) {
  std::ifstream in(NOKV_SOURCE_DIR "/src/codec/testdata/" + std::string(name));
  GoldenParts out;
  for (std::string line; std::getline(in, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    if (line.ends_with(':')) {
      out.emplace_back(line.substr(0, line.size() - 1), "");
    } else if (std::string bytes = from_hex(line); !bytes.empty()) {
      if (out.empty()) out.emplace_back("", "");
      out.back().second += bytes;
    }
  }
  return out;
}

// The bytes of a file that is one example.
inline std::string golden(std::string_view name) {
  GoldenParts parts = golden_parts(name);
  return parts.size() == 1 ? parts.front().second : "";
}

// A golden file with these examples, for whoever adds one.
inline std::string golden_text(const GoldenParts& parts) {
  std::string out;
  for (const auto& [name, bytes] : parts) {
    out += name + ":\n";
    std::string_view rest = bytes;
    do {
      out += "  " + to_hex(rest.substr(0, 32)) + "\n";
      rest.remove_prefix(std::min<size_t>(32, rest.size()));
    } while (!rest.empty());
  }
  return out;
}

}  // namespace nokv::codec
