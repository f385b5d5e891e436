#include "slide/tiff_level.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "base/error.hpp"
#include "codecs/deflate.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/picture_streams.hpp"
#include "codecs/ycbcr.hpp"
#include "codecs/zstd.hpp"
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
  if (p.compression == 8) return codecs::deflate_zlib(out);
  if (p.compression == 50000 || p.compression == 34926) return codecs::compress_zstd(out, 3);
  return p.compression == 32773 ? test::encode_packbits(out) : out;
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
        for (const std::uint64_t compression : {1, 8, 32773, 50000, 34926}) {
          for (const std::int64_t strip_rows : {0, 5, 21, 100}) {
            SCOPED_TRACE(std::to_string(bits) + " bits, planes " + std::to_string(planes) + ", big endian " +
                         std::to_string(big_endian) + ", compression " + std::to_string(compression) + ", strips of " +
                         std::to_string(strip_rows));
            const Picture picture{.bits = bits,
                                  .planes = planes,
                                  .big_endian = big_endian,
                                  .compression = compression,
                                  .predictor = compression == 8 || compression == 50000 ? 2U : 1U,
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

/// A file of one tile of 32 x 32 pixels that holds `stream`.
Bytes one_tile(const Bytes& stream, std::uint64_t compression, std::uint64_t photometric, std::size_t samples,
               TiffBuilder::Fields extra = {}) {
  TiffBuilder builder;
  const std::uint64_t offset = builder.data(stream);
  TiffBuilder::Fields fields = std::move(extra);
  fields.insert({{256, TiffBuilder::longs({31})},
                 {257, TiffBuilder::longs({30})},
                 {258, TiffBuilder::shorts(std::vector<std::uint64_t>(samples, 8))},
                 {259, TiffBuilder::shorts({compression})},
                 {262, TiffBuilder::shorts({photometric})},
                 {277, TiffBuilder::shorts({samples})},
                 {322, TiffBuilder::longs({32})},
                 {323, TiffBuilder::longs({32})},
                 {324, TiffBuilder::longs({offset})},
                 {325, TiffBuilder::longs({stream.size()})}});
  builder.directory(fields);
  return builder.bytes();
}

Image tile_picture(int channels) {
  Image image(32, 32, channels);
  for (std::int64_t y = 0; y < 32; ++y) {
    for (std::int64_t x = 0; x < 32; ++x) {
      for (int c = 0; c < channels; ++c) image.row(y)[x * channels + c] = static_cast<std::uint8_t>(sample(x, y, c));
    }
  }
  return image;
}

std::array<int, 4> ycc(std::int64_t x, std::int64_t y, std::int64_t chroma_x, std::int64_t chroma_y) {
  const auto at = [](std::int64_t i, std::int64_t j, int s) { return static_cast<std::uint8_t>(sample(i, j, s)); };
  std::uint8_t out[3];
  codecs::put_rgb(out, at(x, y, 0), codecs::chroma_of(at(chroma_x, chroma_y, 1), at(chroma_x, chroma_y, 2)));
  return {out[0], out[1], out[2], 255};
}

ErrorCode read_code(const Bytes& file) {
  try {
    Slide::open(memory_source(file, "x.tif"))->read_region({.width = 8, .height = 8});
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(TiffLevel, Jpeg2000Tiles) {
  const Bytes plain = test::encode_jpeg_2000(tile_picture(3));
  const Bytes transformed = test::encode_jpeg_2000(tile_picture(3), {.transform = true});
  const Bytes halved = test::encode_jpeg_2000(tile_picture(3), {.chroma_step = 2});
  for (const std::uint64_t compression : {33005, 34712}) {
    expect_pixels(one_tile(plain, compression, 2, 3), rgb);
    expect_pixels(one_tile(transformed, compression, 2, 3), rgb);
    expect_pixels(one_tile(transformed, compression, 6, 3), rgb);
  }
  const auto repeated = [](std::int64_t x, std::int64_t y) { return ycc(x, y, x / 2 * 2, y); };
  const auto full = [](std::int64_t x, std::int64_t y) { return ycc(x, y, x, y); };
  for (const std::uint64_t photometric : {2, 6}) expect_pixels(one_tile(halved, 33003, photometric, 3), repeated);
  expect_pixels(one_tile(plain, 34712, 6, 3), full);
  expect_pixels(one_tile(plain, 33005, 6, 3), rgb);
  expect_pixels(one_tile(test::encode_jpeg_2000(tile_picture(1)), 34712, 0, 1), [](std::int64_t x, std::int64_t y) {
    const int v = 255 - sample(x, y, 0);
    return std::array{v, v, v, 255};
  });
  EXPECT_EQ(read_code(one_tile(Bytes(plain.begin(), plain.end() - 300), 33005, 2, 3)), ErrorCode::kCorruptFile);
}

TEST(TiffLevel, StreamsDecideWhereNumbersConflict) {
  const Bytes wavelets = test::encode_jpeg_2000(tile_picture(3));
  Image flat(32, 32, 3, 90);
  const Bytes jpeg = codecs::encode_jpeg(flat);
  for (const std::uint64_t compression : {33004, 33007}) {
    expect_pixels(one_tile(wavelets, compression, 2, 3), rgb);
    expect_pixels(one_tile(jpeg, compression, 6, 3), [](std::int64_t, std::int64_t) {
      return std::array{90, 90, 90, 255};
    });
    EXPECT_EQ(read_code(one_tile(Bytes(2048, 7), compression, 6, 3)), ErrorCode::kUnsupportedFormat);
  }
}

TEST(TiffLevel, WebpTiles) {
  for (const std::uint64_t compression : {50001, 34927}) {
    expect_pixels(one_tile(test::encode_webp(tile_picture(3)), compression, 2, 3), rgb);
  }
  Image translucent = tile_picture(4);
  for (std::size_t i = 3; i < translucent.data.size(); i += 4) translucent.data[i] |= 1;  // the encoder drops the rest
  const Bytes with_alpha = test::encode_webp(translucent);
  expect_pixels(one_tile(with_alpha, 50001, 2, 4, {{338, TiffBuilder::shorts({2})}}),
                [](std::int64_t x, std::int64_t y) {
                  return std::array{sample(x, y, 0), sample(x, y, 1), sample(x, y, 2), sample(x, y, 3) | 1};
                });
  EXPECT_EQ(read_code(one_tile(with_alpha, 50001, 1, 1)), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(read_code(one_tile(Bytes(100, 1), 50001, 2, 3)), ErrorCode::kCorruptFile);
}

TEST(TiffLevel, YCbCrSamplesInBlocks) {
  for (const auto& [step_x, step_y] : {std::pair<int, int>{1, 1}, {2, 1}, {2, 2}, {4, 2}}) {
    Bytes bytes;
    const auto put = [&](std::int64_t x, std::int64_t y, int s) {
      bytes.push_back(static_cast<std::uint8_t>(sample(x, y, s)));
    };
    for (std::int64_t top = 0; top < 32; top += step_y) {
      for (std::int64_t left = 0; left < 32; left += step_x) {
        for (std::int64_t y = top; y < top + step_y; ++y) {
          for (std::int64_t x = left; x < left + step_x; ++x) put(x, y, 0);
        }
        put(left, top, 1);
        put(left, top, 2);
      }
    }
    const TiffBuilder::Fields steps = {
        {530, TiffBuilder::shorts({static_cast<std::uint64_t>(step_x), static_cast<std::uint64_t>(step_y)})}};
    const auto expected = [&, sx = step_x, sy = step_y](std::int64_t x, std::int64_t y) {
      return ycc(x, y, x / sx * sx, y / sy * sy);
    };
    expect_pixels(one_tile(bytes, 1, 6, 3, steps), expected);
    expect_pixels(one_tile(codecs::deflate_zlib(bytes), 8, 6, 3, steps), expected);
    EXPECT_EQ(read_code(one_tile(Bytes(bytes.begin(), bytes.end() - 1), 1, 6, 3, steps)), ErrorCode::kCorruptFile);
  }
  EXPECT_EQ(read_code(one_tile(Bytes(4000, 1), 1, 6, 3, {{530, TiffBuilder::shorts({3, 1})}})),
            ErrorCode::kUnsupportedFormat);
}

TEST(TiffLevel, MissingTilesMakeBounds) {
  TiffBuilder builder;
  const std::uint64_t offset = builder.data(Bytes(16 * 16, 50));
  std::vector<std::uint64_t> offsets(20, offset);
  std::vector<std::uint64_t> lengths(20, 0);
  for (const std::size_t stored : {6U, 9U, 12U}) lengths[stored] = 256;  // of 5 x 4 tiles
  TiffBuilder::Fields fields = {{256, TiffBuilder::longs({73})},    {257, TiffBuilder::longs({50})},
                                {258, TiffBuilder::shorts({8})},    {262, TiffBuilder::shorts({1})},
                                {322, TiffBuilder::longs({16})},    {323, TiffBuilder::longs({16})},
                                {324, TiffBuilder::longs(offsets)}, {325, TiffBuilder::longs(lengths)}};
  builder.directory(fields);
  const auto slide = Slide::open(memory_source(builder.bytes(), "x.tif"));
  const Rect bounds = slide->bounds();
  EXPECT_EQ(bounds.x, 16);
  EXPECT_EQ(bounds.y, 16);
  EXPECT_EQ(bounds.width, 73 - 16);
  EXPECT_EQ(bounds.height, 32);
  EXPECT_EQ(slide->properties().at("openslide.bounds-width"), "57");
  const auto whole = Slide::open(memory_source(write({}), "x.tif"));
  EXPECT_FALSE(whole->properties().contains("openslide.bounds-x"));
}

TEST(TiffLevel, StoredRangesAreThoseOfThePlanes) {
  const Bytes file = write({.planes = true});
  const TiffFile tiff(memory_source(file, "x.tif"));
  const TiffLevel level(tiff, tiff.directories().front());
  std::vector<ByteRange> ranges;
  level.stored_ranges(1, 1, ranges);
  ASSERT_EQ(ranges.size(), 3U);
  const std::uint64_t plane = 3 * 2 * 256;
  for (std::size_t p = 0; p < 3; ++p) {
    EXPECT_EQ(ranges[p].offset, level.piece(4).offset + p * plane);
    EXPECT_EQ(ranges[p].length, 256U);
  }
}

TEST(TiffLevel, UnknownCodecsOpenButNameThemselvesWhenRead) {
  const auto slide = Slide::open(memory_source(write({.compression = 34887}), "x.tif"));
  EXPECT_EQ(slide->width(), 37);
  EXPECT_EQ(slide->warnings().size(), 1U);
  try {
    slide->read_region({.width = 4, .height = 4});
    FAIL() << "read a codec that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
    EXPECT_NE(std::string(error.what()).find("LERC (34887)"), std::string::npos);
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
