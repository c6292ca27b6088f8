#include "backup/repository.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <xxhash.h>

#include "codec/crc32c.h"

namespace nokv::backup {

using codec::BackupHash;
using codec::BackupManifest;
using codec::BackupPart;

namespace {

constexpr size_t kAtOnce = 8;
constexpr size_t kRemovedAtOnce = 1000;
constexpr Duration kStoreTime = std::chrono::seconds(30);
constexpr std::string_view kManifests = "manifests/";
constexpr std::string_view kParts[] = {"files/", "log/"};

std::string little_endian(uint32_t number) {
  std::string out;
  for (int i = 0; i < 4; ++i) out += static_cast<char>(number >> (8 * i) & 0xff);
  return out;
}

std::string digits(int64_t number, size_t width) {
  std::string out = std::to_string(number);
  return out.size() < width ? std::string(width - out.size(), '0') + out : out;
}

}  // namespace

BackupHash hash_of(std::string_view bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  BackupHash out;
  static_assert(sizeof canonical.digest == sizeof out);
  std::memcpy(out.data(), canonical.digest, sizeof out);
  return out;
}

std::string hex(const BackupHash& hash) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (uint8_t byte : hash) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string id_at(int64_t time_ns) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::hh_mm_ss;
  using std::chrono::nanoseconds;
  using std::chrono::sys_time;
  using std::chrono::year_month_day;
  sys_time<nanoseconds> time{nanoseconds{time_ns}};
  auto day = floor<days>(time);
  year_month_day date{day};
  hh_mm_ss clock{time - day};
  return digits(int{date.year()}, 4) + digits(unsigned{date.month()}, 2) +
         digits(unsigned{date.day()}, 2) + "T" + digits(clock.hours().count(), 2) +
         digits(clock.minutes().count(), 2) + digits(clock.seconds().count(), 2) + "." +
         digits(clock.subseconds().count(), 9) + "Z";
}

std::string encode_manifest(const BackupManifest& manifest) {
  std::string out(codec::kBackupMagic);
  codec::encode(manifest, out);
  return out + little_endian(crc32c(out));
}

Result<BackupManifest> decode_manifest(std::string_view bytes) {
  std::string_view magic = codec::kBackupMagic;
  std::string_view family = magic.substr(0, magic.find(' ') + 1);
  bool known = bytes.starts_with(magic);
  if (!known && bytes.starts_with(family)) {
    return fail(Code::failed_precondition, "is of a newer format");
  }
  BackupManifest out;
  if (!known || bytes.size() < magic.size() + 4 ||
      bytes.substr(bytes.size() - 4) != little_endian(crc32c(bytes.substr(0, bytes.size() - 4))) ||
      !codec::decode(bytes.substr(magic.size(), bytes.size() - magic.size() - 4), out)) {
    return fail(Code::data_loss, "is damaged");
  }
  return out;
}

std::string Repository::description() const {
  return prefix_.empty() ? store_.description() : str(store_.description(), ", below ", prefix_);
}

std::string Repository::key_of(PartKind kind, const BackupHash& hash) const {
  return str(prefix_, kParts[static_cast<size_t>(kind)], hex(hash));
}

Clock::Instant Repository::deadline() const { return env_.clock.now() + kStoreTime; }

Result<std::vector<object::ObjectInfo>> Repository::list(const std::string& below) {
  std::vector<object::ObjectInfo> out;
  std::string after;
  for (;;) {
    object::Waiter<object::ListPage> waiter;
    store_.list(prefix_ + below, after, object::kListMax, deadline(), waiter.done());
    NOKV_ASSIGN(auto page, waiter.wait());
    std::ranges::move(page.objects, std::back_inserter(out));
    if (!page.more || out.empty()) return out;
    after = out.back().key;
  }
}

// ---- manifests

Result<std::vector<std::string>> Repository::ids() {
  std::string below(kManifests);
  NOKV_ASSIGN(auto objects, list(below));
  std::vector<std::string> out;
  for (const auto& it : objects) out.push_back(it.key.substr(prefix_.size() + below.size()));
  return out;
}

Result<BackupManifest> Repository::manifest(const std::string& id) {
  object::Waiter<std::string> waiter;
  store_.get(str(prefix_, kManifests, id), std::nullopt, deadline(), waiter.done());
  auto bytes = waiter.wait();
  if (!bytes) return std::unexpected(std::move(bytes).error().within("backup " + id));
  auto out = decode_manifest(*bytes);
  if (out && out->id != id) return fail(Code::data_loss, "backup ", id, " says it is ", out->id);
  if (!out) {
    bool damaged = out.error().code() == Code::data_loss;
    return fail(out.error().code(), "backup ", id, damaged ? " is damaged: its manifest" : "",
                damaged ? " has a wrong checksum" : " is of a newer format");
  }
  return out;
}

Result<std::vector<BackupManifest>> Repository::manifests() {
  NOKV_ASSIGN(auto all, ids());
  std::vector<BackupManifest> out;
  for (const std::string& id : all) {
    NOKV_ASSIGN(BackupManifest manifest, this->manifest(id));
    out.push_back(std::move(manifest));
  }
  return out;
}

Result<> Repository::put_manifest(const BackupManifest& manifest) {
  NOKV_TRY(settle());
  NOKV_TRY(put(str(prefix_, kManifests, manifest.id), encode_manifest(manifest)));
  return settle();
}

Result<> Repository::remove_manifest(const std::string& id) {
  object::Waiter<std::vector<object::RemoveFailure>> waiter;
  store_.remove({str(prefix_, kManifests, id)}, deadline(), waiter.done());
  NOKV_ASSIGN(auto failures, waiter.wait());
  if (!failures.empty()) return std::unexpected(std::move(failures.front().error));
  return {};
}

// ---- parts

Result<> Repository::look() {
  there_.clear();
  for (std::string_view kind : kParts) {
    NOKV_ASSIGN(auto objects, list(std::string(kind)));
    for (auto& it : objects) there_.emplace(std::move(it.key), it.size);
  }
  return {};
}

Result<BackupPart> Repository::put_part(PartKind kind, std::string bytes) {
  BackupPart out{hash_of(bytes), bytes.size()};
  std::string key = key_of(kind, out.hash);
  if (!there_.emplace(key, out.bytes).second) return out;
  NOKV_TRY(put(std::move(key), std::move(bytes)));
  return out;
}

Result<> Repository::put(std::string key, std::string bytes) {
  while (on_its_way_.size() >= kAtOnce) NOKV_TRY(settle_one());
  ++counters_.objects_put;
  counters_.bytes_put += bytes.size();
  object::PutOptions options;
  options.crc32c = crc32c(bytes);
  auto& sent = on_its_way_.emplace_back(OnItsWay{key, {}});
  store_.put(std::move(key), std::make_shared<const std::string>(std::move(bytes)), options,
             deadline(), sent.put.done());
  return {};
}

Result<> Repository::settle_one() {
  OnItsWay sent = std::move(on_its_way_.front());
  on_its_way_.pop_front();
  auto put = sent.put.wait();
  if (put) return {};
  return std::unexpected(std::move(put).error());
}

Result<> Repository::settle() {
  Result<> out;
  while (!on_its_way_.empty()) {
    auto one = settle_one();
    if (!one && out) out = std::move(one);
  }
  return out;
}

PartReader Repository::read(std::vector<PartName> parts) { return {*this, std::move(parts)}; }

Result<std::string> PartReader::next() {
  while (on_their_way_.size() < kAtOnce && next_ + on_their_way_.size() < parts_.size()) {
    const PartName& it = parts_[next_ + on_their_way_.size()];
    repository_.store_.get(repository_.key_of(it.kind, it.part.hash), std::nullopt,
                           repository_.deadline(), on_their_way_.emplace_back().done());
  }
  const auto& [kind, part] = parts_.at(next_++);
  auto bytes = on_their_way_.front().wait();
  on_their_way_.pop_front();
  std::string key = repository_.key_of(kind, part.hash);
  if (!bytes && bytes.error().code() == Code::not_found) {
    return fail(Code::data_loss, key, " is missing");
  }
  if (!bytes) return std::unexpected(std::move(bytes).error());
  if (bytes->size() != part.bytes || hash_of(*bytes) != part.hash) {
    return fail(Code::data_loss, key, " is damaged: ", bytes->size(), " bytes of ", part.bytes,
                bytes->size() == part.bytes ? ", with another checksum" : "");
  }
  return bytes;
}

Result<> Repository::remove_rest(const std::vector<BackupManifest>& kept) {
  std::set<std::string> named;
  for (const auto& manifest : kept) {
    for (const auto& file : manifest.files) {
      for (const auto& part : file.parts) named.insert(key_of(PartKind::file, part.hash));
    }
    for (const auto& log : manifest.log) named.insert(key_of(PartKind::log, log.object.hash));
  }
  NOKV_TRY(look());
  std::vector<std::string> rest;
  for (const auto& [key, size] : there_) {
    if (!named.contains(key)) rest.push_back(key);
  }
  for (size_t from = 0; from < rest.size(); from += kRemovedAtOnce) {
    size_t to = std::min(rest.size(), from + kRemovedAtOnce);
    object::Waiter<std::vector<object::RemoveFailure>> waiter;
    store_.remove(
        {rest.begin() + static_cast<ptrdiff_t>(from), rest.begin() + static_cast<ptrdiff_t>(to)},
        deadline(), waiter.done());
    NOKV_ASSIGN(auto failures, waiter.wait());
    if (!failures.empty()) return std::unexpected(std::move(failures.front().error));
  }
  return {};
}

}  // namespace nokv::backup
