#include "codecs/jpeg_errors.hpp"

#include <jerror.h>

#include <cstring>

namespace histojet::codecs {
namespace {

// The only two messages of libjpeg that are no literals; nobody sees them here.
constexpr const char* JCOPYRIGHT_SHORT = "";
constexpr const char* JVERSION = "";

// libjpeg's header turns itself into the table of its messages when JMESSAGE is defined.
constexpr const char* kMessages[] = {
#define JMESSAGE(code, string) string,
#include <jerror.h>
    nullptr};
constexpr int kMessageCount = static_cast<int>(sizeof(kMessages) / sizeof(kMessages[0])) - 1;

void format_message(j_common_ptr codec, char* buffer) {
  const jpeg_error_mgr& manager = *codec->err;
  if (manager.msg_code < 0 || manager.msg_code >= kMessageCount) {
    std::snprintf(buffer, JMSG_LENGTH_MAX, "libjpeg message %d", manager.msg_code);
    return;
  }
  const char* text = kMessages[manager.msg_code];
  const char* percent = std::strchr(text, '%');
  if (percent != nullptr && percent[1] == 's') {
    std::snprintf(buffer, JMSG_LENGTH_MAX, text, manager.msg_parm.s);
  } else {
    const int* i = manager.msg_parm.i;
    std::snprintf(buffer, JMSG_LENGTH_MAX, text, i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7]);
  }
}

JpegErrors& errors_of(j_common_ptr codec) {
  return *reinterpret_cast<JpegErrors*>(codec->err);
}

[[noreturn]] void fail(j_common_ptr codec) {
  JpegErrors& errors = errors_of(codec);
  format_message(codec, errors.message);
  std::longjmp(errors.jump, 1);
}

void note(j_common_ptr codec, int level) {
  if (level >= 0) return;
  JpegErrors& errors = errors_of(codec);
  if (!errors.tolerant) fail(codec);
  if (errors.manager.num_warnings++ == 0) format_message(codec, errors.message);
}

void print_nothing(j_common_ptr) {}

void reset(j_common_ptr codec) {
  JpegErrors& errors = errors_of(codec);
  errors.manager.num_warnings = 0;
  errors.manager.msg_code = 0;
}

}  // namespace

JpegErrors::JpegErrors() {
  manager.error_exit = fail;
  manager.emit_message = note;
  manager.output_message = print_nothing;
  manager.format_message = format_message;
  manager.reset_error_mgr = reset;
}

}  // namespace histojet::codecs
