// How a function says that it could not do what was asked.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace nokv {

// What the caller should do about it, in gRPC's words. A new code needs a caller that would act on
// it differently; everything else is told in the message.
enum class Code : uint8_t {
  ok = 0,                   // on the wire only: no error
  invalid_argument = 1,     // fix the request
  not_found = 2,            // it is not there
  already_exists = 3,       // it is there
  failed_precondition = 4,  // change the state first, then retry
  aborted = 5,              // someone else won: read again, decide again
  permission_denied = 6,    // ask another principal
  resource_exhausted = 7,   // free space first, or ask for less: the message names the limit
  wrong_shard = 8,          // ask the router again, then retry there
  unavailable = 9,          // retry here, later
  cancelled = 10,           // the caller gave up or its deadline passed
  data_loss = 11,           // stored bytes are wrong: stop, tell a person
  unimplemented = 12,       // an older peer: fall back
  not_directory = 13,       // a name on the way is no directory
  is_directory = 14,        // a file was expected
  not_empty = 15,           // remove what is in it first
  stale = 16,               // the node has left the tree, or the request its window: resolve again
  overloaded = 17,          // the queue is full: retry after a pause
  session_expired = 18,     // open a new session; earlier requests may have been done
  cursor_too_old = 19,  // the events after it are gone: look at what is there, watch from now on
  quota_exceeded = 20,  // remove something below the directory named, or raise its quota
};

// "not_found" and so on, as errors are named in JSON.
std::string_view code_name(Code code);

// Whether the effect may have happened all the same. A reply lost on the way back is `maybe_done`:
// retry only what is idempotent, under the same request id.
enum class Outcome : uint8_t {
  not_done,
  maybe_done,
};

class Error {
 public:
  Error(Code code, std::string message, Outcome outcome = Outcome::not_done)
      : code_(code), outcome_(outcome), message_(std::move(message)) {}

  Code code() const { return code_; }
  Outcome outcome() const { return outcome_; }
  const std::string& message() const { return message_; }

  // What to do next, in one line; empty when there is nothing to say.
  const std::string& hint() const { return hint_; }
  Error with_hint(std::string hint) && {
    hint_ = std::move(hint);
    return std::move(*this);
  }

  // The same error, when the effect may have happened all the same.
  Error maybe_done() && {
    outcome_ = Outcome::maybe_done;
    return std::move(*this);
  }

  // The same error, told from one level up: "publish /a: append: disk full".
  Error within(std::string_view context) && {
    message_.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }

 private:
  Code code_;
  Outcome outcome_;
  std::string message_;
  std::string hint_;
};

template <class T = void>
using Result = std::expected<T, Error>;

namespace internal {
inline void append_to(std::string& out, std::string_view text) { out += text; }
void append_to(std::string& out, std::integral auto number) { out += std::to_string(number); }
}  // namespace internal

// The parts one after another; libstdc++ 12 has no std::format.
std::string str(const auto&... parts) {
  std::string out;
  (internal::append_to(out, parts), ...);
  return out;
}

// `return fail(Code::not_found, "no pin ", id);`
std::unexpected<Error> fail(Code code, const auto&... parts) {
  return std::unexpected(Error(code, str(parts...)));
}

// As fail(), when the effect may have happened.
std::unexpected<Error> fail_maybe_done(Code code, const auto&... parts) {
  return std::unexpected(Error(code, str(parts...), Outcome::maybe_done));
}

}  // namespace nokv

// Returns the error of `expr` from this function, when it has one.
#define NOKV_TRY(expr)                                        \
  do {                                                        \
    if (auto nokv_result = (expr); !nokv_result) {            \
      return std::unexpected(std::move(nokv_result).error()); \
    }                                                         \
  } while (false)

// NOKV_ASSIGN(auto pin, table.find(id)); returns the error, or declares `pin` from the value.
#define NOKV_ASSIGN(declaration, expr) \
  NOKV_INTERNAL_ASSIGN(NOKV_INTERNAL_JOIN(nokv_result_, __LINE__), declaration, expr)
#define NOKV_INTERNAL_ASSIGN(result, declaration, expr)           \
  auto result = (expr);                                           \
  if (!result) return std::unexpected(std::move(result).error()); \
  declaration = *std::move(result)
#define NOKV_INTERNAL_JOIN(a, b) NOKV_INTERNAL_JOIN2(a, b)
#define NOKV_INTERNAL_JOIN2(a, b) a##b
