#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// TIFF's LZW (most significant bit first, early code change; TIFF 6.0, section 13) to exactly `out.size()` bytes.
/// @throws Error kCorruptFile (undefined code, short stream).
void decode_lzw(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace histojet::codecs
