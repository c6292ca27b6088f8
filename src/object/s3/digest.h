// Digests and encodings that S3 asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nokv::object {

// 32 bytes.
std::string hmac_sha256(std::string_view key, std::string_view text);
std::string sha256(std::string_view text);
// 16 bytes; empty where the system forbids MD5.
std::string md5(std::string_view text);

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);

// As x-amz-checksum-crc32c has it: base64 of the four bytes, high one first.
std::string base64_crc32c(uint32_t crc);

}  // namespace nokv::object
