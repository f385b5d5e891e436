// From OpenJPEG's planes to RGB: every instruction set, every pixel value.

#include "codecs/jpeg_2000_pixels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/cpu_info.hpp"
#include "codecs/ycbcr.hpp"

namespace histojet::codecs {
namespace {

using Plane = std::vector<std::int32_t>;
using Bytes = std::vector<std::uint8_t>;

std::vector<PlaneRowWriter> writers(PlaneRowWriter scalar, PlaneRowWriter avx2) {
  std::vector<PlaneRowWriter> found{scalar};
  if (detected_isa() >= Isa::kAvx2) found.push_back(avx2);
  return found;
}

TEST(Jpeg2000Pixels, AllColoursOfYCbCr) {
  constexpr std::int64_t kWidth = 256 * 256;
  for (const PlaneRowWriter write : writers(write_ycbcr_422_row_scalar, write_ycbcr_422_row_avx2)) {
    Plane luma(kWidth), cb(kWidth / 2), cr(kWidth / 2);
    Bytes out(kWidth * 3);
    // One row holds a Cb with every luma and Cr: pairs of luma beside each other.
    for (std::int32_t blue = 0; blue < 256; ++blue) {
      for (std::size_t x = 0; x < kWidth; ++x) luma[x] = static_cast<std::int32_t>(x % 256);
      for (std::size_t i = 0; i < kWidth / 2; ++i) {
        cb[i] = blue;
        cr[i] = static_cast<std::int32_t>(i / 128);
      }
      write({luma.data(), cb.data(), cr.data(), kWidth, out.data()});
      bool equal = true;
      for (std::size_t x = 0; x < kWidth; ++x) {
        std::uint8_t expected[3];
        put_rgb(expected, static_cast<std::uint8_t>(x % 256),
                chroma_of(static_cast<std::uint8_t>(blue), static_cast<std::uint8_t>(x / 256)));
        equal = equal && std::equal(expected, expected + 3, &out[x * 3]);
      }
      ASSERT_TRUE(equal) << blue;
    }
  }
}

TEST(Jpeg2000Pixels, WidthsThatNoVectorFits) {
  for (std::int64_t width = 1; width <= 67; ++width) {
    const auto count = static_cast<std::size_t>(width);
    // Values beyond 8 bits: only the low byte counts.
    Plane first(count), second(count), third(count);
    for (std::size_t x = 0; x < count; ++x) {
      first[x] = static_cast<std::int32_t>(x * 7 + 500);
      second[x] = static_cast<std::int32_t>(x * 31) - 300;
      third[x] = static_cast<std::int32_t>(x * 57 + 70000);
    }
    const auto byte = [](std::int32_t value) { return static_cast<std::uint8_t>(value); };
    Bytes rgb(count * 3), ycbcr(count * 3);
    for (std::size_t x = 0; x < count; ++x) {
      std::uint8_t* to = &rgb[x * 3];
      to[0] = byte(first[x]);
      to[1] = byte(second[x]);
      to[2] = byte(third[x]);
      put_rgb(&ycbcr[x * 3], byte(first[x]), chroma_of(byte(second[x / 2]), byte(third[x / 2])));
    }
    const auto expect = [&](PlaneRowWriter write, const Bytes& expected) {
      // The planes end where the row ends, so that a sanitizer sees every word too many.
      const Plane luma(first), cb(second.begin(), second.end()), cr(third.begin(), third.end());
      Bytes out(count * 3 + 1, 77);
      write({luma.data(), cb.data(), cr.data(), width, out.data()});
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), out.begin())) << width;
      EXPECT_EQ(out.back(), 77) << width;
    };
    for (const PlaneRowWriter write : writers(write_rgb_row_scalar, write_rgb_row_avx2)) expect(write, rgb);
    const auto half = static_cast<std::ptrdiff_t>((width + 1) / 2);
    second.resize(static_cast<std::size_t>(half));
    third.resize(static_cast<std::size_t>(half));
    for (const PlaneRowWriter write : writers(write_ycbcr_422_row_scalar, write_ycbcr_422_row_avx2)) {
      expect(write, ycbcr);
    }
  }
}

}  // namespace
}  // namespace histojet::codecs
