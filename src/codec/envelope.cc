#include "codec/envelope.h"

#include <cstring>
#include <utility>

namespace nokv::codec {

namespace {

constexpr size_t kVarintMax = 10;

char* put_varint(char* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

void append_text(std::string& out, std::string_view text) {
  char size[kVarintMax];
  out.append(size, put_varint(size, text.size()));
  out.append(text);
}

// Takes fields from the front of a message; after a failure every further take fails too.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  bool byte(uint8_t& out) {
    if (bytes_.empty()) return false;
    out = static_cast<uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return true;
  }

  // Refuses what does not fit 64 bits, and needless zero bytes at the end: a number has one form.
  bool varint(uint64_t& out) {
    out = 0;
    for (size_t i = 0; i < kVarintMax && i < bytes_.size(); ++i) {
      auto next = static_cast<uint8_t>(bytes_[i]);
      if (i == kVarintMax - 1 && next > 1) return false;
      out |= uint64_t{next & 0x7fu} << (7 * i);
      if (next < 0x80) {
        if (next == 0 && i > 0) return false;
        bytes_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  bool text(std::string& out) {
    uint64_t size = 0;
    if (!varint(size) || size > bytes_.size()) return false;
    out.assign(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return true;
  }

  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

std::unexpected<Error> bad(std::string_view what, std::string_view field) {
  return fail(Code::invalid_argument, what, " has no valid ", field);
}

bool known(uint8_t kind) {
  return kind == static_cast<uint8_t>(EnvelopeKind::call) ||
         kind == static_cast<uint8_t>(EnvelopeKind::push);
}

}  // namespace

void encode(const RequestHead& head, std::string& out) {
  char bytes[1 + 3 * kVarintMax];
  bytes[0] = static_cast<char>(head.kind);
  char* end = put_varint(bytes + 1, head.id);
  end = put_varint(end, head.method);
  end = put_varint(end, head.deadline_ms);
  out.append(bytes, end);
}

void encode(const ReplyHead& head, std::string& out) {
  char bytes[3 + 2 * kVarintMax];
  bytes[0] = static_cast<char>(head.kind);
  char* end = put_varint(bytes + 1, head.id);
  *end++ = static_cast<char>(head.code);
  if (head.code == Code::ok) {
    out.append(bytes, end);
    return;
  }
  *end++ = static_cast<char>(head.outcome);
  end = put_varint(end, head.retry_after_ms);
  out.append(bytes, end);
  append_text(out, head.message);
  append_text(out, head.hint);
}

void encode_ok_reply(uint64_t id, std::string& out) {
  char bytes[2 + kVarintMax];
  bytes[0] = static_cast<char>(EnvelopeKind::call);
  char* end = put_varint(bytes + 1, id);
  *end++ = static_cast<char>(Code::ok);
  out.append(bytes, end);
}

Result<> decode(std::string_view message, RequestHead& head, std::string_view& body) {
  Reader in(message);
  uint8_t kind = 0;
  uint64_t method = 0;
  if (!in.byte(kind) || !known(kind)) return bad("request", "kind");
  if (!in.varint(head.id)) return bad("request", "id");
  if (!in.varint(method) || method > UINT32_MAX) return bad("request", "method");
  if (!in.varint(head.deadline_ms)) return bad("request", "deadline");
  head.kind = static_cast<EnvelopeKind>(kind);
  head.method = static_cast<uint32_t>(method);
  body = in.rest();
  return {};
}

Result<> decode(std::string_view message, ReplyHead& head, std::string_view& body) {
  Reader in(message);
  uint8_t kind = 0;
  uint8_t code = 0;
  uint8_t outcome = 0;
  if (!in.byte(kind) || !known(kind)) return bad("reply", "kind");
  if (!in.varint(head.id)) return bad("reply", "id");
  if (!in.byte(code)) return bad("reply", "code");
  head.kind = static_cast<EnvelopeKind>(kind);
  head.code = static_cast<Code>(code);
  head.retry_after_ms = 0;
  head.message.clear();
  head.hint.clear();
  if (head.code != Code::ok) {
    if (!in.byte(outcome) || outcome > 1) return bad("reply", "outcome");
    if (!in.varint(head.retry_after_ms)) return bad("reply", "retry time");
    if (!in.text(head.message)) return bad("reply", "message");
    if (!in.text(head.hint)) return bad("reply", "hint");
  }
  head.outcome = static_cast<Outcome>(outcome);
  body = in.rest();
  return {};
}

Error to_error(ReplyHead head) {
  bool unknown = code_name(head.code) == "unknown";
  if (unknown) head.message = str("error code ", static_cast<int>(head.code), ": ", head.message);
  if (head.hint.empty() && head.retry_after_ms > 0) {
    head.hint = str("retry after ", head.retry_after_ms, " ms");
  }
  return Error(unknown ? Code::unavailable : head.code, std::move(head.message), head.outcome)
      .with_hint(std::move(head.hint));
}

}  // namespace nokv::codec
