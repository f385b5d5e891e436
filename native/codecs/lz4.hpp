#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// Decodes one LZ4 block (lz4/lz4 doc/lz4_Block_format.md) to exactly `out.size()` bytes; never writes more.
/// @throws Error kCorruptFile (short, too long, a match before the start).
void decode_lz4_block(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace histojet::codecs
