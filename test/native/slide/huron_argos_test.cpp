// Huron and ARGOS, of which there is no file to compare with: built here after the public descriptions.

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tiled_level.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;
using Pixel = std::array<int, 4>;

/// One strip of 4 x 3 grey pixels as an associated image.
TiffBuilder::Fields stripped(TiffBuilder& file, std::uint64_t kind) {
  return {{tag::kNewSubfileType, TiffBuilder::longs({kind})},
          {tag::kImageWidth, TiffBuilder::longs({4})},
          {tag::kImageLength, TiffBuilder::longs({3})},
          {tag::kBitsPerSample, TiffBuilder::shorts({8})},
          {tag::kCompression, TiffBuilder::shorts({1})},
          {tag::kPhotometric, TiffBuilder::shorts({1})},
          {tag::kRowsPerStrip, TiffBuilder::longs({3})},
          {tag::kStripOffsets, TiffBuilder::longs({file.data(std::vector<std::uint8_t>(12, 77))})},
          {tag::kStripByteCounts, TiffBuilder::longs({12})}};
}

TEST(Huron, ReadsLikeAperio) {
  TiffBuilder file;
  auto level = test::tiled_level(file, 40, 24, 16, test::tile_marks);
  level[tag::kMake] = TiffBuilder::text("Huron TissueScope");
  level[tag::kImageDescription] = TiffBuilder::text("first line\r\nResolution = 0.4 um\r\nBarcode=12 = 3\r\n");
  level[tag::kXResolution] = TiffBuilder::rational(20000, 1);
  level[tag::kYResolution] = TiffBuilder::rational(25000, 1);
  level[tag::kResolutionUnit] = TiffBuilder::shorts({3});
  file.directory(level);
  file.directory(stripped(file, 0));
  file.directory(test::tiled_level(file, 20, 12, 16, test::tile_marks));
  file.directory(stripped(file, 1));
  file.directory(stripped(file, 9));
  const auto slide = test::open_bytes(file.bytes(), "a.tif");
  EXPECT_EQ(slide->format(), "huron");
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(test::pixel_at(test::whole_level(*slide, 0), 33, 20), (Pixel{2 * 16 + 1, 1, 4, 255}));
  EXPECT_EQ(slide->associated_images(), (std::vector<std::string>{"label", "macro", "thumbnail"}));
  EXPECT_EQ(slide->properties().at("huron.Resolution"), "0.4 um");
  EXPECT_EQ(slide->properties().at("huron.Barcode"), "12 = 3");
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.5);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.4);
}

std::vector<std::uint8_t> argos(const std::string& planes, bool sparse = false) {
  TiffBuilder file;
  for (int plane = 0; plane < 3; ++plane) {
    for (const std::int64_t width : {48, 16}) {
      auto level = test::tiled_level(
          file, width, 16, 16,
          [plane](const test::TilePixel& at) {
            return std::array<std::uint8_t, 3>{static_cast<std::uint8_t>(plane), static_cast<std::uint8_t>(at.column),
                                               9};
          },
          [&](std::int64_t column, std::int64_t) { return !sparse || width == 16 || column == 1; });
      level[tag::kArgosXml] =
          TiffBuilder::text("<Argos.Scan.Metadata>" + planes +
                            "<Barcode>B7</Barcode><ObjectiveMagnification>20</ObjectiveMagnification>"
                            "<Camera><Name>x</Name><Size unit=\"px\">3</Size></Camera>"
                            "</Argos.Scan.Metadata>");
      file.directory(level);
    }
  }
  file.directory(stripped(file, 0));
  file.directory(stripped(file, 0));
  return file.bytes();
}

TEST(Argos, ShowsTheMiddleFocalPlane) {
  const auto slide = test::open_bytes(argos("<MinZ>-1</MinZ><MaxZ>1</MaxZ>"), "a.avs");
  EXPECT_EQ(slide->format(), "argos");
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(test::pixel_at(test::whole_level(*slide, 0), 40, 3), (Pixel{1, 2, 9, 255}));
  EXPECT_EQ(test::pixel_at(test::whole_level(*slide, 1), 4, 3), (Pixel{1, 0, 9, 255}));
  EXPECT_EQ(slide->associated_images(), (std::vector<std::string>{"macro", "thumbnail"}));
  EXPECT_EQ(slide->properties().at("argos.Camera.Name"), "x");
  EXPECT_FALSE(slide->properties().contains("argos.Camera.Size"));
  EXPECT_EQ(slide->properties().at("openslide.barcode"), "B7");
  EXPECT_EQ(slide->objective_power(), 20);
}

TEST(Argos, MissingTilesAreTransparentAndBoundTheSlide) {
  const auto slide = test::open_bytes(argos("<MinZ>0</MinZ><MaxZ>0</MaxZ>", true), "a.avs");
  EXPECT_EQ(slide->bounds().x, 16);
  EXPECT_EQ(slide->bounds().width, 16);
  EXPECT_EQ(test::pixel_at(test::whole_level(*slide, 0), 3, 3), (Pixel{0, 0, 0, 0}));
}

TEST(Argos, RefusesPlanesThatAreNotThere) {
  for (const char* planes : {"", "<MinZ>3</MinZ><MaxZ>1</MaxZ>", "<MinZ>0</MinZ><MaxZ>40</MaxZ>"}) {
    EXPECT_THROW(test::open_bytes(argos(planes), "a.avs"), Error) << planes;
  }
}

}  // namespace
}  // namespace histojet::slide
