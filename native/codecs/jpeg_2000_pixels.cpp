#include "codecs/jpeg_2000_pixels.hpp"

#include "codecs/ycbcr.hpp"

namespace histojet::codecs {

void write_rgb_row_scalar(const PlaneRow& row) {
  std::uint8_t* out = row.out;
  for (std::int64_t x = 0; x < row.width; ++x, out += 3) {
    out[0] = static_cast<std::uint8_t>(row.first[x]);
    out[1] = static_cast<std::uint8_t>(row.second[x]);
    out[2] = static_cast<std::uint8_t>(row.third[x]);
  }
}

void write_ycbcr_422_row_scalar(const PlaneRow& row) {
  std::uint8_t* out = row.out;
  for (std::int64_t x = 0; x < row.width; x += 2, out += 6) {
    const auto cb = static_cast<std::uint8_t>(row.second[x / 2]);
    const auto cr = static_cast<std::uint8_t>(row.third[x / 2]);
    const Chroma chroma = chroma_of(cb, cr);
    put_rgb(out, static_cast<std::uint8_t>(row.first[x]), chroma);
    if (x + 1 < row.width) put_rgb(out + 3, static_cast<std::uint8_t>(row.first[x + 1]), chroma);
  }
}

}  // namespace histojet::codecs
