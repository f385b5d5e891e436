#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace histojet {

/// Every failure of the core carries one of these codes; the binding shows them as `HISTOJET_…` strings.
/// The same list stands in `lib/errors.ts`; a test compares the two.
enum class ErrorCode {
  kInvalidArgument,
  kShapeMismatch,
  kUnsupportedFormat,
  kCorruptFile,
  kIo,
  kMissingWeight,
  kDeviceUnavailable,
  kOutOfMemory,
  kDisposed,
  kInternal,
};

/// The public spelling of a code, for example "HISTOJET_SHAPE_MISMATCH".
std::string_view code_name(ErrorCode code);

/// A failure with a code. The message says what was expected, what came, and where.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// Error(kIo) for a failed system call: "<action> <path>: <reason of errno>", with advice for a full disk and for
/// missing permission.
Error io_error(const std::string& action, const std::string& path, int errno_value);

}  // namespace histojet
