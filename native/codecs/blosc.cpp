#include "codecs/blosc.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/lz4.hpp"
#include "codecs/zstd.hpp"

namespace histojet::codecs {
namespace {

constexpr std::size_t kHeader = 16;
constexpr unsigned kByteShuffle = 1;
constexpr unsigned kStored = 2;
constexpr unsigned kBitShuffle = 4;
constexpr unsigned kNeverSplit = 16;
// Blocks are cut into one stream per byte of an element only within these limits (c-blosc, split_block).
constexpr std::size_t kMostSplits = 16;
constexpr std::size_t kLeastSplitBytes = 128;

[[noreturn]] void fail(const char* reason) {
  throw Error(ErrorCode::kCorruptFile, std::string("Blosc: ") + reason);
}

std::size_t little(std::span<const std::uint8_t> bytes, std::size_t at) {
  if (at + 4 > bytes.size()) fail("the stream ends early");
  std::size_t value = 0;
  for (std::size_t i = 4; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

void decode_stream(unsigned codec, std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  if (stream.size() == out.size()) {
    std::memcpy(out.data(), stream.data(), out.size());
  } else if (codec == 1) {
    decode_lz4_block(stream, out);
  } else if (codec == 3) {
    inflate_zlib(stream, out);
  } else if (codec == 4) {
    decompress_zstd(stream, out);
  } else {
    throw Error(ErrorCode::kUnsupportedFormat, codec == 0   ? "Blosc with BloscLZ inside is not supported"
                                               : codec == 2 ? "Blosc with Snappy inside is not supported"
                                                            : "Blosc with an unknown codec inside");
  }
}

/// Byte k of all elements lies together; what is no whole element at the end is as it was.
void unshuffle(std::span<const std::uint8_t> from, std::size_t element_bytes, std::span<std::uint8_t> to) {
  const std::size_t elements = from.size() / element_bytes;
  for (std::size_t k = 0; k < element_bytes; ++k) {
    for (std::size_t i = 0; i < elements; ++i) to[i * element_bytes + k] = from[k * elements + i];
  }
  const std::size_t whole = elements * element_bytes;
  std::copy(from.begin() + static_cast<std::ptrdiff_t>(whole), from.end(),
            to.begin() + static_cast<std::ptrdiff_t>(whole));
}

}  // namespace

void decompress_blosc(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  if (stream.size() < kHeader) fail("the stream is shorter than its header");
  if (stream[0] != 2) throw Error(ErrorCode::kUnsupportedFormat, "Blosc format " + std::to_string(stream[0]));
  const unsigned flags = stream[2];
  const std::size_t element_bytes = std::max<std::size_t>(stream[3], 1);
  const std::size_t block_bytes = little(stream, 8);
  if (little(stream, 4) != out.size()) fail("the stream holds another number of bytes than expected");
  if (little(stream, 12) > stream.size()) fail("the stream ends early");
  if (out.empty()) return;
  if ((flags & kStored) != 0) {
    if (stream.size() - kHeader < out.size()) fail("the stream ends early");
    std::memcpy(out.data(), stream.data() + kHeader, out.size());
    return;
  }
  if (block_bytes == 0 || block_bytes > out.size()) fail("impossible size of a block");
  if ((flags & kBitShuffle) != 0 && (flags & kByteShuffle) == 0) {
    throw Error(ErrorCode::kUnsupportedFormat, "Blosc with bit shuffle is not supported");
  }
  const bool shuffled = (flags & kByteShuffle) != 0 && element_bytes > 1;
  std::vector<std::uint8_t> planes(shuffled ? block_bytes : 0);
  for (std::size_t start = 0, block = 0; start < out.size(); start += block_bytes, ++block) {
    const std::span<std::uint8_t> target = out.subspan(start, std::min(block_bytes, out.size() - start));
    const std::span<std::uint8_t> decoded = shuffled ? std::span(planes).first(target.size()) : target;
    const bool whole = target.size() == block_bytes;
    const bool split = (flags & kNeverSplit) == 0 && whole && element_bytes <= kMostSplits &&
                       block_bytes / element_bytes >= kLeastSplitBytes;
    const std::size_t parts = split ? element_bytes : 1;
    if (decoded.size() % parts != 0) fail("a block does not divide into its streams");
    std::size_t at = little(stream, kHeader + block * 4);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t length = little(stream, at);
      at += 4;
      if (length > stream.size() - at) fail("a block reaches beyond the stream");
      const std::size_t part_bytes = decoded.size() / parts;
      decode_stream(flags >> 5, stream.subspan(at, length), decoded.subspan(part * part_bytes, part_bytes));
      at += length;
    }
    if (shuffled) unshuffle(decoded, element_bytes, target);
  }
}

}  // namespace histojet::codecs
