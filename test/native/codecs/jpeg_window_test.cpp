// Windows of a stream: the same pixels as the whole, for every layout that slides use.

#include <gtest/gtest.h>

#include <cstdio>
// jpeglib.h needs the header above it.
#include <jpeglib.h>

#include <cstdlib>

#include "base/error.hpp"
#include "codecs/jpeg.hpp"

namespace histojet::codecs {
namespace {

struct Layout {
  const char* name;
  int components;
  int horizontal;  ///< sampling factors of the first component
  int vertical;
  bool progressive;
  int restart_rows;
};

/// Noise on a gradient, so that every pixel differs from its neighbours.
std::vector<std::uint8_t> encode(const Layout& layout, int width, int height) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&encoder, &bytes, &length);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.input_components = layout.components;
  encoder.in_color_space = layout.components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 80, TRUE);
  encoder.comp_info[0].h_samp_factor = layout.horizontal;
  encoder.comp_info[0].v_samp_factor = layout.vertical;
  encoder.restart_in_rows = layout.restart_rows;
  if (layout.progressive) jpeg_simple_progression(&encoder);
  jpeg_start_compress(&encoder, TRUE);
  std::vector<std::uint8_t> row(static_cast<std::size_t>(width * layout.components));
  std::uint32_t noise = 1;
  for (int y = 0; y < height; ++y) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      noise = noise * 1664525u + 1013904223u;
      row[i] = static_cast<std::uint8_t>((static_cast<int>(i) * 2 + y * 3 + static_cast<int>(noise >> 26)) % 256);
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&encoder, &pointer, 1);
  }
  jpeg_finish_compress(&encoder);
  std::vector<std::uint8_t> stream(bytes, bytes + length);
  jpeg_destroy_compress(&encoder);
  std::free(bytes);
  return stream;
}

class JpegWindows : public testing::TestWithParam<Layout> {};

class RandomWindows {
 public:
  JpegWindow next(std::int64_t width, std::int64_t height) {
    JpegWindow window{below(width), below(height)};
    window.width = 1 + below(width - window.x);
    window.height = 1 + below(height - window.y);
    return window;
  }

 private:
  std::int64_t below(std::int64_t limit) {
    random_ = random_ * 1664525u + 1013904223u;
    return static_cast<std::int64_t>(std::uint64_t{random_} * static_cast<std::uint64_t>(limit) >> 32);
  }
  std::uint32_t random_ = 7;
};

TEST_P(JpegWindows, EqualTheWhole) {
  JpegDecoder decoder;
  const int channels = 3;
  for (const int shrink : {1, 2, 4, 8}) {
    for (const auto& [width, height] :
         {std::pair{256, 256}, {240, 240}, {129, 71}, {300, 16}, {300, 8}, {17, 300}, {8, 8}, {1, 1}}) {
      const auto stream = encode(GetParam(), width, height);
      Image whole((width + shrink - 1) / shrink, (height + shrink - 1) / shrink, channels);
      decoder.decode(stream, JpegColor::kAuto, width, height, channels, whole.data.data(), whole.width * channels,
                     false, shrink);
      RandomWindows windows;
      for (int i = 0; i < 80 / (shrink + 1); ++i) {
        const JpegWindow window = windows.next(whole.width, whole.height);
        Image part(window.width, window.height, channels, 77);
        decoder.decode_window(stream, JpegColor::kAuto, width, height, channels, window, part.data.data(),
                              window.width * channels, shrink);
        for (std::int64_t y = 0; y < window.height; ++y) {
          const std::uint8_t* expected = whole.row(window.y + y) + window.x * channels;
          ASSERT_TRUE(std::equal(part.row(y), part.row(y) + window.width * channels, expected))
              << width << " x " << height << " / " << shrink << ", window " << window.x << ", " << window.y << ", "
              << window.width << " x " << window.height << ", row " << y;
        }
      }
    }
  }
}

constexpr Layout kLayouts[] = {
    {"YCbCr444", 3, 1, 1, false, 0}, {"YCbCr422", 3, 2, 1, false, 0},      {"YCbCr420", 3, 2, 2, false, 0},
    {"YCbCr440", 3, 1, 2, false, 0}, {"YCbCr411", 3, 4, 1, false, 0},      {"Grey", 1, 1, 1, false, 0},
    {"Restarts", 3, 2, 2, false, 1}, {"Progressive420", 3, 2, 2, true, 0}, {"Progressive444", 3, 1, 1, true, 0},
};
INSTANTIATE_TEST_SUITE_P(All, JpegWindows, testing::ValuesIn(kLayouts),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(JpegWindow, RefusesWhatLeavesTheStream) {
  JpegDecoder decoder;
  const auto stream = encode(kLayouts[0], 64, 48);
  std::vector<std::uint8_t> out(64 * 48 * 3);
  for (const JpegWindow& window : {JpegWindow{-1, 0, 4, 4}, {0, 0, 0, 4}, {60, 0, 5, 4}, {0, 40, 4, 9}}) {
    EXPECT_THROW(decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, window, out.data(), 64 * 3), Error);
  }
  const std::vector<std::uint8_t> cut(stream.begin(), stream.begin() + 300);
  EXPECT_THROW(decoder.decode_window(cut, JpegColor::kAuto, 64, 48, 3, {8, 40, 4, 4}, out.data(), 64 * 3), Error);
  const JpegWindow corner{28, 0, 4, 4};
  EXPECT_NO_THROW(decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, corner, out.data(), 64 * 3, 2));
  EXPECT_THROW(decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, {29, 0, 4, 4}, out.data(), 64 * 3, 2), Error);
  EXPECT_THROW(decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, corner, out.data(), 64 * 3, 3), Error);
  // The decoder is as good as new afterwards.
  decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, {8, 40, 4, 4}, out.data(), 64 * 3);
}

TEST(JpegWindow, TheLastUnitsAreCheckedToTheEndOfTheStream) {
  JpegDecoder decoder;
  std::vector<std::uint8_t> stream = encode(kLayouts[0], 64, 48);
  std::vector<std::uint8_t> out(64 * 48 * 3);
  const auto read = [&](const JpegWindow& window) {
    decoder.decode_window(stream, JpegColor::kAuto, 64, 48, 3, window, out.data(), 64 * 3);
  };
  // Bytes that no unit uses, in front of the end marker.
  stream.insert(stream.end() - 2, 40, 1);
  EXPECT_NO_THROW(read({0, 30, 8, 10}));
  EXPECT_THROW(read({0, 30, 8, 11}), Error);
}

}  // namespace
}  // namespace histojet::codecs
