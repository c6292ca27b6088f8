#include "base/result.h"

namespace nokv {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::failed_precondition:
      return "failed_precondition";
    case Code::aborted:
      return "aborted";
    case Code::permission_denied:
      return "permission_denied";
    case Code::resource_exhausted:
      return "resource_exhausted";
    case Code::wrong_shard:
      return "wrong_shard";
    case Code::unavailable:
      return "unavailable";
    case Code::cancelled:
      return "cancelled";
    case Code::data_loss:
      return "data_loss";
    case Code::unimplemented:
      return "unimplemented";
    case Code::not_directory:
      return "not_directory";
    case Code::is_directory:
      return "is_directory";
    case Code::not_empty:
      return "not_empty";
    case Code::stale:
      return "stale";
    case Code::overloaded:
      return "overloaded";
    case Code::session_expired:
      return "session_expired";
    case Code::cursor_too_old:
      return "cursor_too_old";
    case Code::quota_exceeded:
      return "quota_exceeded";
  }
  return "unknown";
}

}  // namespace nokv
