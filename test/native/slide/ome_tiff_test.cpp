// OME-TIFF: which directory is which level, which image is which, and what is refused.

#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"
#include "slide/slide.hpp"
#include "tiff_builder.hpp"

namespace histojet::slide {
namespace {

using test::TiffBuilder;
using Bytes = std::vector<std::uint8_t>;

const std::string kHead =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
    "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\" Creator=\"test\" UUID=\"urn:uuid:own\">"
    "<Instrument ID=\"Instrument:0\"><Objective ID=\"Objective:0\" NominalMagnification=\"20.0\" Model=\"Plan\"/>"
    "</Instrument>";

struct ImageXml {
  std::string name = "slide";
  int width = 0;
  int height = 0;
  int channels = 3;
  std::string pixels;  ///< further attributes of Pixels
  std::string data = "<TiffData IFD=\"0\" PlaneCount=\"1\"/>";
};

std::string image_xml(const ImageXml& image) {
  return "<Image ID=\"Image:0\" Name=\"" + image.name + "\"><ObjectiveSettings ID=\"Objective:0\"/><Pixels SizeX=\"" +
         std::to_string(image.width) + "\" SizeY=\"" + std::to_string(image.height) + "\" SizeC=\"" +
         std::to_string(image.channels) + "\" SizeZ=\"1\" SizeT=\"1\" " + image.pixels + ">" + image.data +
         "</Pixels></Image>";
}

std::string ifd(int index) {
  return "<TiffData IFD=\"" + std::to_string(index) + "\" PlaneCount=\"1\"/>";
}

/// Uncompressed directories in which every sample is `value`.
struct Directory {
  std::uint64_t width;
  std::uint64_t height;
  std::uint8_t value;
  std::uint64_t samples = 3;
  bool planes = false;
  std::vector<std::uint64_t> subs = {};
};

TiffBuilder::Fields fields_of(TiffBuilder& builder, const Directory& directory) {
  const std::uint64_t tiles = ((directory.width + 15) / 16) * ((directory.height + 15) / 16);
  const std::uint64_t pieces = directory.planes ? directory.samples : 1;
  const std::uint64_t length = 256 * directory.samples / pieces;
  const std::uint64_t offset = builder.data(Bytes(length, directory.value));
  TiffBuilder::Fields fields = {{256, TiffBuilder::longs({directory.width})},
                                {257, TiffBuilder::longs({directory.height})},
                                {258, TiffBuilder::shorts(std::vector<std::uint64_t>(directory.samples, 8))},
                                {262, TiffBuilder::shorts({directory.samples == 3 ? 2U : 1U})},
                                {277, TiffBuilder::shorts({directory.samples})},
                                {284, TiffBuilder::shorts({directory.planes ? 2U : 1U})},
                                {322, TiffBuilder::longs({16})},
                                {323, TiffBuilder::longs({16})},
                                {324, TiffBuilder::longs(std::vector<std::uint64_t>(tiles * pieces, offset))},
                                {325, TiffBuilder::longs(std::vector<std::uint64_t>(tiles * pieces, length))}};
  if (!directory.subs.empty()) fields[330] = TiffBuilder::longs(directory.subs);
  return fields;
}

/// A file of chained directories; the first carries the XML.
class OmeFile {
 public:
  std::uint64_t sub(const Directory& directory) { return builder_.directory(fields_of(builder_, directory), false); }
  void chained(const Directory& directory, const std::string& xml = {}, TiffBuilder::Fields extra = {}) {
    TiffBuilder::Fields fields = fields_of(builder_, directory);
    if (!xml.empty()) fields[270] = TiffBuilder::text(xml);
    fields.merge(extra);
    builder_.directory(fields);
  }
  std::shared_ptr<const Slide> open(const OpenOptions& options = {}) const {
    return Slide::open(memory_source(builder_.bytes(), "x.ome.tif"), options);
  }
  /// The message of the refusal.
  std::string refusal() const {
    try {
      open();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "opened";
    return {};
  }

 private:
  TiffBuilder builder_;
};

std::uint8_t first_sample(const Slide& slide, int level) {
  return slide.read_region({.width = 1, .height = 1, .level = level}).data.front();
}

TEST(OmeTiff, LevelsInSubDirectories) {
  for (const bool planes : {false, true}) {
    OmeFile file;
    const auto half = file.sub({.width = 33, .height = 25, .value = 2, .planes = planes});
    const auto quarter = file.sub({.width = 16, .height = 12, .value = 3, .planes = planes});
    const std::string pixels = "PhysicalSizeX=\"0.25\" PhysicalSizeY=\"250\" PhysicalSizeYUnit=\"nm\"";
    file.chained({.width = 66, .height = 50, .value = 1, .planes = planes, .subs = {half, quarter}},
                 kHead + image_xml({.width = 66, .height = 50, .pixels = pixels}) + "</OME>");
    const auto slide = file.open();
    EXPECT_EQ(slide->format(), "ome-tiff");
    ASSERT_EQ(slide->levels().size(), 3U);
    for (int level = 0; level < 3; ++level) EXPECT_EQ(first_sample(*slide, level), level + 1);
    ASSERT_TRUE(slide->mpp());
    EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.25);
    EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.25);
    EXPECT_EQ(slide->mpp()->source, MppSource::kVendor);
    EXPECT_EQ(slide->objective_power(), 20);
    EXPECT_EQ(slide->properties().at("openslide.vendor"), "generic-tiff");
    EXPECT_EQ(slide->properties().at("ome.creator"), "test");
    EXPECT_EQ(slide->properties().at("ome.image[0].objective.model"), "Plan");
    EXPECT_TRUE(slide->warnings().empty());
  }
}

TEST(OmeTiff, TheLargestImageIsTheSlideAndOthersGoByName) {
  OmeFile file;
  file.chained({.width = 20, .height = 10, .value = 7},
               kHead + image_xml({.name = "Label image", .width = 20, .height = 10, .data = ifd(0)}) +
                   image_xml({.name = "slide", .width = 66, .height = 50, .data = ifd(1)}) +
                   image_xml({.name = "MACRO", .width = 90, .height = 90, .data = ifd(2)}) +
                   image_xml({.name = "other", .width = 30, .height = 9, .data = ifd(3)}) + "</OME>");
  file.chained({.width = 66, .height = 50, .value = 1});
  file.chained({.width = 90, .height = 90, .value = 9});
  file.chained({.width = 30, .height = 9, .value = 4});
  const auto slide = file.open();
  EXPECT_EQ(slide->width(), 66);
  EXPECT_EQ(slide->levels().size(), 1U);
  EXPECT_EQ(slide->associated_images(), (std::vector<std::string>{"label", "macro"}));
  EXPECT_EQ(slide->read_associated_image("label").data.front(), 7);
  EXPECT_EQ(slide->read_associated_image("macro").width, 90);
  EXPECT_EQ(slide->properties().at("ome.image[3].name"), "other");
}

TEST(OmeTiff, LaterImagesOfTheSameShapeAreLevelsOfOldFiles) {
  OmeFile file;
  file.chained({.width = 66, .height = 50, .value = 1},
               kHead + image_xml({.width = 66, .height = 50, .data = ifd(0)}) +
                   image_xml({.name = "2", .width = 33, .height = 25, .data = ifd(1)}) +
                   image_xml({.name = "3", .width = 33, .height = 50, .data = ifd(2)}) + "</OME>");
  file.chained({.width = 33, .height = 25, .value = 2});
  file.chained({.width = 33, .height = 50, .value = 3});
  const auto slide = file.open();
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(first_sample(*slide, 1), 2);
}

TEST(OmeTiff, ReducedDirectoriesOfTheChainAreLevels) {
  OmeFile file;
  file.chained({.width = 66, .height = 50, .value = 1}, kHead + image_xml({.width = 66, .height = 50}) + "</OME>");
  file.chained({.width = 33, .height = 25, .value = 2}, {}, {{254, TiffBuilder::longs({1})}});
  file.chained({.width = 20, .height = 15, .value = 2});
  EXPECT_EQ(file.open()->levels().size(), 2U);
}

TEST(OmeTiff, ImagesWithoutTiffDataFollowOneAnother) {
  OmeFile file;
  file.chained({.width = 20, .height = 10, .value = 7},
               kHead + image_xml({.name = "label", .width = 20, .height = 10, .data = ""}) +
                   image_xml({.width = 66, .height = 50, .data = ""}) + "</OME>");
  file.chained({.width = 66, .height = 50, .value = 1});
  const auto slide = file.open();
  EXPECT_EQ(slide->width(), 66);
  EXPECT_EQ(slide->associated_images().size(), 1U);
}

TEST(OmeTiff, SingleGreyPlanesRead) {
  OmeFile file;
  file.chained({.width = 40, .height = 30, .value = 5, .samples = 1},
               kHead + image_xml({.width = 40, .height = 30, .channels = 1}) + "</OME>");
  EXPECT_EQ(first_sample(*file.open(), 0), 5);
}

TEST(OmeTiff, WhatIsNotHandledSaysSo) {
  const Directory grey{.width = 40, .height = 30, .value = 5, .samples = 1};
  OmeFile channels;
  channels.chained(grey, kHead + image_xml({.width = 40, .height = 30, .channels = 4}) + "</OME>");
  EXPECT_NE(channels.refusal().find("4 channels"), std::string::npos);

  OmeFile elsewhere;
  const std::string other = "<TiffData IFD=\"0\"><UUID FileName=\"b.ome.tif\">urn:uuid:b</UUID></TiffData>";
  elsewhere.chained(grey, kHead + image_xml({.width = 40, .height = 30, .channels = 1, .data = other}) + "</OME>");
  EXPECT_NE(elsewhere.refusal().find("several files"), std::string::npos);

  OmeFile companion;
  companion.chained(grey,
                    "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">"
                    "<BinaryOnly MetadataFile=\"a.companion.ome\" UUID=\"urn:uuid:a\"/></OME>");
  EXPECT_NE(companion.refusal().find("a.companion.ome"), std::string::npos);

  OmeFile broken;
  broken.chained(grey, "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\">");
  EXPECT_NE(broken.refusal().find("OME-TIFF"), std::string::npos);
}

TEST(OmeTiff, DamagedMetadataOfColourFilesAreLeftAside) {
  OmeFile file;
  file.chained({.width = 40, .height = 30, .value = 5}, "<OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/x\">");
  const auto slide = file.open();
  EXPECT_EQ(slide->format(), "generic-tiff");
  EXPECT_EQ(first_sample(*slide, 0), 5);
}

TEST(OmeTiff, DirectoriesThatDoNotExistAreDamage) {
  OmeFile file;
  file.chained({.width = 40, .height = 30, .value = 5},
               kHead + image_xml({.width = 40, .height = 30, .data = ifd(7)}) + "</OME>");
  try {
    file.open();
    FAIL() << "opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptFile);
  }
}

}  // namespace
}  // namespace histojet::slide
