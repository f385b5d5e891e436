#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/lzw.hpp"
#include "codecs/packbits.hpp"
#include "codecs/picture_streams.hpp"
#include "codecs/png.hpp"
#include "codecs/zstd.hpp"

namespace histojet::codecs {
namespace {

std::vector<std::uint8_t> noisy_bytes(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = state >> 28 == 0 ? static_cast<std::uint8_t>(state >> 16) : static_cast<std::uint8_t>(state >> 30);
  }
  return bytes;
}

/// A straightforward TIFF LZW encoder, so that the decoder meets every code width and a full table.
std::vector<std::uint8_t> encode_lzw(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint8_t> out;
  std::uint64_t bits = 0;
  int count = 0;
  int width = 9;
  const auto put = [&](int code) {
    bits = bits << width | static_cast<unsigned>(code);
    for (count += width; count >= 8; count -= 8) out.push_back(static_cast<std::uint8_t>(bits >> (count - 8)));
  };
  std::vector<std::string> table;
  const auto find = [&](const std::string& text) {
    if (text.size() == 1) return static_cast<int>(static_cast<unsigned char>(text[0]));
    for (std::size_t i = 0; i < table.size(); ++i) {
      if (table[i] == text) return static_cast<int>(i) + 258;
    }
    return -1;
  };
  put(256);
  std::string current;
  for (const std::uint8_t byte : bytes) {
    if (find(current + static_cast<char>(byte)) >= 0) {
      current += static_cast<char>(byte);
      continue;
    }
    put(find(current));
    table.push_back(current + static_cast<char>(byte));
    current = static_cast<char>(byte);
    const int next = static_cast<int>(table.size()) + 258;
    if (next == 4095) {
      put(256);
      table.clear();
      width = 9;
    } else if (next >= (1 << width)) {
      ++width;
    }
  }
  put(find(current));
  put(257);
  width = 8;
  put(0);
  return out;
}

TEST(Deflate, RoundTripsAndChecksTheLength) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70001}}) {
    const auto bytes = noisy_bytes(size);
    for (const int level : {0, 1, 6, 12}) {
      const auto stream = deflate_zlib(bytes, level);
      std::vector<std::uint8_t> out(size);
      inflate_zlib(stream, out);
      EXPECT_EQ(out, bytes);
      std::vector<std::uint8_t> longer(size + 1);
      EXPECT_THROW(inflate_zlib(stream, longer), Error);
      if (size > 0) {
        EXPECT_THROW(inflate_zlib(stream, std::span(out).first(size - 1)), Error);
        EXPECT_THROW(inflate_zlib(std::span(stream).first(stream.size() - 5), out), Error);
      }
    }
  }
  EXPECT_THROW(deflate_zlib({}, 13), Error);
}

TEST(Deflate, DamageIsFound) {
  const auto bytes = noisy_bytes(5000);
  auto stream = deflate_zlib(bytes);
  stream.back() ^= 1;  // Adler-32
  std::vector<std::uint8_t> out(bytes.size());
  EXPECT_THROW(inflate_zlib(stream, out), Error);
}

TEST(Deflate, GzipMembersAreEqualForEqualInput) {
  const std::string text(1000, 'x');
  const auto member = gzip_member(text);
  EXPECT_EQ(member, gzip_member(text));
  EXPECT_EQ(member[0], 0x1F);
  EXPECT_EQ(member[1], 0x8B);
  for (int i = 3; i < 8; ++i) EXPECT_EQ(member[static_cast<std::size_t>(i)], 0) << "flags and time, byte " << i;
}

TEST(Lzw, DecodesTheTiffSpecificationExample) {
  // TIFF 6.0, page 60: 7 7 7 8 8 7 7 6 6 is coded 256 7 258 8 8 258 6 6 257.
  const std::vector<std::uint8_t> stream = {0x80, 0x01, 0xE0, 0x40, 0x80, 0x44, 0x08, 0x0C, 0x06, 0x80, 0x80};
  std::vector<std::uint8_t> out(9);
  decode_lzw(stream, out);
  EXPECT_EQ(out, (std::vector<std::uint8_t>{7, 7, 7, 8, 8, 7, 7, 6, 6}));
}

TEST(Lzw, RoundTripsEveryWidth) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{60000}}) {
    const auto bytes = noisy_bytes(size);
    std::vector<std::uint8_t> out(size);
    decode_lzw(encode_lzw(bytes), out);
    EXPECT_EQ(out, bytes) << size;
  }
  const std::vector<std::uint8_t> flat(5000, 9);  // each code names the string that it is just making
  std::vector<std::uint8_t> out(flat.size());
  decode_lzw(encode_lzw(flat), out);
  EXPECT_EQ(out, flat);
}

TEST(Lzw, DamageIsATypedError) {
  const auto stream = encode_lzw(noisy_bytes(1000));
  std::vector<std::uint8_t> out(1000);
  EXPECT_THROW(decode_lzw(std::span(stream).first(stream.size() / 2), out), Error);
  EXPECT_THROW(decode_lzw({}, out), Error);
  EXPECT_THROW(decode_lzw(std::vector<std::uint8_t>(50, 0xFF), out), Error);
  std::vector<std::uint8_t> longer(1001);
  EXPECT_THROW(decode_lzw(stream, longer), Error);
}

TEST(PackBits, DecodesTheTiffSpecificationExample) {
  // TIFF 6.0, page 42.
  const std::vector<std::uint8_t> stream = {0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA,
                                            0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA};
  std::vector<std::uint8_t> out(24);
  decode_packbits(stream, out);
  const std::vector<std::uint8_t> expected = {0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00,
                                              0x2A, 0x22, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA};
  EXPECT_EQ(out, expected);
}

TEST(PackBits, RoundTripsAndChecksTheLength) {
  auto bytes = noisy_bytes(3001);
  std::fill(bytes.begin() + 500, bytes.begin() + 900, std::uint8_t{9});
  const auto stream = test::encode_packbits(bytes);
  std::vector<std::uint8_t> out(bytes.size());
  decode_packbits(stream, out);
  EXPECT_EQ(out, bytes);
  std::vector<std::uint8_t> longer(bytes.size() + 1);
  EXPECT_THROW(decode_packbits(stream, longer), Error);
  EXPECT_THROW(decode_packbits(std::span(stream).first(stream.size() - 1), out), Error);
  EXPECT_THROW(decode_packbits({}, out), Error);
  std::vector<std::uint8_t> three(3);
  EXPECT_THROW(decode_packbits(std::vector<std::uint8_t>{0xFD, 0xAA}, three), Error) << "a run of four";
  EXPECT_THROW(decode_packbits(std::vector<std::uint8_t>{3, 1, 2, 3, 4}, three), Error) << "four literals";
}

TEST(Zstd, RoundTripsAndChecksTheLength) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70001}}) {
    const auto bytes = noisy_bytes(size);
    const auto stream = compress_zstd(bytes);
    EXPECT_EQ(stream, compress_zstd(bytes));
    std::vector<std::uint8_t> out(size);
    decompress_zstd(stream, out);
    EXPECT_EQ(out, bytes);
    std::vector<std::uint8_t> longer(size + 1);
    EXPECT_THROW(decompress_zstd(stream, longer), Error);
    if (size == 0) continue;
    EXPECT_THROW(decompress_zstd(stream, std::span(out).first(size - 1)), Error);
    EXPECT_THROW(decompress_zstd(std::span(stream).first(stream.size() - 1), out), Error);
    EXPECT_THROW(decompress_zstd({}, out), Error);
  }
  EXPECT_THROW(compress_zstd({}, 1000), Error);
}

TEST(Png, RoundTripsEachChannelCount) {
  for (const int channels : {1, 3, 4}) {
    Image image(37, 11, channels);
    image.data = noisy_bytes(image.data.size());
    const auto bytes = encode_png(image, 6);
    EXPECT_EQ(bytes, encode_png(image, 6));
    const PngHeader header = read_png_header(bytes);
    EXPECT_EQ(header.width, 37);
    EXPECT_EQ(header.height, 11);
    const Image back = decode_png(bytes);
    EXPECT_EQ(back.channels, channels == 1 ? 3 : channels);
    if (channels == 1) {
      for (std::size_t i = 0; i < image.data.size(); ++i) EXPECT_EQ(back.data[i * 3 + 2], image.data[i]);
    } else {
      EXPECT_EQ(back.data, image.data);
    }
  }
}

TEST(Png, StridedViewsEncodeTheirWindow) {
  Image image(20, 20, 3);
  image.data = noisy_bytes(image.data.size());
  const ImageView window(image.row(2) + 15, 4, 3, 3, 60);
  const Image back = decode_png(encode_png(window));
  EXPECT_EQ(back.width, 4);
  EXPECT_TRUE(std::equal(back.row(2), back.row(2) + 12, image.row(4) + 15));
}

TEST(Png, DamageIsATypedError) {
  const auto code_of = [](std::vector<std::uint8_t> bytes) {
    try {
      decode_png(bytes);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  Image image(50, 50, 3);
  image.data = noisy_bytes(image.data.size());
  const auto good = encode_png(image);
  EXPECT_EQ(code_of({}), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of({good.begin(), good.begin() + 33}), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of({good.begin(), good.end() - 100}), ErrorCode::kCorruptFile);
  auto damaged = good;
  damaged[good.size() / 2] ^= 0x55;
  EXPECT_EQ(code_of(damaged), ErrorCode::kCorruptFile);
  auto huge = good;
  std::fill_n(huge.begin() + 16, 8, std::uint8_t{0x70});
  EXPECT_EQ(code_of(huge), ErrorCode::kCorruptFile);
  std::fill_n(huge.begin() + 16, 8, std::uint8_t{0});
  EXPECT_EQ(code_of(huge), ErrorCode::kCorruptFile);
}

TEST(Png, EncoderChecksItsArguments) {
  EXPECT_THROW(encode_png(Image(0, 1, 3)), Error);
  EXPECT_THROW(encode_png(Image(1, 1, 2)), Error);
  EXPECT_THROW(encode_png(Image(1, 1, 3), 10), Error);
}

}  // namespace
}  // namespace histojet::codecs
