// Hamamatsu NDPI against files that are built here, decoded by libjpeg as a whole.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "fixtures.hpp"
#include "ndpi_builder.hpp"
#include "slide/ndpi_grid.hpp"
#include "tiled_level.hpp"

namespace histojet::slide {
namespace {

using test::NdpiBuilder;
using test::TiffBuilder;

constexpr std::int64_t kWidth = 192;
constexpr std::int64_t kHeight = 75;

Image picture(std::int64_t width, std::int64_t height) {
  Image image(width, height, 3);
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < width; ++x) {
      std::uint8_t* at = image.row(y) + x * 3;
      at[0] = static_cast<std::uint8_t>(x * 255 / width);
      at[1] = static_cast<std::uint8_t>(y * 255 / height);
      at[2] = static_cast<std::uint8_t>((x * 7 + y * 13) % 251);
    }
  }
  return image;
}

Image decode(const std::vector<std::uint8_t>& jpeg, std::int64_t width, std::int64_t height) {
  Image image(width, height, 3);
  codecs::JpegDecoder().decode(jpeg, codecs::JpegColor::kAuto, width, height, 3, image.data.data(), width * 3);
  return image;
}

TiffBuilder::Fields starts_field(const std::vector<std::uint8_t>& jpeg) {
  return {{tag::kNdpiRestarts, TiffBuilder::longs(test::restart_starts(jpeg))}};
}

/// 4:4:4, so that intervals do not see each other and the whole JPEG tells every pixel.
std::vector<std::uint8_t> plain_jpeg(int restart_interval = 8) {
  return test::restart_jpeg(picture(kWidth, kHeight), {.across_samples = 1, .restart_interval = restart_interval});
}

std::vector<std::uint8_t> plain_slide(TiffBuilder::Fields fields, const std::vector<std::uint8_t>& jpeg) {
  NdpiBuilder file;
  file.image(jpeg, kWidth, kHeight, 20, std::move(fields));
  return file.bytes();
}

void expect_whole(const Slide& slide, const std::vector<std::uint8_t>& jpeg) {
  const Image expected = decode(jpeg, kWidth, kHeight);
  EXPECT_EQ(slide.read_region({.width = kWidth, .height = kHeight}).data, expected.data);
  // A window that cuts through intervals on all sides.
  const Image part = slide.read_region({.x = 61, .y = 5, .width = 70, .height = 23});
  for (std::int64_t y = 0; y < part.height; ++y) {
    EXPECT_TRUE(std::equal(part.row(y), part.row(y) + part.width * 3, expected.row(y + 5) + 61 * 3)) << y;
  }
}

TEST(Ndpi, ReadsBetweenRestartMarkersLikeTheWholeJpeg) {
  const auto jpeg = plain_jpeg();
  const auto slide = test::open_bytes(plain_slide(starts_field(jpeg), jpeg), "a.ndpi");
  EXPECT_EQ(slide->format(), "hamamatsu");
  expect_whole(*slide, jpeg);
}

TEST(Ndpi, FindsTheMarkersWithoutATable) {
  const auto jpeg = plain_jpeg(4);
  const auto slide = test::open_bytes(plain_slide({}, jpeg), "a.ndpi");
  EXPECT_EQ(slide->properties().at("openslide.level[0].tile-width"), "32");
  expect_whole(*slide, jpeg);
}

TEST(Ndpi, DistrustsATableThatDoesNotPointBehindMarkers) {
  const auto jpeg = plain_jpeg();
  auto fields = starts_field(jpeg);
  for (std::size_t i = 5; i < 20; ++i) fields[tag::kNdpiRestarts].values[i] += 1;
  expect_whole(*test::open_bytes(plain_slide(fields, jpeg), "a.ndpi"), jpeg);
  for (auto& value : fields[tag::kNdpiRestarts].values) value = 0xFFFFFFF0;
  expect_whole(*test::open_bytes(plain_slide(fields, jpeg), "a.ndpi"), jpeg);
}

TEST(Ndpi, JoinsTheUpperHalvesOfTheTable) {
  // Upper halves that lead out of the file must be seen, and the markers looked for.
  const auto jpeg = plain_jpeg();
  auto fields = starts_field(jpeg);
  fields[tag::kNdpiRestartsHigh] =
      TiffBuilder::longs(std::vector<std::uint64_t>(fields[tag::kNdpiRestarts].values.size(), 1));
  expect_whole(*test::open_bytes(plain_slide(fields, jpeg), "a.ndpi"), jpeg);
  fields[tag::kNdpiRestartsHigh] =
      TiffBuilder::longs(std::vector<std::uint64_t>(fields[tag::kNdpiRestarts].values.size(), 0));
  expect_whole(*test::open_bytes(plain_slide(fields, jpeg), "a.ndpi"), jpeg);
}

/// One interval of 64 x 8 pixels again and again: a stream that is too wide to say its size.
std::vector<std::uint8_t> endless_row(const std::vector<std::uint8_t>& interval, std::size_t count) {
  const std::size_t scan = test::restart_starts(interval).front();
  std::vector<std::uint8_t> jpeg(interval.begin(), interval.begin() + static_cast<std::ptrdiff_t>(scan));
  constexpr std::array<std::uint8_t, 2> kFrame{0xFF, 0xC0};
  const auto frame = std::search(jpeg.begin(), jpeg.end(), kFrame.begin(), kFrame.end());
  std::fill(frame + 5, frame + 9, 0);
  for (std::size_t i = 0; i < count; ++i) {
    jpeg.insert(jpeg.end(), interval.begin() + static_cast<std::ptrdiff_t>(scan), interval.end() - 2);
    jpeg.push_back(0xFF);
    jpeg.push_back(static_cast<std::uint8_t>(i + 1 == count ? 0xD9 : 0xD0 + i % 8));
  }
  return jpeg;
}

TEST(Ndpi, ReadsSidesThatTheJpegCannotName) {
  const auto interval = test::restart_jpeg(picture(64, 8), {.across_samples = 1, .restart_interval = 8});
  const Image expected = decode(interval, 64, 8);
  const auto jpeg = endless_row(interval, 1100);
  for (const bool table : {false, true}) {
    NdpiBuilder file;
    file.image(jpeg, 70400, 8, 20, table ? starts_field(jpeg) : TiffBuilder::Fields());
    const auto slide = test::open_bytes(file.bytes(), "a.ndpi");
    ASSERT_EQ(slide->width(), 70400);
    const Image image = slide->read_region({.x = 64 * 1050, .width = 128, .height = 8});
    for (std::int64_t y = 0; y < 8; ++y) {
      EXPECT_TRUE(std::equal(expected.row(y), expected.row(y) + 64 * 3, image.row(y))) << y;
      EXPECT_TRUE(std::equal(expected.row(y), expected.row(y) + 64 * 3, image.row(y) + 64 * 3)) << y;
    }
  }
}

TEST(Ndpi, LyingSizesAreRefused) {
  NdpiBuilder file;
  file.image(plain_jpeg(), 2000000000, 2000000000, 20);
  EXPECT_THROW(test::open_bytes(file.bytes(), "a.ndpi"), Error);
}

TEST(Ndpi, KeepsTheLevelThatIsStoredOrShrunkLess) {
  NdpiBuilder file;
  const auto large = test::restart_jpeg(picture(256, 64), {.restart_interval = 8});
  file.image(large, 256, 64, 20, starts_field(large));
  const auto small = test::restart_jpeg(picture(64, 16), {});
  file.image(small, 64, 16, 5);
  file.image(test::restart_jpeg(picture(40, 30), {}), 40, 30, -1);
  file.image(test::restart_jpeg(picture(10, 10), {}), 10, 10, -2);
  const auto slide = test::open_bytes(file.bytes(), "a.ndpi");
  std::vector<std::int64_t> widths;
  for (const Level& level : slide->levels()) widths.push_back(level.width);
  EXPECT_EQ(widths, (std::vector<std::int64_t>{256, 128, 64, 32, 16, 8}));
  EXPECT_EQ(slide->properties().at("openslide.level[1].tile-width"), "64");
  EXPECT_EQ(slide->properties().at("openslide.level[1].tile-height"), "4");
  EXPECT_EQ(slide->properties().at("openslide.level[2].tile-width"), "64");
  EXPECT_EQ(slide->properties().at("openslide.level[2].tile-height"), "16");
  const Image stored = slide->read_region({.width = 64, .height = 16, .level = 2});
  EXPECT_EQ(stored.data, decode(small, 64, 16).data);
  EXPECT_EQ(slide->associated_images(), std::vector<std::string>{"macro"});
  EXPECT_EQ(slide->read_associated_image("macro").width, 40);
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.5);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.4);
}

TEST(Ndpi, ShrunkLevelsAreShrunkByTheDct) {
  const auto jpeg = test::restart_jpeg(picture(kWidth, 64), {.across_samples = 1, .restart_interval = 8});
  NdpiBuilder file;
  file.image(jpeg, kWidth, 64, 20, starts_field(jpeg));
  const auto slide = test::open_bytes(file.bytes(), "a.ndpi");
  for (int level = 1; level <= 3; ++level) {
    const int shrink = 1 << level;
    Image expected(kWidth / shrink, 64 / shrink, 3);
    codecs::JpegDecoder().decode(jpeg, codecs::JpegColor::kAuto, kWidth, 64, 3, expected.data.data(),
                                 expected.width * 3, false, shrink);
    const Image image = slide->read_region({.width = expected.width, .height = expected.height, .level = level});
    EXPECT_EQ(image.data, expected.data) << level;
  }
}

/// The stream of the first directory of a file.
struct OpenStream {
  OpenStream(std::shared_ptr<const ByteSource> bytes, std::int64_t width, std::int64_t height)
      : source(std::move(bytes)), tiff(source) {
    const TiffDirectory& directory = tiff.directories().front();
    const ByteRange place{directory.integer(tag::kStripOffsets, 0), directory.integer(tag::kStripByteCounts, 0)};
    stream = std::make_shared<const RestartStream>(
        tiff, directory, read_jpeg_frame(*source, place.offset, place.length), place, width, height);
  }
  std::shared_ptr<const ByteSource> source;
  TiffFile tiff;
  std::shared_ptr<const RestartStream> stream;
};

TEST(Ndpi, RunsOfIntervalsEqualSingleOnes) {
  // Chroma is shared across columns here, so that only rows may be joined; each interval alone is the reference.
  for (const int down : {1, 2}) {
    const auto jpeg = test::restart_jpeg(picture(256, 128), {.down_samples = down, .restart_interval = 4});
    NdpiBuilder file;
    file.image(jpeg, 256, 128, 20, starts_field(jpeg));
    const auto source = memory_source(file.bytes(), "a.ndpi");
    const OpenStream open(source, 256, 128);
    const auto& stream = open.stream;
    ASSERT_EQ(stream->interval_width(), 64);
    ASSERT_EQ(stream->interval_height(), 8 * down);
    Image single(256, 128, 3);
    for (std::int64_t row = 0; row < stream->down(); ++row) {
      for (std::int64_t column = 0; column < 4; ++column) {
        stream->decode({column, row, 1}, 1, single.row(row * 8 * down) + column * 64 * 3, 256 * 3, false);
      }
    }
    const auto slide = Slide::open(source);
    EXPECT_EQ(slide->read_region({.width = 256, .height = 128}).data, single.data) << down;
  }
}

/// Places for parts inside a tile.
class RandomParts {
 public:
  Rect next(std::int64_t width, std::int64_t height) {
    Rect part{below(width), below(height), 0, 0};
    part.width = 1 + below(width - part.x);
    part.height = 1 + below(height - part.y);
    return part;
  }

 private:
  std::int64_t below(std::int64_t limit) {
    random_ = random_ * 1664525u + 1013904223u;
    return static_cast<std::int64_t>(std::uint64_t{random_} * static_cast<std::uint64_t>(limit) >> 32);
  }
  std::uint32_t random_ = 3;
};

/// Every part must be what the whole tile shows there, with no byte written beside it.
void expect_parts_of_tiles(const NdpiGrid& grid) {
  RandomParts parts;
  for (std::int64_t row = 0; row < grid.tiles_down(); ++row) {
    for (std::int64_t column = 0; column < grid.tiles_across(); ++column) {
      Image whole(grid.tile_width(), grid.tile_height(), 3, 1);
      grid.decode_tile(column, row, whole.data.data(), whole.width * 3, false);
      const std::int64_t width = std::min(whole.width, grid.width() - column * whole.width);
      const std::int64_t height = std::min(whole.height, grid.height() - row * whole.height);
      for (int i = 0; i < 12; ++i) {
        const Rect part = parts.next(width, height);
        Image framed(part.width + 2, part.height, 3, 77);
        ASSERT_TRUE(grid.decode_part(column, row, part, framed.data.data() + 3, framed.width * 3));
        for (std::int64_t y = 0; y < part.height; ++y) {
          const std::uint8_t* got = framed.row(y) + 3;
          ASSERT_TRUE(std::equal(got, got + part.width * 3, whole.row(part.y + y) + part.x * 3))
              << "tile " << column << ", " << row << ", part " << part.x << ", " << part.y << ", " << part.width
              << " x " << part.height << ", row " << y;
          ASSERT_TRUE(got[-1] == 77 && got[part.width * 3] == 77);
        }
      }
    }
  }
}

TEST(Ndpi, PartsOfTilesEqualTheWhole) {
  struct Sampling {
    int across, down;
  };
  for (const Sampling& sampling : {Sampling{1, 1}, {2, 1}, {2, 2}, {1, 2}}) {
    for (const int interval : {32, 64, 1024}) {
      const std::int64_t width = 2048;
      const std::int64_t height = interval == 1024 ? 75 : 283;
      const auto jpeg =
          test::restart_jpeg(picture(width, height), {.across_samples = sampling.across,
                                                      .down_samples = sampling.down,
                                                      .restart_interval = interval / 8 / sampling.across});
      NdpiBuilder file;
      file.image(jpeg, width, height, 20, starts_field(jpeg));
      const OpenStream open(memory_source(file.bytes(), "a.ndpi"), width, height);
      ASSERT_EQ(open.stream->interval_width(), interval);
      for (const int shrink : {1, 2, 4, 8}) {
        SCOPED_TRACE(testing::Message() << sampling.across << " x " << sampling.down << ", " << interval << " / "
                                        << shrink);
        expect_parts_of_tiles(NdpiGrid(open.stream, shrink));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Ndpi, DamageInAPartIsSeenAndDamageBelowItIsNot) {
  const auto good = test::restart_jpeg(picture(512, 64), {.across_samples = 1, .restart_interval = 32});
  const auto starts = test::restart_starts(good);
  constexpr std::size_t kRow = 3;
  for (const bool emptied : {false, true}) {
    // Interval 0 of row 3 breaks off early, or holds bytes that no unit uses.
    auto jpeg = good;
    const auto end = static_cast<std::ptrdiff_t>(starts[kRow * 2 + 1]) - 2;
    if (emptied) {
      jpeg.erase(jpeg.begin() + end - 100, jpeg.begin() + end);
    } else {
      jpeg.insert(jpeg.begin() + end, 100, 1);
    }
    NdpiBuilder file;
    file.image(jpeg, 512, 64, 20, starts_field(jpeg));
    const OpenStream open(memory_source(file.bytes(), "a.ndpi"), 512, 64);
    const NdpiGrid grid(open.stream, 1);
    Image out(grid.tile_width(), grid.tile_height(), 3);
    const auto read = [&](const Rect& part) { grid.decode_part(0, 0, part, out.data.data(), out.width * 3); };
    EXPECT_THROW(grid.decode_tile(0, 0, out.data.data(), out.width * 3, false), Error);
    EXPECT_THROW(read({5, 0, 9, 64}), Error) << emptied;
    EXPECT_THROW(read({5, 8 * kRow + 7, 9, 1}), Error) << emptied;
    EXPECT_THROW(read({250, 8 * kRow, 1, 1}), Error) << emptied;
    EXPECT_NO_THROW(read({5, 0, 9, 8 * kRow})) << emptied;
    EXPECT_NO_THROW(read({5, 8 * (kRow + 1), 9, 8})) << emptied;
  }
}

TEST(Ndpi, Properties) {
  const auto jpeg = plain_jpeg();
  auto fields = starts_field(jpeg);
  fields[tag::kNdpiXOffset] = {9, {static_cast<std::uint32_t>(-1234)}};
  fields[tag::kNdpiReference] = TiffBuilder::text("ab");  // short, but still not inline
  fields[tag::kNdpiProperties] = TiffBuilder::text("Product=NDP\r\nEmpty=\r\n=x\r\nA=b=c");
  const auto slide = test::open_bytes(plain_slide(fields, jpeg), "a.ndpi");
  EXPECT_EQ(slide->properties().at("hamamatsu.XOffsetFromSlideCentre"), "-1234");
  EXPECT_EQ(slide->properties().at("hamamatsu.Reference"), "ab");
  EXPECT_EQ(slide->properties().at("hamamatsu.Product"), "NDP");
  EXPECT_EQ(slide->properties().at("hamamatsu.A"), "b=c");
  EXPECT_FALSE(slide->properties().contains("hamamatsu.Empty"));
  EXPECT_EQ(slide->objective_power(), 20);
}

TEST(Ndpi, DamageIsReported) {
  const auto jpeg = plain_jpeg();
  const auto fails_with = [](const std::vector<std::uint8_t>& bytes, ErrorCode code, const std::string& part) {
    try {
      test::open_bytes(bytes, "a.ndpi")->read_region({.width = kWidth, .height = kHeight});
      ADD_FAILURE() << "expected an error with " << part;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  NdpiBuilder wrong_size;
  wrong_size.image(jpeg, kWidth + 8, kHeight, 20);
  fails_with(wrong_size.bytes(), ErrorCode::kCorruptFile, "the JPEG has 192 x 75");
  NdpiBuilder uneven;
  uneven.image(plain_jpeg(7), kWidth, kHeight, 20);
  fails_with(uneven.bytes(), ErrorCode::kUnsupportedFormat, "do not divide rows of 24");
  auto cut = jpeg;
  cut.resize(cut.size() / 2);
  NdpiBuilder truncated;
  truncated.image(cut, kWidth, kHeight, 20);
  fails_with(truncated.bytes(), ErrorCode::kCorruptFile, "restart markers, found");
  NdpiBuilder xr;
  xr.directory({{tag::kNdpiFormat, TiffBuilder::longs({1})},
                {tag::kNdpiSourceLens, {11, {0x41A00000}}},
                {tag::kCompression, TiffBuilder::shorts({22610})}});
  fails_with(xr.bytes(), ErrorCode::kUnsupportedFormat, "22610");
}

TEST(Ndpi, OffsetsHave64Bits) {
  // A strip beyond 4 GiB: the upper half of its place stands behind the directory.
  NdpiBuilder file;
  file.directory({{tag::kNdpiFormat, TiffBuilder::longs({1})}, {tag::kStripOffsets, TiffBuilder::longs({5})}},
                 {{tag::kStripOffsets, 3}});
  const TiffFile tiff(memory_source(file.bytes(), "a.ndpi"));
  EXPECT_EQ(tiff.directories().front().integer(tag::kStripOffsets), (std::uint64_t{3} << 32) + 5);
}

TEST(Ndpi, LyingTableOfTheSharedFixture) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const auto good = Slide::open(test::shared_fixture("wsi/hamamatsu.ndpi"));
  const auto lying = Slide::open(test::shared_fixture("wsi/malformed/ndpi-lying-mcu-starts.ndpi"));
  EXPECT_EQ(good->read_region({.width = 1024, .height = 768}).data,
            lying->read_region({.width = 1024, .height = 768}).data);
}

}  // namespace
}  // namespace histojet::slide
