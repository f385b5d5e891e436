#pragma once

#include <cstdint>
#include <span>

namespace histojet::codecs {

/// PackBits run lengths (TIFF 6.0, section 9) to exactly `out.size()` bytes. Bytes after that are ignored.
/// @throws Error kCorruptFile (short stream, a run beyond the output).
void decode_packbits(std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace histojet::codecs
