// JPEG 2000, WebP and JPEG XL: pixels, sizes, damage.

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "codecs/jpeg_2000.hpp"
#include "codecs/jpeg_xl.hpp"
#include "codecs/picture_streams.hpp"
#include "codecs/webp.hpp"
#include "codecs/ycbcr.hpp"

namespace histojet::codecs {
namespace {

using Bytes = std::vector<std::uint8_t>;
using test::encode_jpeg_2000;
using test::encode_webp;
using test::Jpeg2000Choices;

Image picture(std::int64_t width, std::int64_t height, int channels) {
  Image image(width, height, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c) {
        image.row(y)[x * channels + c] = static_cast<std::uint8_t>(x * 20 + y * 7 + c * 50);
      }
    }
  }
  return image;
}

constexpr std::uint8_t kUntouched = 0xEE;

/// Decodes into rows with three bytes of padding and checks that these stay as they were.
template <class Decode>
Image decode(std::int64_t width, std::int64_t height, int channels, Decode decode_into) {
  const std::int64_t stride = width * channels + 3;
  Bytes padded(static_cast<std::size_t>(stride * height), kUntouched);
  decode_into(padded.data(), stride);
  Image image(width, height, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    std::copy_n(padded.data() + y * stride, width * channels, image.row(y));
    for (std::int64_t i = width * channels; i < stride; ++i) {
      EXPECT_EQ(padded[static_cast<std::size_t>(y * stride + i)], kUntouched) << "row " << y;
    }
  }
  return image;
}

Image jpeg_2000(const Bytes& stream, std::int64_t width, std::int64_t height, int channels = 3,
                Jpeg2000Color color = Jpeg2000Color::kRgb, bool tolerant = false) {
  return decode(width, height, channels, [&](std::uint8_t* out, std::int64_t stride) {
    decode_jpeg_2000(stream, color, width, height, channels, out, stride, tolerant);
  });
}

template <class Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Jpeg2000, LosslessPixelsOfOddSizes) {
  const Image image = picture(37, 21, 3);
  for (const Jpeg2000Choices& choices : {Jpeg2000Choices{},
                                         {.transform = true},
                                         {.tile = 16},
                                         {.precinct = 16},
                                         {.transform = true, .boxes = true},
                                         {.bits = 12},
                                         {.bits = 16}}) {
    const Bytes stream = encode_jpeg_2000(image, choices);
    EXPECT_EQ(jpeg_2000(stream, 37, 21).data, image.data) << choices.bits << choices.boxes;
    const Jpeg2000Header header = read_jpeg_2000_header(stream);
    EXPECT_EQ(header.width, 37);
    EXPECT_EQ(header.height, 21);
    EXPECT_EQ(header.components, 3);
    EXPECT_EQ(header.bits, choices.bits);
    EXPECT_EQ(header.component_transform, choices.transform);
  }
  const Image single = picture(1, 1, 3);
  EXPECT_EQ(jpeg_2000(encode_jpeg_2000(single), 1, 1).data, single.data);
}

TEST(Jpeg2000, GreyAndExtraComponents) {
  const Image grey = picture(19, 8, 1);
  const Bytes stream = encode_jpeg_2000(grey);
  EXPECT_EQ(jpeg_2000(stream, 19, 8, 1, Jpeg2000Color::kGrey).data, grey.data);
  const Image spread = jpeg_2000(stream, 19, 8);
  for (std::size_t i = 0; i < grey.data.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) ASSERT_EQ(spread.data[i * 3 + c], grey.data[i]);
  }
  const Image four = picture(19, 8, 4);
  const Image three = jpeg_2000(encode_jpeg_2000(four), 19, 8);
  const Image first = jpeg_2000(encode_jpeg_2000(four), 19, 8, 3, Jpeg2000Color::kGrey);
  for (std::size_t i = 0; i < grey.data.size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(three.data[i * 3 + c], four.data[i * 4 + c]);
      ASSERT_EQ(first.data[i * 3 + c], four.data[i * 4]);
    }
  }
}

TEST(Jpeg2000, YCbCrRepeatsChroma) {
  const Image image = picture(37, 9, 3);
  for (const int step : {1, 2, 3}) {
    const Bytes stream = encode_jpeg_2000(image, {.chroma_step = step});
    const Image rgb = jpeg_2000(stream, 37, 9, 3, Jpeg2000Color::kYCbCr);
    for (std::int64_t y = 0; y < 9; ++y) {
      for (std::int64_t x = 0; x < 37; ++x) {
        const std::uint8_t* chroma = image.row(y) + x / step * step * 3;
        std::uint8_t expected[3];
        put_rgb(expected, image.row(y)[x * 3], chroma_of(chroma[1], chroma[2]));
        for (int c = 0; c < 3; ++c) ASSERT_EQ(rgb.row(y)[x * 3 + c], expected[c]) << x << ", " << y;
      }
    }
  }
  const Bytes boxed = encode_jpeg_2000(image, {.boxes = true, .sycc = true});
  EXPECT_EQ(jpeg_2000(boxed, 37, 9).data, jpeg_2000(encode_jpeg_2000(image), 37, 9, 3, Jpeg2000Color::kYCbCr).data);
}

TEST(YCbCr, FullRangeBt601) {
  const auto rgb = [](std::uint8_t y, std::uint8_t cb, std::uint8_t cr) {
    std::array<std::uint8_t, 3> out{};
    put_rgb(out.data(), y, chroma_of(cb, cr));
    return out;
  };
  EXPECT_EQ(rgb(77, 128, 128), (std::array<std::uint8_t, 3>{77, 77, 77}));
  EXPECT_EQ(rgb(76, 85, 255), (std::array<std::uint8_t, 3>{254, 0, 0}));
  EXPECT_EQ(rgb(255, 0, 0), (std::array<std::uint8_t, 3>{76, 255, 28}));
}

TEST(Jpeg2000, SizesAreCheckedBeforeDecoding) {
  const Bytes stream = encode_jpeg_2000(picture(16, 16, 3));
  EXPECT_EQ(code_of([&] { jpeg_2000(stream, 16, 17); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([&] { jpeg_2000(stream, 17, 16); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([&] { jpeg_2000(stream, 16, 16, 2); }), ErrorCode::kInvalidArgument);
  Bytes huge = stream;
  for (const std::size_t at : {8U, 12U, 24U, 28U}) huge[at + 1] = 0x10;  // sides and tile sides of 2^20
  EXPECT_EQ(code_of([&] { jpeg_2000(huge, 16, 16); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([&] { jpeg_2000(encode_jpeg_2000(picture(16, 16, 2)), 16, 16); }), ErrorCode::kCorruptFile);
}

TEST(Jpeg2000, WhatIsNotHandledSaysSo) {
  const Image image = picture(16, 16, 3);
  EXPECT_EQ(code_of([&] { jpeg_2000(encode_jpeg_2000(image, {.is_signed = true}), 16, 16); }),
            ErrorCode::kUnsupportedFormat);
  // Tiles of one pixel: a megabyte of book-keeping per kilobyte of picture.
  Bytes tiles = encode_jpeg_2000(picture(128, 128, 3));
  for (const std::size_t at : {24U, 28U}) {
    tiles[at + 2] = 0;
    tiles[at + 3] = 1;
  }
  EXPECT_EQ(code_of([&] { jpeg_2000(tiles, 128, 128); }), ErrorCode::kUnsupportedFormat);
  Bytes part2 = encode_jpeg_2000(image);
  part2[6] |= 0x80;  // Rsiz
  EXPECT_EQ(code_of([&] { jpeg_2000(part2, 16, 16); }), ErrorCode::kUnsupportedFormat);
}

TEST(Jpeg2000, ManyPrecinctsAreRefused) {
  // 65 535 layers over one precinct per pixel of the lowest resolution.
  Bytes stream = encode_jpeg_2000(picture(256, 256, 3), {.precinct = 128});
  for (std::size_t at = 0; at + 20 < stream.size(); ++at) {
    if (stream[at] != 0xFF || stream[at + 1] != 0x52) continue;
    stream[at + 6] = stream[at + 7] = 0xFF;
    stream[at + 14] = 0;
    break;
  }
  EXPECT_EQ(code_of([&] { jpeg_2000(stream, 256, 256); }), ErrorCode::kUnsupportedFormat);
}

TEST(Jpeg2000, DamageIsATypedErrorAndTolerantReadersGetTheRest) {
  const Image image = picture(64, 64, 3);
  const Bytes stream = encode_jpeg_2000(image, {.transform = true});
  for (const std::size_t length : {std::size_t{0}, std::size_t{3}, std::size_t{40}, stream.size() / 2}) {
    const Bytes cut(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(code_of([&] { jpeg_2000(cut, 64, 64); }), ErrorCode::kCorruptFile) << length;
  }
  const Bytes half(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(stream.size() * 3 / 4));
  Bytes out(64 * 64 * 3);
  EXPECT_NE(decode_jpeg_2000(half, Jpeg2000Color::kRgb, 64, 64, 3, out.data(), 64 * 3, true), "");
  Bytes again(64 * 64 * 3, 1);
  decode_jpeg_2000(half, Jpeg2000Color::kRgb, 64, 64, 3, again.data(), 64 * 3, true);
  EXPECT_EQ(out, again) << "what is missing must not be what was in memory";
  EXPECT_EQ(decode_jpeg_2000(stream, Jpeg2000Color::kRgb, 64, 64, 3, out.data(), 64 * 3, true), "");
  EXPECT_EQ(out, image.data);
}

TEST(Jpeg2000, FlippedBytesNeverCrash) {
  const Bytes stream = encode_jpeg_2000(picture(20, 20, 3), {.transform = true, .tile = 16});
  Bytes out(20 * 20 * 3);
  // Every byte of the headers, some of the packets.
  for (std::size_t at = 0; at < stream.size(); at += at < 160 ? 1 : 7) {
    for (const std::uint8_t mask : {0x01, 0xFF}) {
      Bytes damaged = stream;
      damaged[at] ^= mask;
      for (const bool tolerant : {false, true}) {
        try {
          decode_jpeg_2000(damaged, Jpeg2000Color::kRgb, 20, 20, 3, out.data(), 20 * 3, tolerant);
        } catch (const Error&) {
        }
      }
    }
  }
}

TEST(WebP, LosslessPixels) {
  for (const int channels : {3, 4}) {
    const Image image = picture(37, 21, channels);
    const Bytes stream = encode_webp(image);
    const auto webp = [&](std::int64_t width, std::int64_t height, int wanted) {
      return decode(width, height, wanted, [&](std::uint8_t* out, std::int64_t stride) {
        decode_webp(stream, width, height, wanted, out, stride);
      });
    };
    if (channels == 3) {
      EXPECT_EQ(webp(37, 21, 3).data, image.data);
    } else {
      // The encoder may change the colour of transparent pixels; the others are exact.
      const Image out = webp(37, 21, 4);
      for (std::size_t i = 0; i < image.data.size(); ++i) {
        if (image.data[i / 4 * 4 + 3] != 0) {
          ASSERT_EQ(out.data[i], image.data[i]) << i;
        }
      }
    }
    EXPECT_EQ(code_of([&] { webp(38, 21, 3); }), ErrorCode::kCorruptFile);
    EXPECT_EQ(code_of([&] { webp(37, 21, 1); }), ErrorCode::kInvalidArgument);
  }
}

TEST(WebP, DamageIsATypedError) {
  const Bytes stream = encode_webp(picture(37, 21, 3));
  Bytes out(37 * 21 * 3);
  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, stream.size() / 2}) {
    EXPECT_EQ(code_of([&] { decode_webp(std::span(stream).first(length), 37, 21, 3, out.data(), 37 * 3); }),
              ErrorCode::kCorruptFile);
  }
}

// Lossless streams of picture(9, 5, channels), by libjxl 0.7.
const Bytes kGreyJxl = {0xFF, 0x0A, 0x20, 0x00, 0x10, 0x80, 0xA0, 0xB8, 0x11, 0x08, 0x02, 0x01, 0x00,
                        0x60, 0x00, 0x4B, 0x38, 0x68, 0x98, 0xC2, 0x83, 0xF7, 0x15, 0x14, 0x24, 0xC5,
                        0x84, 0xE9, 0x00, 0x9E, 0x76, 0x77, 0x77, 0x77, 0x01, 0x00, 0x00, 0x00, 0x00};
const Bytes kRgbJxl = {0xFF, 0x0A, 0x20, 0x00, 0x10, 0x80, 0x48, 0x08, 0x02, 0x01, 0x00, 0xA8, 0x00, 0x4B,
                       0x18, 0x93, 0x8E, 0x83, 0x83, 0x09, 0x30, 0xA2, 0x56, 0x8C, 0x41, 0xA4, 0x90, 0xA6,
                       0x18, 0x83, 0x35, 0x62, 0x0C, 0x4E, 0x1C, 0x60, 0xE8, 0x07, 0xFE, 0x21, 0xE0, 0xEE,
                       0x5F, 0x55, 0x81, 0x3F, 0x54, 0x55, 0xC1, 0xF2, 0x0F, 0xE0, 0xF1, 0x4F, 0x02};
const Bytes kRgbaJxl = {0xFF, 0x0A, 0x20, 0x00, 0x10, 0x80, 0x95, 0x08, 0x08, 0x10, 0x00, 0x24, 0x01, 0x4B, 0x28,
                        0x24, 0xC6, 0x47, 0x41, 0xC1, 0x14, 0x05, 0xB0, 0xA1, 0x31, 0x06, 0x6B, 0xC7, 0x18, 0x3C,
                        0x17, 0x35, 0x62, 0x8C, 0x8E, 0x20, 0x7B, 0x80, 0x21, 0x7E, 0xD0, 0x08, 0x00, 0x34, 0xF1,
                        0x87, 0x10, 0x42, 0x88, 0xE2, 0x1D, 0x21, 0x7B, 0x10, 0xD0, 0xB6, 0xF8, 0x57, 0xFF, 0x53,
                        0x56, 0xFF, 0x93, 0x3F, 0x60, 0xFE, 0xCF, 0x2C, 0x08, 0xA1, 0xD2, 0x7F, 0x84, 0xAE, 0x11,
                        0x32, 0xBA, 0x70, 0x8C, 0xDC, 0x4B, 0x65, 0xE0, 0x0E, 0xC7, 0x08};

bool has_libjxl() {
  for (const char* name : {"libjxl.so.0.11", "libjxl.so.0.10", "libjxl.so.0.9", "libjxl.so.0.8", "libjxl.so.0.7"}) {
    if (dlopen(name, RTLD_NOW | RTLD_LOCAL) != nullptr) return true;
  }
  return false;
}

Image jpeg_xl(const Bytes& stream, std::int64_t width, std::int64_t height, int channels) {
  return decode(width, height, channels, [&](std::uint8_t* out, std::int64_t stride) {
    decode_jpeg_xl(stream, width, height, channels, out, stride);
  });
}

TEST(JpegXl, LosslessPixelsOrAMessageWhatToInstall) {
  if (!has_libjxl()) {
    EXPECT_EQ(code_of([] { jpeg_xl(kRgbJxl, 9, 5, 3); }), ErrorCode::kUnsupportedFormat);
    GTEST_SKIP() << "skipped: no libjxl";
  }
  EXPECT_EQ(jpeg_xl(kRgbJxl, 9, 5, 3).data, picture(9, 5, 3).data);
  EXPECT_EQ(jpeg_xl(kGreyJxl, 9, 5, 1).data, picture(9, 5, 1).data);
  EXPECT_EQ(jpeg_xl(kRgbaJxl, 9, 5, 4).data, picture(9, 5, 4).data);
  const Image grey = picture(9, 5, 1);
  const Image spread = jpeg_xl(kGreyJxl, 9, 5, 3);
  for (std::size_t i = 0; i < spread.data.size(); ++i) ASSERT_EQ(spread.data[i], grey.data[i / 3]);
}

TEST(JpegXl, DamageIsATypedError) {
  if (!has_libjxl()) GTEST_SKIP() << "skipped: no libjxl";
  EXPECT_EQ(code_of([] { jpeg_xl(kRgbJxl, 9, 6, 3); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([] { jpeg_xl(kRgbJxl, 10, 5, 3); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([] { jpeg_xl(kRgbJxl, 9, 5, 1); }), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of([] { jpeg_xl(kRgbJxl, 9, 5, 2); }), ErrorCode::kInvalidArgument);
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, kRgbJxl.size() / 2, kRgbJxl.size() - 1}) {
    const Bytes cut(kRgbJxl.begin(), kRgbJxl.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(code_of([&] { jpeg_xl(cut, 9, 5, 3); }), ErrorCode::kCorruptFile) << length;
  }
}

}  // namespace
}  // namespace histojet::codecs
