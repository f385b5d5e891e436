#include "slide/slide.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/png.hpp"
#include "fixtures.hpp"
#include "slide/text.hpp"
#include "tiff_builder.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;
using Bytes = std::vector<std::uint8_t>;

/// Grey levels of uncompressed 16 x 16 tiles, each tile of one value; value 0 means that the tile is missing.
TiffBuilder::Fields flat_level(TiffBuilder& builder, std::int64_t width, std::int64_t height, const Bytes& values) {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint64_t> lengths;
  for (const std::uint8_t value : values) {
    offsets.push_back(value == 0 ? 0 : builder.data(Bytes(256, value)));
    lengths.push_back(value == 0 ? 0 : 256);
  }
  return {{256, TiffBuilder::longs({static_cast<std::uint64_t>(width)})},
          {257, TiffBuilder::longs({static_cast<std::uint64_t>(height)})},
          {258, TiffBuilder::shorts({8})},
          {262, TiffBuilder::shorts({1})},
          {322, TiffBuilder::longs({16})},
          {323, TiffBuilder::longs({16})},
          {324, TiffBuilder::longs(offsets)},
          {325, TiffBuilder::longs(lengths)}};
}

std::shared_ptr<const Slide> open_bytes(const Bytes& bytes, const OpenOptions& options = {}) {
  return Slide::open(memory_source(bytes, "x.tif"), options);
}

Bytes two_levels(TiffBuilder::Fields extra = {}) {
  TiffBuilder builder;
  auto first = flat_level(builder, 40, 20, {10, 20, 30, 40, 0, 60});
  first.merge(extra);
  builder.directory(first);
  auto second = flat_level(builder, 10, 5, {99});
  second[254] = TiffBuilder::longs({1});
  builder.directory(second);
  return builder.bytes();
}

ErrorCode code_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TEST(Slide, ReadsAcrossTilesMissingTilesAndBorders) {
  const auto slide = open_bytes(two_levels());
  EXPECT_EQ(slide->format(), "generic-tiff");
  const Image image = slide->read_region({.x = -2, .y = -3, .width = 46, .height = 30, .channels = 4});
  const auto pixel = [&](std::int64_t x, std::int64_t y) {
    const std::uint8_t* at = image.row(y + 3) + (x + 2) * 4;
    return std::array<int, 2>{at[0], at[3]};
  };
  EXPECT_EQ(pixel(-1, 0), (std::array{0, 0}));
  EXPECT_EQ(pixel(0, -1), (std::array{0, 0}));
  EXPECT_EQ(pixel(0, 0), (std::array{10, 255}));
  EXPECT_EQ(pixel(15, 15), (std::array{10, 255}));
  EXPECT_EQ(pixel(16, 15), (std::array{20, 255}));
  EXPECT_EQ(pixel(39, 0), (std::array{30, 255}));
  EXPECT_EQ(pixel(40, 0), (std::array{0, 0}));
  EXPECT_EQ(pixel(0, 19), (std::array{40, 255}));
  EXPECT_EQ(pixel(0, 20), (std::array{0, 0}));
  EXPECT_EQ(pixel(20, 17), (std::array{0, 0})) << "missing tile";
  EXPECT_EQ(pixel(35, 17), (std::array{60, 255}));
}

TEST(Slide, ThreeChannelsShowTheBackground) {
  const auto slide = open_bytes(two_levels());
  EXPECT_EQ(slide->read_region({.x = 20, .y = 17, .width = 1, .height = 1}).data, (Bytes{255, 255, 255}));
  const RegionRequest request{
      .x = 20, .y = 17, .width = 1, .height = 1, .background = std::array<std::uint8_t, 3>{1, 2, 3}};
  EXPECT_EQ(slide->read_region(request).data, (Bytes{1, 2, 3}));
  EXPECT_EQ(slide->background(), (std::array<std::uint8_t, 3>{255, 255, 255}));
}

TEST(Slide, PositionsSnapToWholeLevelPixels) {
  const auto slide = open_bytes(two_levels());
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(slide->levels()[1].downsample, 4);
  const auto value = [&](std::int64_t x, bool level_coordinates, Resample resample = Resample::kNearest) {
    return slide
        ->read_region({.x = x,
                       .width = 1,
                       .height = 1,
                       .level = 1,
                       .level_coordinates = level_coordinates,
                       .resample = resample,
                       .background = std::array<std::uint8_t, 3>{0, 0, 0}})
        .data[0];
  };
  EXPECT_EQ(value(39, false), 99);
  EXPECT_EQ(value(40, false), 0);
  EXPECT_EQ(value(-1, false), 0) << "floor, not truncation";
  EXPECT_EQ(value(9, true), 99);
  EXPECT_EQ(value(10, true), 0);
  EXPECT_EQ(value(38, false, Resample::kBilinear), 50) << "half of the pixel lies outside";
}

TEST(Slide, BestLevel) {
  const auto slide = open_bytes(two_levels());
  EXPECT_EQ(slide->best_level_for_downsample(0.5), 0);
  EXPECT_EQ(slide->best_level_for_downsample(3.99), 0);
  EXPECT_EQ(slide->best_level_for_downsample(4), 1);
  EXPECT_EQ(slide->best_level_for_downsample(1e9), 1);
}

TEST(Slide, WrongArgumentsAreTyped) {
  const auto slide = open_bytes(two_levels());
  const auto code = [&](const RegionRequest& request) { return code_of([&] { slide->read_region(request); }); };
  EXPECT_EQ(code({.width = 0, .height = 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.width = 1, .height = -1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.width = 1, .height = 1, .level = 2}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.width = 1, .height = 1, .level = -1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.width = 1, .height = 1, .channels = 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.x = INT64_MIN, .width = 1, .height = 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code({.width = 0x7FFFFFFF, .height = 0x7FFFFFFF}), ErrorCode::kInvalidArgument);
  Bytes small(5);
  EXPECT_EQ(code_of([&] { slide->read_region({.width = 2, .height = 2}, small, {}); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { slide->read_associated_image("label"); }), ErrorCode::kInvalidArgument);
}

TEST(Slide, Cancels) {
  CancelSource source;
  source.cancel();
  EXPECT_THROW(open_bytes(two_levels())->read_region({.width = 40, .height = 20}, source.token()), Cancelled);
}

TEST(Slide, MppFromResolutionAndOverride) {
  const auto with = [](std::uint64_t above, std::uint64_t below, std::uint64_t unit, const OpenOptions& options = {}) {
    return open_bytes(two_levels({{282, TiffBuilder::rational(above, below)},
                                  {283, TiffBuilder::rational(above, below)},
                                  {296, TiffBuilder::shorts({unit})}}),
                      options);
  };
  EXPECT_DOUBLE_EQ(with(40000, 1, 3)->mpp()->x, 0.25);
  EXPECT_EQ(with(40000, 1, 3)->mpp()->source, MppSource::kTiffResolution);
  EXPECT_DOUBLE_EQ(with(50800, 1, 2)->mpp()->y, 0.5);
  EXPECT_FALSE(with(40000, 1, 1)->mpp());
  EXPECT_FALSE(with(40000, 0, 3)->mpp());
  const auto print = with(72, 1, 2);
  EXPECT_FALSE(print->mpp()) << "a printer's resolution";
  EXPECT_EQ(print->warnings().size(), 1U);
  EXPECT_EQ(with(40000, 1, 3, {.mpp = 0.4})->mpp()->x, 0.4);
  EXPECT_EQ(with(40000, 1, 3, {.mpp = 0.4})->mpp()->source, MppSource::kOverride);
  EXPECT_EQ(code_of([&] { with(40000, 1, 3, {.mpp = 1000}); }), ErrorCode::kInvalidArgument);
}

TEST(Slide, AperioMppFallsBackToTheObjective) {
  const auto open_with = [](const std::string& description) {
    return open_bytes(two_levels({{270, TiffBuilder::text("Aperio test\r\n40x20|" + description)}}));
  };
  EXPECT_EQ(open_with("AppMag = 40|MPP = 0,2520")->mpp()->x, 0.252);
  EXPECT_EQ(open_with("AppMag = 40|MPP = 0,2520")->format(), "aperio");
  const auto power = open_with("AppMag = 40|MPP = 0");
  EXPECT_EQ(power->mpp()->x, 0.25);
  EXPECT_EQ(power->mpp()->source, MppSource::kObjectivePower);
  EXPECT_EQ(power->warnings().size(), 1U);
  EXPECT_EQ(power->objective_power(), 40);
  EXPECT_FALSE(open_with("Date = today")->mpp());
}

TEST(Slide, AperioDrawsMissingTilesFromTheLargerLevel) {
  TiffBuilder builder;
  auto first = flat_level(builder, 64, 32, {10, 20, 30, 40, 50, 60, 70, 80});
  first[270] = TiffBuilder::text("Aperio test|AppMag = 20");
  builder.directory(first);
  builder.directory(flat_level(builder, 32, 16, {0, 5}));
  const auto slide = open_bytes(builder.bytes());
  const Image image = slide->read_region({.width = 32, .height = 16, .level = 1, .channels = 4});
  EXPECT_EQ(image.row(0)[0], 10);
  EXPECT_EQ(image.row(7)[7 * 4], 10);
  EXPECT_EQ(image.row(0)[8 * 4], 20);
  EXPECT_EQ(image.row(8)[8 * 4], 60);
  EXPECT_EQ(image.row(15)[15 * 4 + 3], 255);
  EXPECT_EQ(image.row(0)[16 * 4], 5) << "stored";
  const Image part = slide->read_region({.x = 14, .y = 2, .width = 9, .height = 9, .level = 1, .channels = 4});
  EXPECT_TRUE(std::equal(part.row(3), part.row(4), image.row(4) + 7 * 4));
}

TEST(Slide, AperioTilesOverMissingOnesAreNotTrusted) {
  TiffBuilder builder;
  auto first = flat_level(builder, 64, 32, {10, 0, 30, 40, 50, 60, 70, 80});
  first[270] = TiffBuilder::text("Aperio test|AppMag = 20");
  builder.directory(first);
  builder.directory(flat_level(builder, 32, 16, {77, 5}));
  const Image image = open_bytes(builder.bytes())->read_region({.width = 32, .height = 16, .level = 1, .channels = 4});
  EXPECT_EQ(image.row(0)[0], 10) << "the stored 77 was made from a missing tile";
  EXPECT_EQ(image.row(0)[8 * 4 + 3], 0);
  EXPECT_EQ(image.row(0)[16 * 4], 5);
}

TEST(Slide, AperioDrawsMissingTilesThroughSeveralLevels) {
  TiffBuilder builder;
  auto first = flat_level(builder, 64, 32, {10, 20, 30, 40, 50, 0, 70, 80});
  first[270] = TiffBuilder::text("Aperio test|AppMag = 20");
  builder.directory(first);
  builder.directory(flat_level(builder, 32, 16, {0, 5}));
  builder.directory(flat_level(builder, 16, 8, {0}));
  const Image image = open_bytes(builder.bytes())->read_region({.width = 16, .height = 8, .level = 2, .channels = 4});
  EXPECT_EQ(image.row(1)[1 * 4], 10);
  EXPECT_EQ(image.row(1)[6 * 4], 20);
  EXPECT_EQ(image.row(6)[1 * 4], 50);
  EXPECT_EQ(image.row(6)[6 * 4 + 3], 0) << "missing in level 0";
  EXPECT_EQ(image.row(4)[12 * 4], 5);
  EXPECT_EQ(image.row(7)[15 * 4 + 3], 255);
}

TEST(Slide, AperioLevelsOfHugeStepsStayTransparent) {
  TiffBuilder builder;
  auto first = flat_level(builder, 16 * 80, 16 * 80, Bytes(6400, 9));
  first[270] = TiffBuilder::text("Aperio test|AppMag = 20");
  builder.directory(first);
  builder.directory(flat_level(builder, 16, 16, {0}));
  const Image image = open_bytes(builder.bytes())->read_region({.width = 16, .height = 16, .level = 1, .channels = 4});
  EXPECT_EQ(image.row(8)[8 * 4 + 3], 0);
}

TEST(Slide, FingerprintDependsOnTheBytes) {
  Bytes bytes = two_levels();
  const std::string first = open_bytes(bytes)->fingerprint();
  EXPECT_TRUE(first.starts_with("sha256:"));
  EXPECT_EQ(first.size(), 7U + 64U);
  EXPECT_EQ(first, open_bytes(bytes)->fingerprint());
  bytes.push_back(0);
  EXPECT_NE(first, open_bytes(bytes)->fingerprint());
}

TEST(Slide, CachedUncachedAndParallelReadsAgree) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const std::string path = test::shared_fixture("wsi/CMU-1-Small-Region.svs");
  const auto cached = Slide::open(path);
  const auto uncached = Slide::open(path, {.max_cache_bytes = 0});
  const Image whole = uncached->read_region({.width = cached->width(), .height = cached->height()});
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const RegionRequest request{
            .x = (i * 97 + t * 31) % 1900, .y = (i * 211 + t * 17) % 2600, .width = 311, .height = 257};
        const Image image = (i % 2 == 0 ? cached : uncached)->read_region(request);
        for (std::int64_t y = 0; y < image.height; ++y) {
          const std::uint8_t* expected = whole.row(request.y + y) + request.x * 3;
          if (!std::equal(image.row(y), image.row(y) + image.width * 3, expected)) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Slide, VendorFormatsAreNamedNotMisread) {
  const auto message_of = [](const Bytes& bytes, const std::string& name) -> std::string {
    try {
      Slide::open(memory_source(bytes, name));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat);
      return error.what();
    }
    return "opened";
  };
  const auto tiff = [](std::uint16_t tag, const std::string& text) {
    return two_levels({{tag, TiffBuilder::text(text)}});
  };
  const std::string ome = "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">";
  EXPECT_NE(message_of(two_levels({{270, TiffBuilder::text(ome)}, {277, TiffBuilder::shorts({1})}}), "x.ome.tif")
                .find("OME-TIFF"),
            std::string::npos);
  const std::string qpi = "<PerkinElmer-QPI-ImageDescription/>";
  EXPECT_NE(message_of(tiff(270, qpi), "x.qptiff").find("QPTIFF"), std::string::npos);
  EXPECT_NE(message_of(tiff(305, "Olympus"), "x.vsi").find("Olympus"), std::string::npos);
  EXPECT_NE(message_of({'Z', 'I', 'S', 'R', 'A', 'W', 'F', 'I', 'L', 'E'}, "x.czi").find("CZI"), std::string::npos);
  EXPECT_NE(message_of({}, "x.svs").find("empty"), std::string::npos);
  EXPECT_EQ(code_of([] { Slide::open("/nowhere/x.svs"); }), ErrorCode::kIo);
}

TEST(PlainImage, PngAndJpegAreSlidesOfOneLevel) {
  Image image(700, 530, 3);
  for (std::size_t i = 0; i < image.data.size(); ++i) image.data[i] = static_cast<std::uint8_t>(i * 31 >> 4);
  const auto png = Slide::open(memory_source(codecs::encode_png(image), "x.png"));
  EXPECT_EQ(png->format(), "png");
  EXPECT_FALSE(png->mpp());
  ASSERT_EQ(png->levels().size(), 1U);
  EXPECT_EQ(png->read_region({.width = 700, .height = 530}).data, image.data);
  const Image part = png->read_region({.x = 500, .y = 500, .width = 250, .height = 40, .channels = 4});
  EXPECT_TRUE(std::equal(part.row(3), part.row(3) + 3, image.row(503) + 500 * 3));
  EXPECT_EQ(part.row(35)[3], 0);
  const auto jpeg = Slide::open(memory_source(codecs::encode_jpeg(image), "x.jpg"), {.mpp = 0.5});
  EXPECT_EQ(jpeg->format(), "jpeg");
  EXPECT_EQ(jpeg->mpp()->x, 0.5);
  EXPECT_EQ(jpeg->read_region({.width = 700, .height = 530}).height, 530);
}

TEST(PlainImage, AlphaIsKept) {
  Image image(20, 10, 4);
  for (std::size_t i = 0; i < image.data.size(); ++i) image.data[i] = static_cast<std::uint8_t>(i);
  const auto slide = Slide::open(memory_source(codecs::encode_png(image), "x.png"));
  EXPECT_EQ(slide->read_region({.width = 20, .height = 10, .channels = 4}).data, image.data);
}

TEST(PlainImage, HugeAndDamagedPicturesAreTyped) {
  Image image(64, 64, 3, 200);
  Bytes png = codecs::encode_png(image);
  Bytes cut(png.begin(), png.end() - 30);
  EXPECT_EQ(code_of([&] { Slide::open(memory_source(cut, "x.png"))->read_region({.width = 4, .height = 4}); }),
            ErrorCode::kCorruptFile);
  std::fill_n(png.begin() + 16, 8, std::uint8_t{0x10});
  EXPECT_EQ(code_of([&] { Slide::open(memory_source(png, "x.png")); }), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(code_of([&] {
              Slide::open(memory_source({0xFF, 0xD8, 0xFF, 0xE0, 0, 0}, "x.jpg"));
            }),
            ErrorCode::kCorruptFile);
}

TEST(Text, Utf8IsRepaired) {
  EXPECT_EQ(to_utf8("plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"), "plain \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(to_utf8("a\xFF"
                    "b\xC3"),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(to_utf8("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(to_utf8("\xED\xA0\x80").find('\xED'), std::string::npos) << "surrogate";
}

TEST(Text, NumbersReadAndWrite) {
  EXPECT_EQ(parse_number(" 0,4990 "), 0.499);
  EXPECT_EQ(parse_number("+20"), 20);
  EXPECT_FALSE(parse_number("20x"));
  EXPECT_FALSE(parse_number(""));
  EXPECT_FALSE(parse_number("nan"));
  EXPECT_EQ(format_number(0.499), "0.499");
  EXPECT_EQ(format_number(0.465), "0.46500000000000002");
  EXPECT_EQ(format_number(20), "20");
  EXPECT_EQ(trim(" \ta b\r\n"), "a b");
}

}  // namespace
}  // namespace histojet::slide
