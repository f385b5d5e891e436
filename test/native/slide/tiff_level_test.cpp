#include "slide/tiff_level.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/jpeg.hpp"
#include "slide/slide.hpp"
#include "tiff_builder.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;
using Bytes = std::vector<std::uint8_t>;

/// Sample `s` of a pixel of the test picture.
int sample(std::int64_t x, std::int64_t y, int s) {
  return static_cast<int>((x * 7 + y * 13 + s * 61) % 251);
}

struct Picture {
  std::int64_t width = 37;
  std::int64_t height = 21;
  std::int64_t tile = 16;
  int samples = 3;
  int bits = 8;
  bool planes = false;
  bool big_endian = false;
  std::uint64_t compression = 1;
  std::uint64_t photometric = 2;
  std::uint64_t predictor = 1;
  std::int64_t strip_rows = 0;  ///< more than 0: strips instead of tiles
};

/// The samples of one piece of the picture, before compression.
Bytes samples_of(const Picture& p, std::int64_t x0, std::int64_t y0, std::int64_t columns, std::int64_t rows, int first,
                 int count) {
  Bytes out;
  for (std::int64_t y = y0; y < y0 + rows; ++y) {
    std::vector<int> before(static_cast<std::size_t>(count), 0);
    for (std::int64_t x = x0; x < x0 + columns; ++x) {
      for (int s = 0; s < count; ++s) {
        const int value = p.bits == 8 ? sample(x, y, first + s) : sample(x, y, first + s) * 256 + 99;
        int stored = value;
        if (p.predictor == 2) stored -= before[static_cast<std::size_t>(s)];
        before[static_cast<std::size_t>(s)] = value;
        const auto low = static_cast<std::uint8_t>(stored);
        const auto high = static_cast<std::uint8_t>(stored >> 8);
        if (p.bits == 8) {
          out.push_back(low);
        } else {
          out.push_back(p.big_endian ? high : low);
          out.push_back(p.big_endian ? low : high);
        }
      }
    }
  }
  return p.compression == 8 ? codecs::deflate_zlib(out) : out;
}

Bytes write(const Picture& p, TiffBuilder::Fields extra = {}) {
  TiffBuilder builder(p.big_endian);
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> lengths;
  const auto add = [&](const Bytes& bytes) {
    offsets.push_back(builder.data(bytes));
    lengths.push_back(bytes.size());
  };
  for (int plane = 0; plane < (p.planes ? p.samples : 1); ++plane) {
    const int count = p.planes ? 1 : p.samples;
    if (p.strip_rows > 0) {
      for (std::int64_t y = 0; y < p.height; y += p.strip_rows) {
        add(samples_of(p, 0, y, p.width, std::min(p.strip_rows, p.height - y), plane, count));
      }
      continue;
    }
    for (std::int64_t y = 0; y < p.height; y += p.tile) {
      for (std::int64_t x = 0; x < p.width; x += p.tile) add(samples_of(p, x, y, p.tile, p.tile, plane, count));
    }
  }
  TiffBuilder::Fields fields = std::move(extra);
  const auto n = static_cast<std::size_t>(p.samples);
  fields.emplace(256, TiffBuilder::longs({static_cast<std::uint64_t>(p.width)}));
  fields.emplace(257, TiffBuilder::longs({static_cast<std::uint64_t>(p.height)}));
  fields.emplace(258, TiffBuilder::shorts(std::vector<std::uint64_t>(n, static_cast<std::uint64_t>(p.bits))));
  fields.emplace(259, TiffBuilder::shorts({p.compression}));
  fields.emplace(262, TiffBuilder::shorts({p.photometric}));
  fields.emplace(277, TiffBuilder::shorts({n}));
  fields.emplace(284, TiffBuilder::shorts({p.planes ? 2U : 1U}));
  fields.emplace(317, TiffBuilder::shorts({p.predictor}));
  if (p.strip_rows > 0) {
    fields.emplace(273, TiffBuilder::longs(offsets));
    fields.emplace(278, TiffBuilder::longs({static_cast<std::uint64_t>(p.strip_rows)}));
    fields.emplace(279, TiffBuilder::longs(lengths));
  } else {
    fields.emplace(322, TiffBuilder::longs({static_cast<std::uint64_t>(p.tile)}));
    fields.emplace(323, TiffBuilder::longs({static_cast<std::uint64_t>(p.tile)}));
    fields.emplace(324, TiffBuilder::longs(offsets));
    fields.emplace(325, TiffBuilder::longs(lengths));
  }
  builder.directory(fields);
  return builder.bytes();
}

using Expected = std::function<std::array<int, 4>(std::int64_t, std::int64_t)>;

void expect_pixels(const Bytes& file, const Expected& expected, int channels = 4) {
  const auto slide = Slide::open(memory_source(file, "x.tif"));
  const Image image = slide->read_region({.width = slide->width(), .height = slide->height(), .channels = channels});
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const auto pixel = expected(x, y);
      for (int c = 0; c < channels; ++c) {
        ASSERT_EQ(image.row(y)[x * channels + c], pixel[static_cast<std::size_t>(c)])
            << x << ", " << y << ", channel " << c;
      }
    }
  }
}

std::array<int, 4> rgb(std::int64_t x, std::int64_t y) {
  return {sample(x, y, 0), sample(x, y, 1), sample(x, y, 2), 255};
}

TEST(TiffLevel, EveryLayoutOfRgb) {
  for (const int bits : {8, 16}) {
    for (const bool planes : {false, true}) {
      for (const bool big_endian : {false, true}) {
        for (const std::uint64_t compression : {1, 8}) {
          for (const std::int64_t strip_rows : {0, 5, 21, 100}) {
            SCOPED_TRACE(std::to_string(bits) + " bits, planes " + std::to_string(planes) + ", big endian " +
                         std::to_string(big_endian) + ", compression " + std::to_string(compression) + ", strips of " +
                         std::to_string(strip_rows));
            const Picture picture{.bits = bits,
                                  .planes = planes,
                                  .big_endian = big_endian,
                                  .compression = compression,
                                  .predictor = compression == 8 ? 2U : 1U,
                                  .strip_rows = strip_rows};
            expect_pixels(write(picture), rgb);
          }
        }
      }
    }
  }
}

TEST(TiffLevel, Grey) {
  expect_pixels(write({.samples = 1, .photometric = 1}), [](std::int64_t x, std::int64_t y) {
    const int v = sample(x, y, 0);
    return std::array{v, v, v, 255};
  });
  expect_pixels(write({.samples = 1, .bits = 16, .photometric = 0}), [](std::int64_t x, std::int64_t y) {
    const int v = 255 - sample(x, y, 0);
    return std::array{v, v, v, 255};
  });
}

TEST(TiffLevel, Palette) {
  std::vector<std::uint64_t> map(768);
  for (std::size_t i = 0; i < 256; ++i) {
    map[i] = (255 - i) * 257;
    map[256 + i] = i * 257;
    map[512 + i] = (i ^ 0x55) * 257;
  }
  expect_pixels(write({.samples = 1, .photometric = 3}, {{320, TiffBuilder::shorts(map)}}),
                [](std::int64_t x, std::int64_t y) {
                  const int v = sample(x, y, 0);
                  return std::array{255 - v, v, v ^ 0x55, 255};
                });
}

TEST(TiffLevel, AlphaIsStraight) {
  const Bytes unassociated = write({.samples = 4}, {{338, TiffBuilder::shorts({2})}});
  expect_pixels(unassociated, [](std::int64_t x, std::int64_t y) {
    return std::array{sample(x, y, 0), sample(x, y, 1), sample(x, y, 2), sample(x, y, 3)};
  });
  expect_pixels(
      unassociated,
      [](std::int64_t x, std::int64_t y) {
        std::array<int, 4> out{};
        const int alpha = sample(x, y, 3);
        for (int c = 0; c < 3; ++c) {
          out[static_cast<std::size_t>(c)] = (sample(x, y, c) * alpha + 255 * (255 - alpha) + 127) / 255;
        }
        return out;
      },
      3);
  expect_pixels(write({.samples = 4}, {{338, TiffBuilder::shorts({1})}}), [](std::int64_t x, std::int64_t y) {
    const int alpha = sample(x, y, 3);
    std::array<int, 4> out{0, 0, 0, alpha};
    for (int c = 0; c < 3 && alpha > 0; ++c) {
      out[static_cast<std::size_t>(c)] = std::min(255, (sample(x, y, c) * 255 + alpha / 2) / alpha);
    }
    return out;
  });
  expect_pixels(write({.samples = 4}, {{338, TiffBuilder::shorts({0})}}), rgb);
  expect_pixels(write({.samples = 2, .photometric = 1}, {{338, TiffBuilder::shorts({2})}}),
                [](std::int64_t x, std::int64_t y) {
                  const int v = sample(x, y, 0);
                  return std::array{v, v, v, sample(x, y, 1)};
                });
}

TEST(TiffLevel, JpegTilesWithAndWithoutSharedTables) {
  Image tile(32, 32, 3);
  for (std::size_t i = 0; i < tile.data.size(); ++i) tile.data[i] = static_cast<std::uint8_t>(i / 9);
  for (const bool shared : {false, true}) {
    const codecs::JpegEncodeOptions options{.quality = 90, .subsampling = 2, .abbreviated = shared};
    TiffBuilder builder;
    const Bytes stream = codecs::encode_jpeg(tile, options);
    const std::uint64_t offset = builder.data(stream);
    TiffBuilder::Fields fields = {{256, TiffBuilder::longs({32})},       {257, TiffBuilder::longs({30})},
                                  {258, TiffBuilder::shorts({8, 8, 8})}, {259, TiffBuilder::shorts({7})},
                                  {262, TiffBuilder::shorts({6})},       {277, TiffBuilder::shorts({3})},
                                  {322, TiffBuilder::longs({32})},       {323, TiffBuilder::longs({32})},
                                  {324, TiffBuilder::longs({offset})},   {325, TiffBuilder::longs({stream.size()})}};
    if (shared) fields[347] = TiffBuilder::raw(codecs::jpeg_tables(options));
    builder.directory(fields);
    codecs::JpegDecoder decoder;
    Image expected(32, 32, 3);
    decoder.decode(codecs::encode_jpeg(tile, {.quality = 90, .subsampling = 2}), codecs::JpegColor::kYCbCr, 32, 32, 3,
                   expected.data.data(), 96);
    expect_pixels(
        builder.bytes(),
        [&](std::int64_t x, std::int64_t y) {
          const std::uint8_t* pixel = expected.row(y) + x * 3;
          return std::array<int, 4>{pixel[0], pixel[1], pixel[2], 255};
        },
        3);
  }
}

TEST(TiffLevel, UnknownCodecsOpenButNameThemselvesWhenRead) {
  const auto slide = Slide::open(memory_source(write({.compression = 50000}), "x.tif"));
  EXPECT_EQ(slide->width(), 37);
  EXPECT_EQ(slide->warnings().size(), 1U);
  try {
    slide->read_region({.width = 4, .height = 4});
    FAIL() << "read a codec that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
    EXPECT_NE(std::string(error.what()).find("zstd (50000)"), std::string::npos);
  }
}

TEST(TiffLevel, UnreadableSamplesAreRefused) {
  const auto code_of = [](const Bytes& file) {
    try {
      Slide::open(memory_source(file, "x.tif"));
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of(write({}, {{258, TiffBuilder::shorts({8, 8, 16})}})), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of(write({}, {{258, TiffBuilder::shorts({32, 32, 32})}})), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of(write({}, {{339, TiffBuilder::shorts({3, 3, 3})}})), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of(write({.photometric = 5})), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of(write({.samples = 1, .photometric = 2})), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of(write({.samples = 1, .photometric = 3})), ErrorCode::kCorruptFile);
  EXPECT_EQ(code_of(write({.compression = 8, .predictor = 3})), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of(write({.strip_rows = 0}, {{322, TiffBuilder::longs({20000})}})), ErrorCode::kCorruptFile);
}

}  // namespace
}  // namespace histojet::slide
