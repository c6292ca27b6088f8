#include "base/posix/system_error.h"

#include <cerrno>
#include <cstring>

namespace nokv {
namespace {

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
      return Code::not_found;
    case EEXIST:
      return Code::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::resource_exhausted;
    case EIO:
      return Code::data_loss;
    case ENOTDIR:
      return Code::not_directory;
    case EISDIR:
      return Code::is_directory;
    case ENOTEMPTY:
      return Code::not_empty;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return Code::invalid_argument;
    default:
      return Code::unavailable;
  }
}

}  // namespace

Error system_error(int error_number, std::string_view what) {
  const char* words = strerrordesc_np(error_number);
  return Error(code_of(error_number),
               words != nullptr ? str(what, ": ", words) : str(what, ": errno ", error_number));
}

}  // namespace nokv
