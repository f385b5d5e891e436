#include "base/error.hpp"

#include <cerrno>
#include <system_error>

namespace histojet {

std::string_view code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "HISTOJET_INVALID_ARGUMENT";
    case ErrorCode::kShapeMismatch:
      return "HISTOJET_SHAPE_MISMATCH";
    case ErrorCode::kUnsupportedFormat:
      return "HISTOJET_UNSUPPORTED_FORMAT";
    case ErrorCode::kCorruptFile:
      return "HISTOJET_CORRUPT_FILE";
    case ErrorCode::kIo:
      return "HISTOJET_IO";
    case ErrorCode::kMissingWeight:
      return "HISTOJET_MISSING_WEIGHT";
    case ErrorCode::kDeviceUnavailable:
      return "HISTOJET_DEVICE_UNAVAILABLE";
    case ErrorCode::kOutOfMemory:
      return "HISTOJET_OUT_OF_MEMORY";
    case ErrorCode::kDisposed:
      return "HISTOJET_DISPOSED";
    case ErrorCode::kInternal:
      return "HISTOJET_INTERNAL";
  }
  return "HISTOJET_INTERNAL";
}

namespace {

std::string_view advice(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
      return " (free some space or choose another folder, then run again)";
    case EACCES:
    case EPERM:
    case EROFS:
      return " (choose a place where you may write, or change the permissions)";
    case ENOENT:
      return " (check the path)";
    default:
      return "";
  }
}

}  // namespace

Error io_error(const std::string& action, const std::string& path, int errno_value) {
  std::string message = action + " " + path + ": " + std::generic_category().message(errno_value);
  message += advice(errno_value);
  return Error(ErrorCode::kIo, message);
}

}  // namespace histojet
