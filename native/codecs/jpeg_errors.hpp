#pragma once

// jpeglib.h needs the declarations of the two standard headers before it.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csetjmp>

namespace histojet::codecs {

/// libjpeg's error manager with our data behind it. libjpeg's own (`jpeg_std_error`) is never used: it writes to the
/// standard streams, which a library inside Node must not touch. The functions that libjpeg calls jump back to `jump`,
/// so the caller sets it (setjmp) in a function that holds no C++ objects with destructors.
struct JpegErrors {
  jpeg_error_mgr manager{};  // first member: libjpeg hands back a pointer to it
  std::jmp_buf jump{};
  bool tolerant = false;               ///< warnings are noted instead of thrown
  char message[JMSG_LENGTH_MAX] = "";  ///< the failure, or the first warning of a tolerant run

  JpegErrors();
  JpegErrors(const JpegErrors&) = delete;
  JpegErrors& operator=(const JpegErrors&) = delete;
};

}  // namespace histojet::codecs
