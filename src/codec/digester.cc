#include "codec/digester.h"

#include <string>

#include <openssl/evp.h>
#include <xxhash.h>

#include "base/check.h"

namespace nokv::codec {

struct Digester::Sha {
  EVP_MD_CTX* context = EVP_MD_CTX_new();

  Sha() {
    check(context != nullptr && EVP_DigestInit_ex(context, EVP_sha256(), nullptr) == 1,
          "SHA-256 is there");
  }
  ~Sha() { EVP_MD_CTX_free(context); }
  Sha(const Sha&) = delete;
  Sha& operator=(const Sha&) = delete;
};

struct Digester::Xxh {
  XXH3_state_t* state = XXH3_createState();

  Xxh() { check(state != nullptr && XXH3_128bits_reset(state) == XXH_OK, "XXH3 is there"); }
  ~Xxh() { XXH3_freeState(state); }
  Xxh(const Xxh&) = delete;
  Xxh& operator=(const Xxh&) = delete;
};

Digester::Digester(DigestKind kind) {
  if (kind == DigestKind::sha256) sha_ = std::make_unique<Sha>();
  if (kind == DigestKind::xxh3_128) xxh_ = std::make_unique<Xxh>();
}

Digester::~Digester() = default;
Digester::Digester(Digester&&) noexcept = default;
Digester& Digester::operator=(Digester&&) noexcept = default;

void Digester::add(std::string_view bytes) {
  if (sha_) {
    check(EVP_DigestUpdate(sha_->context, bytes.data(), bytes.size()) == 1, "SHA-256 goes on");
  }
  if (xxh_) {
    check(XXH3_128bits_update(xxh_->state, bytes.data(), bytes.size()) == XXH_OK, "XXH3 goes on");
  }
}

Digest Digester::finish() {
  Digest digest;
  if (sha_) {
    digest.kind = DigestKind::sha256;
    digest.bytes.resize(32);
    check(EVP_DigestFinal_ex(sha_->context, reinterpret_cast<unsigned char*>(digest.bytes.data()),
                             nullptr) == 1,
          "SHA-256 ends");
  } else if (xxh_) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(xxh_->state));
    digest.kind = DigestKind::xxh3_128;
    digest.bytes.assign(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
  }
  return digest;
}

}  // namespace nokv::codec
