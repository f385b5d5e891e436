#include "codecs/packbits.hpp"

#include <cstring>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

[[noreturn]] void fail(const char* reason, std::size_t at, std::size_t size) {
  throw Error(ErrorCode::kCorruptFile, std::string("PackBits: ") + reason + " after " + std::to_string(at) + " of " +
                                           std::to_string(size) + " bytes");
}

}  // namespace

void decode_packbits(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  constexpr std::uint8_t kNothing = 128;
  std::size_t from = 0;
  std::size_t at = 0;
  while (at < out.size()) {
    if (from == stream.size()) fail("the stream ends early", at, out.size());
    const std::uint8_t head = stream[from++];
    if (head == kNothing) continue;
    const bool literal = head < kNothing;
    const std::size_t length = literal ? head + 1U : 257U - head;
    const std::size_t needed = literal ? length : 1;
    if (needed > stream.size() - from) fail("the stream ends early", at, out.size());
    if (length > out.size() - at) fail("a run leaves the output", at, out.size());
    if (literal) {
      std::memcpy(out.data() + at, stream.data() + from, length);
    } else {
      std::memset(out.data() + at, stream[from], length);
    }
    from += needed;
    at += length;
  }
}

}  // namespace histojet::codecs
