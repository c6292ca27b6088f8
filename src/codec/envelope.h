// What stands before the body of an RPC message: which call, and how it ended.
//
// A request and a reply are told apart by the direction they travel in. Format:
// docs/formats/envelope.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nokv::codec {

// The first byte of a message: what it is, within its direction.
enum class EnvelopeKind : uint8_t {
  call = 1,  // a request, or the reply to one
  push = 2,  // one way, from the server; answers nothing
};

struct RequestHead {
  EnvelopeKind kind = EnvelopeKind::call;
  uint64_t id = 0;  // chosen by the client; unique among its outstanding calls
  uint32_t method = 0;
  uint64_t deadline_ms = 0;  // time left when it was sent; 0 means no deadline

  bool operator==(const RequestHead&) const = default;
};

struct ReplyHead {
  EnvelopeKind kind = EnvelopeKind::call;
  uint64_t id = 0;  // of the request; a push carries the number of what it belongs to
  Code code = Code::ok;
  // The rest is sent only with a code other than ok.
  Outcome outcome = Outcome::not_done;
  uint64_t retry_after_ms = 0;  // 0: nothing is known
  std::string message = {};
  std::string hint = {};

  bool operator==(const ReplyHead&) const = default;
};

// Appends the encoded head; the body follows as it is, to the end of the message.
void encode(const RequestHead& head, std::string& out);
void encode(const ReplyHead& head, std::string& out);

// As encode() of a head with code ok.
void encode_ok_reply(uint64_t id, std::string& out);

// Fills `head` and sets `body` to what follows in `message`. The fields of a reply that are not
// sent get their defaults. Errors: invalid_argument, naming the field.
Result<> decode(std::string_view message, RequestHead& head, std::string_view& body);
Result<> decode(std::string_view message, ReplyHead& head, std::string_view& body);

// The error that a reply with a code other than ok tells. A code that this side does not know
// becomes unavailable.
Error to_error(ReplyHead head);

}  // namespace nokv::codec
