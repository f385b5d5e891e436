#include "codecs/lz4.hpp"

#include <cstring>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

constexpr std::size_t kLeastMatch = 4;
constexpr std::size_t kMoreFollows = 15;

[[noreturn]] void fail(const char* reason) {
  throw Error(ErrorCode::kCorruptFile, std::string("LZ4: ") + reason);
}

}  // namespace

void decode_lz4_block(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out) {
  std::size_t at = 0;
  std::size_t filled = 0;
  const auto next = [&] {
    if (at >= stream.size()) fail("the stream ends early");
    return std::size_t{stream[at++]};
  };
  const auto length = [&](std::size_t nibble) {
    std::size_t total = nibble;
    for (std::size_t more = nibble == kMoreFollows ? 255 : 0; more == 255; total += more) more = next();
    return total;
  };
  while (at < stream.size()) {
    const std::size_t token = next();
    const std::size_t literals = length(token >> 4);
    if (literals > stream.size() - at || literals > out.size() - filled) fail("literals reach beyond the block");
    if (literals > 0) std::memcpy(out.data() + filled, stream.data() + at, literals);
    at += literals;
    filled += literals;
    if (at == stream.size()) break;
    const std::size_t low = next();
    const std::size_t distance = low | next() << 8;
    const std::size_t match = length(token & 15) + kLeastMatch;
    if (distance == 0 || distance > filled) fail("a match begins before the block");
    if (match > out.size() - filled) fail("a match reaches beyond the block");
    // Byte by byte: a match may overlap what it writes.
    for (std::size_t i = 0; i < match; ++i, ++filled) out[filled] = out[filled - distance];
  }
  if (filled != out.size()) fail("the stream holds fewer bytes than expected");
}

}  // namespace histojet::codecs
