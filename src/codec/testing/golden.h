// Golden files: the bytes of a format, written down once and kept.
#pragma once

#include <cctype>
#include <fstream>
#include <string>
#include <string_view>

namespace nokv::codec {

// The bytes in testdata/`name`: two hex digits each, white space between, '#' to the end of a line
// is a comment. Empty when the file cannot be read.
inline std::string golden(std::string_view name) {
  std::string path = __FILE__;
  path.resize(path.rfind("testing/"));
  std::ifstream in(path + "testdata/" + std::string(name));
  std::string out;
  for (std::string line; std::getline(in, line);) {
    line.resize(std::min(line.find('#'), line.size()));
    std::string digits;
    for (char c : line) {
      if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
    }
    for (size_t i = 0; i + 1 < digits.size(); i += 2) {
      out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    }
  }
  return out;
}

}  // namespace nokv::codec
