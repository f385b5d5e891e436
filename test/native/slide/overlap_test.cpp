// Formats whose tiles overlap or leave gaps: Trestle, Ventana BIF, Leica SCN, and Philips with its padded levels.

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "slide/area_grid.hpp"
#include "slide/base64.hpp"
#include "slide/placed_grid.hpp"
#include "slide/rects.hpp"
#include "tiled_level.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;
using Pixel = std::array<int, 4>;

void expect_refused(const std::vector<std::uint8_t>& bytes, ErrorCode code, const std::string& part) {
  try {
    test::open_bytes(bytes, "a.tif");
    ADD_FAILURE() << "expected an error with " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Base64, Decodes) {
  const auto text = [](std::string_view encoded) {
    const auto bytes = decode_base64(encoded);
    return std::string(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(text("QkMtOQ=="), "BC-9");
  EXPECT_EQ(text("QkMt\r\n T1g="), "BC-OX");
  EXPECT_EQ(text(""), "");
  EXPECT_EQ(text("!!!"), "");
}

TEST(Rects, SubtractLeavesTheRestOnce) {
  const std::vector<Rect> left = subtract({{0, 0, 10, 10}}, {3, 4, 2, 20});
  std::int64_t area = 0;
  for (const Rect& rect : left) {
    area += rect.width * rect.height;
    EXPECT_TRUE(is_empty(intersection(rect, {3, 4, 2, 20})));
  }
  EXPECT_EQ(area, 100 - 2 * 6);
  EXPECT_TRUE(subtract({{0, 0, 4, 4}}, {-1, -1, 9, 9}).empty());
}

std::vector<std::uint8_t> trestle(const std::string& overlaps) {
  TiffBuilder file;
  for (const std::int64_t width : {64, 32}) {
    auto fields = test::tiled_level(file, width, 48, 16, test::tile_marks);
    fields[tag::kSoftware] = TiffBuilder::text("MedScan 1");
    fields[tag::kImageDescription] =
        TiffBuilder::text("Background Color=a0B0c0;Objective Power=20;OverlapsXY= " + overlaps);
    fields[tag::kXResolution] = TiffBuilder::rational(1, 2);
    fields[tag::kYResolution] = TiffBuilder::rational(1, 4);
    file.directory(fields);
  }
  return file.bytes();
}

TEST(Trestle, TheLowerRightTileShows) {
  const auto slide = test::open_bytes(trestle("4 2 0 0"), "a.tif");
  EXPECT_EQ(slide->format(), "trestle");
  ASSERT_EQ(slide->width(), 64 - 3 * 4);
  ASSERT_EQ(slide->height(), 48 - 2 * 2);
  const Image image = test::whole_level(*slide, 0);
  for (std::int64_t y = 0; y < image.height; ++y) {
    for (std::int64_t x = 0; x < image.width; ++x) {
      const std::int64_t column = std::min<std::int64_t>(x / 12, 3);
      const std::int64_t row = std::min<std::int64_t>(y / 14, 2);
      const Pixel expected{static_cast<int>(16 * column + row), static_cast<int>(x - 12 * column),
                           static_cast<int>(y - 14 * row), 255};
      ASSERT_EQ(test::pixel_at(image, x, y), expected) << x << ", " << y;
    }
  }
  EXPECT_EQ(slide->levels()[1].width, 32);
  EXPECT_FALSE(slide->properties().contains("openslide.level[1].tile-width"));
  EXPECT_EQ(slide->background(), (std::array<std::uint8_t, 3>{0xA0, 0xB0, 0xC0}));
  EXPECT_EQ(slide->properties().at("openslide.background-color"), "A0B0C0");
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.5);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.25);
}

TEST(Trestle, WithoutOverlapsTilesLieOnAPlainGrid) {
  const auto slide = test::open_bytes(trestle("0 0 0 0"), "a.tif");
  EXPECT_EQ(slide->properties().at("openslide.level[0].tile-width"), "16");
  EXPECT_EQ(slide->width(), 64);
}

TEST(Trestle, RefusesImpossibleOverlaps) {
  expect_refused(trestle("15 0"), ErrorCode::kCorruptFile, "overlaps of 15 x 0");
  expect_refused(trestle("-4 0"), ErrorCode::kCorruptFile, "overlaps of -4 x 0");
}

/// Joints and areas of a BIF slide; `info` are attributes of the one area.
std::string encode_info(const std::string& info, const std::string& joints) {
  return "<EncodeInfo><SlideStitchInfo><ImageInfo AOIScanned=\"1\" Width=\"16\" Height=\"16\" Pos-X=\"0\" "
         "Pos-Y=\"0\" " +
         info + ">" + joints +
         "</ImageInfo></SlideStitchInfo><AoiOrigin><AOI0 OriginX=\"0\" OriginY=\"0\"/></AoiOrigin>" + "</EncodeInfo>";
}

std::string joint(const std::string& direction, int first, int second, double x, double y, int confidence = 100) {
  return "<TileJointInfo Direction=\"" + direction + "\" Tile1=\"" + std::to_string(first) + "\" Tile2=\"" +
         std::to_string(second) + "\" OverlapX=\"" + std::to_string(x) + "\" OverlapY=\"" + std::to_string(y) +
         "\" Confidence=\"" + std::to_string(confidence) + "\"/>";
}

std::vector<std::uint8_t> ventana(const std::string& stitching, const std::string& scan = "ScanRes=\"0.5\"") {
  TiffBuilder file;
  auto label = test::tiled_level(file, 16, 16, 16, test::tile_marks);
  label[tag::kImageDescription] = TiffBuilder::text("Label_Image");
  label[tag::kXmp] = TiffBuilder::text("<Metadata><iScan Magnification=\"20\" Empty=\"\" " + scan + "/></Metadata>");
  file.directory(label);
  auto level = test::tiled_level(file, 48, 32, 16, test::tile_marks);
  level[tag::kImageDescription] = TiffBuilder::text("level=0 mag=20 quality=90");
  if (!stitching.empty()) level[tag::kXmp] = TiffBuilder::text(stitching);
  file.directory(level);
  auto small = test::tiled_level(file, 32, 16, 16, test::tile_marks);
  small[tag::kImageDescription] = TiffBuilder::text("level=1 mag=10 quality=90");
  file.directory(small);
  return file.bytes();
}

constexpr const char* kSize = "NumCols=\"3\" NumRows=\"2\"";

TEST(Ventana, StitchesLevelsWithTheMeanOverlap) {
  // Tiles 1 2 3 in the bottom row, 6 5 4 above. The weighted mean of 2 and 6 is 4; without weight a joint is nothing.
  const std::string joints = joint("RIGHT", 1, 2, 2, 9) + joint("RIGHT", 5, 4, 6, 9) + joint("RIGHT", 2, 3, 99, 0, 0) +
                             joint("UP", 2, 5, 9, 2);
  const auto slide = test::open_bytes(ventana(encode_info(kSize, joints)), "a.bif");
  EXPECT_EQ(slide->format(), "ventana");
  ASSERT_EQ(slide->width(), 2 * 12 + 16);
  ASSERT_EQ(slide->height(), 14 + 16);
  const Image image = test::whole_level(*slide, 0);
  EXPECT_EQ(test::pixel_at(image, 11, 13), (Pixel{0, 11, 13, 255}));
  EXPECT_EQ(test::pixel_at(image, 12, 13), (Pixel{16, 0, 13, 255}));
  EXPECT_EQ(test::pixel_at(image, 39, 29), (Pixel{2 * 16 + 1, 15, 15, 255}));
  // Level 1 stores 2 x 2 tiles of level 0 in one tile, 8 pixels each, and overlaps them by half as much.
  EXPECT_EQ(slide->levels()[1].width, 20);
  EXPECT_EQ(slide->levels()[1].downsample, 2);
  const Image small = test::whole_level(*slide, 1);
  EXPECT_EQ(test::pixel_at(small, 5, 6), (Pixel{0, 5, 6, 255}));
  EXPECT_EQ(test::pixel_at(small, 6, 7), (Pixel{0, 8, 8, 255}));
  EXPECT_EQ(test::pixel_at(small, 12, 0), (Pixel{16, 0, 0, 255}));
  EXPECT_FALSE(slide->properties().contains("openslide.level[0].tile-width"));
  EXPECT_EQ(slide->properties().at("openslide.region[0].width"), "40");
  EXPECT_FALSE(slide->properties().contains("ventana.Empty"));
  EXPECT_EQ(slide->associated_images(), std::vector<std::string>{"macro"});
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.5);
}

TEST(Ventana, JointsOfNewerScanners) {
  for (const std::string& joints :
       {joint("LEFT", 2, 1, 4, 0) + joint("DOWN", 6, 1, 0, 2), joint("LEFT", 1, 2, 4, 0) + joint("DOWN", 1, 6, 0, 2),
        joint("LEFT", 5, 4, 4, 0) + joint("DOWN", 2, 5, 0, 2)}) {
    const auto slide = test::open_bytes(ventana(encode_info(kSize, joints)), "a.bif");
    EXPECT_EQ(slide->width(), 40) << joints;
    EXPECT_EQ(slide->height(), 30) << joints;
  }
}

TEST(Ventana, WithoutConfidenceTilesLieSideBySide) {
  const auto slide = test::open_bytes(ventana(encode_info(kSize, joint("RIGHT", 1, 2, 5, 0, 0))), "a.bif");
  EXPECT_EQ(slide->width(), 48);
  EXPECT_EQ(test::pixel_at(test::whole_level(*slide, 0), 47, 31), (Pixel{2 * 16 + 1, 15, 15, 255}));
}

TEST(Ventana, WithoutStitchingItIsAPlainTiff) {
  const auto slide = test::open_bytes(ventana(""), "a.tif");
  EXPECT_EQ(slide->format(), "ventana");
  EXPECT_EQ(slide->width(), 48);
  EXPECT_EQ(slide->properties().at("openslide.level[0].tile-width"), "16");
}

TEST(Ventana, AreasLieWhereTheFileSaysFromBelow) {
  // Two areas of one tile each, 20 pixels apart; y counts upwards.
  const auto area = [](int x, int y) {
    return "<ImageInfo AOIScanned=\"1\" Width=\"16\" Height=\"16\" NumCols=\"1\" NumRows=\"1\" Pos-X=\"" +
           std::to_string(x) + "\" Pos-Y=\"" + std::to_string(y) + "\"/>";
  };
  const std::string xml = "<EncodeInfo><SlideStitchInfo>" + area(0, 20) + area(20, 0) +
                          "</SlideStitchInfo><AoiOrigin><AOI0 OriginX=\"0\" OriginY=\"0\"/><AOI1 OriginX=\"32\" "
                          "OriginY=\"16\"/></AoiOrigin></EncodeInfo>";
  const auto slide = test::open_bytes(ventana(xml), "a.bif");
  ASSERT_EQ(slide->width(), 36);
  ASSERT_EQ(slide->height(), 36);
  const Image image = test::whole_level(*slide, 0);
  EXPECT_EQ(test::pixel_at(image, 3, 4), (Pixel{0, 3, 4, 255}));
  EXPECT_EQ(test::pixel_at(image, 20, 20), (Pixel{2 * 16 + 1, 0, 0, 255}));
  EXPECT_EQ(test::pixel_at(image, 18, 18), (Pixel{0, 0, 0, 0}));
  EXPECT_EQ(test::pixel_at(image, 30, 3), (Pixel{0, 0, 0, 0}));
}

TEST(Ventana, RefusesDamagedStitching) {
  const auto refuse = [](const std::string& info, const std::string& joints, const std::string& part) {
    expect_refused(ventana(encode_info(info, joints)), ErrorCode::kCorruptFile, part);
  };
  refuse("NumCols=\"-3\" NumRows=\"2\"", "", "-3 x 2 tiles");
  refuse("NumCols=\"4\" NumRows=\"2\"", "", "4 x 2 tiles");
  refuse("NumCols=\"3000000000\" NumRows=\"3000000000\"", "", "NumCols");
  refuse("NumCols=\"1.5\" NumRows=\"2\"", "", "no whole number");
  refuse(kSize, joint("RIGHT", 1, 999, 4, 0), "tile 999 of 6");
  refuse(kSize, joint("RIGHT", 1, 3, 4, 0), "no neighbours");
  refuse(kSize, joint("RIGHT", 2, 1, 4, 0), "no neighbours");
  refuse(kSize, joint("INSIDE", 1, 2, 4, 0), "'INSIDE'");
  refuse(kSize, joint("RIGHT", 1, 2, 15, 0), "overlap more than half");
  expect_refused(ventana("", "Z-layers=\"3\""), ErrorCode::kUnsupportedFormat, "3 focal planes");
}

std::string scn_image(const std::string& name, int x, int y, int width, int height, int directory,
                      const std::string& light = "brightfield", int pixels = 0) {
  const auto number = [](const char* key, int value) {
    return " " + std::string(key) + "=\"" + std::to_string(value) + "\"";
  };
  return "<image name=\"" + name + "\"><pixels><dimension" + number("sizeX", pixels > 0 ? pixels : width / 100) +
         number("sizeY", height / 100) + number("ifd", directory) +
         "/><dimension z=\"1\" sizeX=\"9\" sizeY=\"9\" ifd=\"77\"/>" + "</pixels><view" + number("sizeX", width) +
         number("sizeY", height) + number("offsetX", x) + number("offsetY", y) +
         "/><scanSettings><objectiveSettings><objective>20</objective></objectiveSettings>" +
         "<illuminationSettings><illuminationSource>" + light +
         "</illuminationSource></illuminationSettings></scanSettings></image>";
}

std::vector<std::uint8_t> scn(const std::string& images) {
  TiffBuilder file(false, true);
  for (const int side : {32, 40, 24}) {
    auto fields = test::tiled_level(file, side, side, 16, [side](const test::TilePixel& at) {
      return std::array<std::uint8_t, 3>{static_cast<std::uint8_t>(side),
                                         static_cast<std::uint8_t>(16 * at.column + at.x),
                                         static_cast<std::uint8_t>(16 * at.row + at.y)};
    });
    fields[tag::kImageDescription] = TiffBuilder::text(
        "<scn xmlns=\"http://www.leica-microsystems.com/scn/2010/10/01\"><collection sizeX=\"10000\" sizeY=\"8000\">"
        "<barcode>QkMtOQ==</barcode>" +
        images + "</collection></scn>");
    file.directory(fields);
  }
  return file.bytes();
}

TEST(Leica, PlacesAreasOnOneCanvas) {
  // 100 nm per pixel; the areas overlap by 10 pixels, where the first shows.
  const auto slide = test::open_bytes(
      scn(scn_image("macro", 0, 0, 10000, 8000, 0) + scn_image("a", 1050, 2000, 4000, 4000, 1) +
          scn_image("dark", 1, 1, 2400, 2400, 2, "fluorescence") + scn_image("b", 4000, 5000, 2400, 2400, 2)),
      "a.scn");
  EXPECT_EQ(slide->format(), "leica");
  ASSERT_EQ(slide->levels().size(), 1U);
  ASSERT_EQ(slide->width(), 100);
  ASSERT_EQ(slide->height(), 80);
  const Image image = test::whole_level(*slide, 0);
  EXPECT_EQ(test::pixel_at(image, 9, 20), (Pixel{0, 0, 0, 0}));
  EXPECT_EQ(test::pixel_at(image, 10, 20), (Pixel{40, 0, 0, 255}));
  EXPECT_EQ(test::pixel_at(image, 45, 55), (Pixel{40, 35, 35, 255}));
  EXPECT_EQ(test::pixel_at(image, 50, 55), (Pixel{24, 10, 5, 255}));
  EXPECT_EQ(test::pixel_at(image, 45, 60), (Pixel{24, 5, 10, 255}));
  EXPECT_EQ(test::pixel_at(image, 63, 73), (Pixel{24, 23, 23, 255}));
  EXPECT_EQ(test::pixel_at(image, 64, 73), (Pixel{0, 0, 0, 0}));
  const Rect bounds = slide->bounds();
  EXPECT_EQ(bounds.x, 10);
  EXPECT_EQ(bounds.width, 54);
  EXPECT_EQ(bounds.height, 54);
  EXPECT_EQ(slide->properties().at("leica.barcode"), "BC-9");
  EXPECT_EQ(slide->read_associated_image("macro").width, 32);
}

TEST(Leica, RefusesAreasThatDoNotMatch) {
  expect_refused(scn(scn_image("a", 5, 5, 4000, 4000, 1) + scn_image("b", 9, 9, 2400, 2400, 2, "brightfield", 25)),
                 ErrorCode::kUnsupportedFormat, "different resolutions");
  expect_refused(scn(scn_image("a", 5, 5, 4000, 4000, 1, "fluorescence")), ErrorCode::kUnsupportedFormat,
                 "brightfield");
  expect_refused(scn(scn_image("a", 5, 5, 4000, 4000, 9)), ErrorCode::kCorruptFile, "directory 9 of 3");
  expect_refused(scn("<image/>"), ErrorCode::kCorruptFile, "sizeX");
}

std::string value(const std::string& name, const std::string& content) {
  return "<Attribute Name=\"" + name + "\">" + content + "</Attribute>";
}

std::vector<std::uint8_t> philips(const std::string& more = "") {
  const auto level = [](const std::string& spacing) {
    return "<DataObject ObjectType=\"PixelDataRepresentation\">" +
           value("DICOM_PIXEL_SPACING", "&quot;" + spacing + "&quot; &quot;" + spacing + "&quot;") + "</DataObject>";
  };
  const std::string wsi =
      "<DataObject ObjectType=\"DPScannedImage\">" + value("PIM_DP_IMAGE_TYPE", "WSI") +
      value("DICOM_PIXEL_SPACING", "&quot;0.0005&quot; &quot;0.00025&quot;") +
      value("DICOM_DERIVATION_DESCRIPTION", "tiff-levels=40,20-sourceFilename=x") +
      value("PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE", "<Array>" + level("0.00025") + level("0.00074") + "</Array>") +
      "</DataObject>";
  const std::string xml = "<DataObject ObjectType=\"DPUfsImport\">" + value("PIM_DP_UFS_BARCODE", "QkMtOQ==") +
                          value("PIM_DP_SCANNED_IMAGES", "<Array>" + wsi + more + "</Array>") + "</DataObject>";
  TiffBuilder file;
  for (const std::int64_t width : {64, 32}) {
    auto fields = test::tiled_level(file, width, width, 16, test::tile_marks,
                                    [](std::int64_t column, std::int64_t row) { return column + row != 1; });
    fields[tag::kSoftware] = TiffBuilder::text("Philips DP");
    fields[tag::kNewSubfileType] = TiffBuilder::longs({width == 64 ? 0U : 1U});
    fields[tag::kImageDescription] = TiffBuilder::text(width == 64 ? xml : "level=1");
    file.directory(fields);
  }
  return file.bytes();
}

TEST(Philips, LevelsHaveTheSizesOfTheSpacings) {
  const auto slide = test::open_bytes(philips(), "a.tiff");
  EXPECT_EQ(slide->format(), "philips");
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(slide->levels()[1].downsample, 3);
  EXPECT_EQ(slide->levels()[1].width, 21);
  EXPECT_EQ(slide->levels()[1].height, 21);
  const Image image = test::whole_level(*slide, 1);
  EXPECT_EQ(test::pixel_at(image, 20, 20), (Pixel{17, 4, 4, 255}));
  EXPECT_EQ(test::pixel_at(image, 16, 0), (Pixel{0, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.25);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.5);
  EXPECT_EQ(slide->objective_power(), 40);
  EXPECT_EQ(slide->properties().at("openslide.barcode"), "BC-9");
  EXPECT_EQ(slide->properties().at("philips.PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE[1].DICOM_PIXEL_SPACING"),
            "\"0.00074\" \"0.00074\"");
}

TEST(Philips, DamagedPicturesInTheXmlAreLeftOut) {
  const auto slide = test::open_bytes(philips("<DataObject>" + value("PIM_DP_IMAGE_TYPE", "LABELIMAGE") +
                                              value("PIM_DP_IMAGE_DATA", "AAAA") + "</DataObject>"),
                                      "a.tiff");
  EXPECT_TRUE(slide->associated_images().empty());
  ASSERT_EQ(slide->warnings().size(), 1U);
  EXPECT_NE(slide->warnings().front().find("label"), std::string::npos);
}

TEST(Philips, WantsOneScannedImage) {
  expect_refused(philips("<DataObject>" + value("PIM_DP_IMAGE_TYPE", "WSI") + "</DataObject>"), ErrorCode::kCorruptFile,
                 "got 2");
}

}  // namespace
}  // namespace histojet::slide
