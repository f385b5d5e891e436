#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace histojet::codecs {

/// What a pair of chroma samples adds to luma, for red, green and blue.
struct Chroma {
  int red, green, blue;
};

/// Full-range BT.601 in 16.16 fixed point, rounded as libjpeg and OpenSlide round it (their tables differ in nothing).
struct ChromaTables {
  std::array<std::int32_t, 256> red{}, green_cb{}, green_cr{}, blue{};

  constexpr ChromaTables() {
    constexpr std::int32_t kHalf = 1 << 15;
    for (std::int32_t i = 0; i < 256; ++i) {
      const std::int32_t chroma = i - 128;
      const auto at = static_cast<std::size_t>(i);
      red[at] = (91881 * chroma + kHalf) >> 16;    // 1.402
      blue[at] = (116130 * chroma + kHalf) >> 16;  // 1.772
      green_cr[at] = -46802 * chroma;              // 0.71414
      green_cb[at] = -22554 * chroma + kHalf;      // 0.34414
    }
  }
};
inline constexpr ChromaTables kChromaTables;

inline Chroma chroma_of(std::uint8_t cb, std::uint8_t cr) {
  return {kChromaTables.red[cr], (kChromaTables.green_cb[cb] + kChromaTables.green_cr[cr]) >> 16,
          kChromaTables.blue[cb]};
}

/// Writes one RGB pixel.
inline void put_rgb(std::uint8_t* out, std::uint8_t luma, const Chroma& chroma) {
  out[0] = static_cast<std::uint8_t>(std::clamp(luma + chroma.red, 0, 255));
  out[1] = static_cast<std::uint8_t>(std::clamp(luma + chroma.green, 0, 255));
  out[2] = static_cast<std::uint8_t>(std::clamp(luma + chroma.blue, 0, 255));
}

}  // namespace histojet::codecs
