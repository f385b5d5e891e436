#include "codecs/lzw.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

constexpr int kClear = 256;
constexpr int kEnd = 257;
constexpr int kFirstFree = 258;
constexpr int kMaxCodes = 4096;

/// Codes of 9 to 12 bits, most significant bit first.
class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> stream) : stream_(stream) {}

  /// The next code, or kEnd after the last whole one.
  int take(int width) {
    while (count_ < width) {
      if (at_ == stream_.size()) return kEnd;
      bits_ = bits_ << 8 | stream_[at_++];
      count_ += 8;
    }
    count_ -= width;
    return static_cast<int>(bits_ >> count_) & ((1 << width) - 1);
  }

 private:
  std::span<const std::uint8_t> stream_;
  std::size_t at_ = 0;
  std::uint32_t bits_ = 0;
  int count_ = 0;
};

/// Every string of the table is a piece of the output so far, so an entry is a place and a length.
struct Entry {
  std::size_t start;
  std::size_t length;
};

[[noreturn]] void fail(const char* reason, std::size_t at, std::size_t size) {
  throw Error(ErrorCode::kCorruptFile, std::string("LZW: ") + reason + " after " + std::to_string(at) + " of " +
                                           std::to_string(size) + " bytes");
}

}  // namespace

void decode_lzw(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  std::array<Entry, kMaxCodes> table;
  BitReader reader(stream);
  int next = kFirstFree;
  int width = 9;
  std::size_t at = 0;
  Entry previous{0, 0};  // length 0: none since the last clear
  while (at < out.size()) {
    const int code = reader.take(width);
    if (code == kEnd) fail("the stream ends early", at, out.size());
    if (code == kClear) {
      next = kFirstFree;
      width = 9;
      previous.length = 0;
      continue;
    }
    if (previous.length > 0 && next < kMaxCodes) table[next++] = {previous.start, previous.length + 1};
    if (code > kEnd && code >= next) fail("undefined code", at, out.size());
    const std::size_t length = code < kClear ? 1 : std::min(table[code].length, out.size() - at);
    if (code < kClear) {
      out[at] = static_cast<std::uint8_t>(code);
    } else {
      // Forward byte by byte: the newest string overlaps the place it is written to by one byte.
      const std::uint8_t* from = out.data() + table[code].start;
      std::uint8_t* to = out.data() + at;
      for (std::size_t i = 0; i < length; ++i) to[i] = from[i];
    }
    previous = {at, length};
    at += length;
    // TIFF widens one code early: the next entry to come would be the last of this width.
    if (next + 1 >= (1 << width) && width < 12) ++width;
  }
}

}  // namespace histojet::codecs
