#include "object/s3/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace nokv::object {
namespace {

const unsigned char* data_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string digest(const EVP_MD* kind, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  if (EVP_Digest(text.data(), text.size(), to, &size, kind, nullptr) != 1) return {};
  out.resize(size);
  return out;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned int size = 0;
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  const unsigned char* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                                   data_of(text), text.size(), to, &size);
  check(done != nullptr, "OpenSSL has HMAC-SHA256");
  out.resize(size);
  return out;
}

std::string sha256(std::string_view text) {
  std::string out = digest(EVP_sha256(), text);
  check(!out.empty(), "OpenSSL has SHA-256");
  return out;
}

std::string md5(std::string_view text) { return digest(EVP_md5(), text); }

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP adds a zero byte
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  int size = EVP_EncodeBlock(to, data_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::string base64_crc32c(uint32_t crc) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(crc >> shift & 0xff);
  return base64(bytes);
}

}  // namespace nokv::object
