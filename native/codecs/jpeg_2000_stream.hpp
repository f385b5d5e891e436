#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codecs/jpeg_2000.hpp"

namespace histojet::codecs {

/// A JPEG 2000 codestream (ISO/IEC 15444-1, annex A) with what its headers say, checked before OpenJPEG sees it.
struct Jpeg2000Stream {
  std::span<const std::uint8_t> bytes;  ///< from SOC on, without the boxes of a JP2 file
  Jpeg2000Header header;
  bool sycc = false;  ///< the JP2 file says that the components are YCbCr
  /// Holds `bytes` where the length of the last tile-part had to be cut to what is there: OpenJPEG allocates what that
  /// length says before it looks.
  std::vector<std::uint8_t> repaired;
};

/// Finds the codestream and checks its headers: sizes, features of part 2, and what OpenJPEG would allocate for tiles,
/// precincts and code-blocks before it has read a single packet. A tile-part that claims more than the stream has is
/// damage, or with `tolerant` cut to the end. @throws Error as decode_jpeg_2000.
Jpeg2000Stream parse_jpeg_2000(std::span<const std::uint8_t> stream, bool tolerant);

}  // namespace histojet::codecs
