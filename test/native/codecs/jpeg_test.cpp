#include "codecs/jpeg.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

Image gradient(std::int64_t width, std::int64_t height, int channels = 3) {
  Image image(width, height, channels);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width * channels; ++x) {
      image.row(y)[x] = static_cast<std::uint8_t>(40 + (x / channels * 3 + y * 2 + x % channels * 50) % 160);
    }
  }
  return image;
}

Image decode(JpegDecoder& decoder, const std::vector<std::uint8_t>& stream, std::int64_t width, std::int64_t height,
             JpegColor color = JpegColor::kAuto, int channels = 3) {
  Image out(width, height, channels);
  decoder.decode(stream, color, width, height, channels, out.data.data(), width * channels);
  return out;
}

int largest_difference(const Image& a, const Image& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.data.size(); ++i) largest = std::max(largest, std::abs(a.data[i] - b.data[i]));
  return largest;
}

std::string failure(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
    return error.what();
  }
  return "no error";
}

TEST(Jpeg, RoundTripsOddSizes) {
  JpegDecoder decoder;
  for (const auto& [width, height] : {std::pair{1, 1}, {17, 9}, {64, 64}, {255, 31}}) {
    const Image image = gradient(width, height);
    const auto stream = encode_jpeg(image, {.quality = 98});
    EXPECT_LE(largest_difference(image, decode(decoder, stream, width, height)), 40) << width << "x" << height;
    const JpegHeader header = decoder.read_header(stream);
    EXPECT_EQ(header.width, width);
    EXPECT_EQ(header.height, height);
    EXPECT_EQ(header.components, 3);
    EXPECT_EQ(stream, encode_jpeg(image, {.quality = 98}));
  }
}

TEST(Jpeg, SubsamplingMakesSmallerStreams) {
  const Image image = gradient(128, 128);
  EXPECT_LT(encode_jpeg(image, {.subsampling = 2}).size(), encode_jpeg(image, {.subsampling = 1}).size());
}

TEST(Jpeg, GreyAndRgbxEncode) {
  JpegDecoder decoder;
  const Image grey = gradient(33, 20, 1);
  EXPECT_LE(largest_difference(grey, decode(decoder, encode_jpeg(grey, {.quality = 98}), 33, 20, JpegColor::kGrey, 1)),
            12);
  const Image rgb = gradient(33, 20);
  Image rgba(33, 20, 4, 255);
  for (std::size_t i = 0; i < 33 * 20; ++i) std::copy_n(&rgb.data[i * 3], 3, &rgba.data[i * 4]);
  EXPECT_EQ(encode_jpeg(rgba), encode_jpeg(rgb));
}

TEST(Jpeg, PhotometricDecidesOverMarkers) {
  JpegDecoder decoder;
  const auto stream = encode_jpeg(gradient(32, 32), {.quality = 95});
  const Image automatic = decode(decoder, stream, 32, 32);
  EXPECT_EQ(automatic.data, decode(decoder, stream, 32, 32, JpegColor::kYCbCr).data);
  EXPECT_NE(automatic.data, decode(decoder, stream, 32, 32, JpegColor::kRgb).data);
  EXPECT_NE(failure([&] { decode(decoder, stream, 32, 32, JpegColor::kGrey); }).find("3 components"),
            std::string::npos);
}

TEST(Jpeg, AbbreviatedStreamsNeedTheirTables) {
  const JpegEncodeOptions options{.quality = 80, .subsampling = 2, .abbreviated = true};
  const Image image = gradient(64, 48);
  const auto whole = encode_jpeg(image, {.quality = 80, .subsampling = 2});
  const auto cut = encode_jpeg(image, options);
  EXPECT_LT(cut.size() + 400, whole.size());
  JpegDecoder decoder;
  EXPECT_NE(failure([&] { decode(decoder, cut, 64, 48, JpegColor::kYCbCr); }), "no error");
  decoder.set_tables(jpeg_tables(options));
  const Image expected = decode(decoder, whole, 64, 48, JpegColor::kYCbCr);
  EXPECT_EQ(decode(decoder, cut, 64, 48, JpegColor::kYCbCr).data, expected.data);
}

TEST(Jpeg, ForeignTablesDoNotLeakIntoTheNextTile) {
  const JpegEncodeOptions options{.quality = 90, .subsampling = 1, .abbreviated = true};
  const Image image = gradient(32, 32);
  const auto cut = encode_jpeg(image, options);
  JpegDecoder decoder;
  decoder.set_tables(jpeg_tables(options));
  const Image expected = decode(decoder, cut, 32, 32, JpegColor::kYCbCr);
  decode(decoder, encode_jpeg(image, {.quality = 20}), 32, 32);
  EXPECT_EQ(decode(decoder, cut, 32, 32, JpegColor::kYCbCr).data, expected.data);
  decoder.set_tables({});
  EXPECT_NE(failure([&] { decode(decoder, cut, 32, 32, JpegColor::kYCbCr); }), "no error");
}

TEST(Jpeg, StrideLeavesTheRestAlone) {
  const Image image = gradient(20, 10);
  const auto stream = encode_jpeg(image);
  JpegDecoder decoder;
  const Image tight = decode(decoder, stream, 20, 10);
  Image wide(40, 10, 3, 7);
  decoder.decode(stream, JpegColor::kAuto, 20, 10, 3, wide.data.data(), 120);
  for (std::int64_t y = 0; y < 10; ++y) {
    EXPECT_TRUE(std::equal(tight.row(y), tight.row(y) + 60, wide.row(y)));
    EXPECT_EQ(wide.row(y)[60], 7);
  }
}

TEST(Jpeg, WrongSizeIsRefusedBeforeDecoding) {
  JpegDecoder decoder;
  auto stream = encode_jpeg(gradient(32, 32));
  EXPECT_NE(failure([&] { decode(decoder, stream, 32, 16); }).find("32 x 32"), std::string::npos);
  for (std::size_t i = 0; i + 9 < stream.size(); ++i) {
    if (stream[i] == 0xFF && stream[i + 1] == 0xC0) std::fill_n(&stream[i + 5], 4, std::uint8_t{0xFD});
  }
  EXPECT_NE(failure([&] { decode(decoder, stream, 32, 32); }).find("65021"), std::string::npos);
}

TEST(Jpeg, CutStreamsAreErrorsUnlessTolerant) {
  JpegDecoder decoder;
  const auto stream = encode_jpeg(gradient(64, 64), {.quality = 95});
  const std::vector<std::uint8_t> cut(stream.begin(), stream.end() - 300);
  EXPECT_NE(failure([&] { decode(decoder, cut, 64, 64); }).find("JPEG: "), std::string::npos);
  Image out(64, 64, 3);
  const std::string warning = decoder.decode(cut, JpegColor::kAuto, 64, 64, 3, out.data.data(), 192, true);
  EXPECT_NE(warning, "");
  const Image whole = decode(decoder, stream, 64, 64);
  EXPECT_TRUE(std::equal(whole.row(0), whole.row(8), out.row(0)));
  EXPECT_EQ(decoder.decode(stream, JpegColor::kAuto, 64, 64, 3, out.data.data(), 192, true), "");
}

TEST(Jpeg, RubbishIsATypedError) {
  JpegDecoder decoder;
  EXPECT_NE(failure([&] { decoder.read_header({}); }), "no error");
  const std::vector<std::uint8_t> rubbish(100, 0x41);
  EXPECT_NE(failure([&] { decoder.read_header(rubbish); }), "no error");
  EXPECT_NE(failure([&] { decoder.set_tables(rubbish); }).find("tables"), std::string::npos);
  EXPECT_NE(failure([&] { decoder.set_tables(encode_jpeg(gradient(8, 8))); }).find("holds an image"),
            std::string::npos);
  decoder.set_tables({});
  EXPECT_EQ(decode(decoder, encode_jpeg(gradient(8, 8)), 8, 8).data.size(), 192U);
}

TEST(Jpeg, EncoderChecksItsArguments) {
  EXPECT_THROW(encode_jpeg(Image(0, 5, 3)), Error);
  EXPECT_THROW(encode_jpeg(Image(70000, 1, 3)), Error);
  EXPECT_THROW(encode_jpeg(Image(5, 5, 2)), Error);
  EXPECT_THROW(encode_jpeg(Image(5, 5, 3), {.quality = 0}), Error);
  EXPECT_THROW(jpeg_tables({.subsampling = 4}), Error);
}

}  // namespace
}  // namespace histojet::codecs
