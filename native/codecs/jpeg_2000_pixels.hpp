#pragma once

#include <cstdint>

namespace histojet::codecs {

/// One row of planes as OpenJPEG leaves them, 8-bit samples in 32-bit words. The instruction sets agree in every bit.
struct PlaneRow {
  const std::int32_t* first;   ///< red or luma
  const std::int32_t* second;  ///< green or Cb
  const std::int32_t* third;   ///< blue or Cr
  std::int64_t width;          ///< pixels
  std::uint8_t* out;           ///< width * 3 bytes of RGB
};

using PlaneRowWriter = void (*)(const PlaneRow&);

void write_rgb_row_scalar(const PlaneRow& row);
void write_rgb_row_avx2(const PlaneRow& row);

/// Full-range BT.601 as in ycbcr.hpp; a pair of chroma samples is for two pixels (Aperio 33003). `second` and `third`
/// hold ceil(width / 2) samples.
void write_ycbcr_422_row_scalar(const PlaneRow& row);
void write_ycbcr_422_row_avx2(const PlaneRow& row);

}  // namespace histojet::codecs
