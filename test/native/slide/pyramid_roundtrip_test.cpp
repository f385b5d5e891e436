#include <filesystem>
#include <random>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "slide/ome_description.hpp"
#include "slide/pixel_spool.hpp"
#include "slide/pyramid_writer.hpp"
#include "slide/slide.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "roundtrip-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

Image noise(std::int64_t width, std::int64_t height, int channels, unsigned seed) {
  Image image(width, height, channels);
  std::mt19937 random(seed);
  for (auto& byte : image.data) byte = static_cast<std::uint8_t>(random());
  return image;
}

PyramidOptions options_for(const Image& image) {
  PyramidOptions options;
  options.width = image.width;
  options.height = image.height;
  options.channels = image.channels;
  options.merge_uniform = true;
  options.exact_resolution = true;
  options.software = "histojet test";
  return options;
}

std::shared_ptr<const Slide> write_and_open(const Folder& folder, const std::string& name, const Image& image,
                                            const PyramidOptions& options) {
  PyramidWriter(options).write(folder.file(name), ImageSource(image), {}, CancelToken());
  return Slide::open(folder.file(name));
}

Image level_of(const Slide& slide, int level) {
  RegionRequest request;
  request.width = slide.levels()[static_cast<std::size_t>(level)].width;
  request.height = slide.levels()[static_cast<std::size_t>(level)].height;
  request.level = level;
  return slide.read_region(request);
}

Image halved(const Image& image) {
  Image out(image.width / 2, image.height / 2, image.channels);
  for (std::int64_t y = 0; y < out.height; ++y) {
    for (std::int64_t i = 0; i < out.width * out.channels; ++i) {
      const std::int64_t at = i / out.channels * 2 * out.channels + i % out.channels;
      const std::uint8_t *a = image.row(2 * y) + at, *b = image.row(2 * y + 1) + at;
      out.row(y)[i] = static_cast<std::uint8_t>((a[0] + a[image.channels] + b[0] + b[image.channels] + 2) / 4);
    }
  }
  return out;
}

struct Case {
  PyramidCompression compression;
  std::int64_t tile_px;
  bool ome;
};

class Lossless : public testing::TestWithParam<Case> {};

TEST_P(Lossless, ComesBackPixelForPixelOnEveryLevel) {
  const Folder folder;
  const Image image = noise(2113, 1031, 3, 5);
  PyramidOptions options = options_for(image);
  options.compression = GetParam().compression;
  options.tile_px = GetParam().tile_px;
  options.ome = GetParam().ome;
  options.mpp = 0.2527;
  options.mpp_y = 0.251;
  const auto slide = write_and_open(folder, "a.tif", image, options);
  ASSERT_EQ(slide->levels().size(), 3u);
  EXPECT_EQ(slide->levels()[2].width, 528);
  EXPECT_EQ(slide->levels()[2].height, 257);
  EXPECT_EQ(slide->levels()[0].tile_width, options.tile_px);
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.2527);
  EXPECT_DOUBLE_EQ(slide->mpp()->y, 0.251);
  EXPECT_TRUE(slide->warnings().empty());
  Image expected = image;
  for (int level = 0; level < 3; ++level) {
    EXPECT_EQ(level_of(*slide, level).data, expected.data) << "level " << level;
    expected = halved(expected);
  }
}

INSTANTIATE_TEST_SUITE_P(
    PyramidWriter, Lossless,
    testing::Values(Case{PyramidCompression::kDeflate, 256, false}, Case{PyramidCompression::kDeflate, 1040, true},
                    Case{PyramidCompression::kZstd, 48, true}, Case{PyramidCompression::kZstd, 4096, false},
                    Case{PyramidCompression::kNone, 16, false}, Case{PyramidCompression::kNone, 512, true}));

TEST(PyramidWriter, GreyStaysGrey) {
  const Folder folder;
  const Image image = noise(300, 1300, 1, 9);
  for (const PyramidCompression compression : {PyramidCompression::kDeflate, PyramidCompression::kJpeg}) {
    PyramidOptions options = options_for(image);
    options.compression = compression;
    options.quality = 98;
    const auto slide = write_and_open(folder, "a.tif", image, options);
    const Image read = level_of(*slide, 0);
    const int allowed = compression == PyramidCompression::kJpeg ? 12 : 0;
    for (std::size_t i = 0; i < image.data.size(); ++i) {
      ASSERT_NEAR(read.data[3 * i], image.data[i], allowed);
      ASSERT_EQ(read.data[3 * i], read.data[3 * i + 2]);
    }
    EXPECT_EQ(slide->levels().size(), 2u);
  }
}

TEST(PyramidWriter, StoresEachColourOnce) {
  const Folder folder;
  Image image(2000, 2000, 3, 240);
  image.row(700)[2100] = 17;
  PyramidOptions options = options_for(image);
  options.compression = PyramidCompression::kNone;
  const auto slide = write_and_open(folder, "a.tif", image, options);
  EXPECT_EQ(level_of(*slide, 0).data, image.data);
  EXPECT_EQ(level_of(*slide, 1).data, halved(image).data);
  // Level 0: one plain tile and one with the dot; level 1: one with the dot, plain ones shared.
  EXPECT_LT(std::filesystem::file_size(folder.file("a.tif")), 3u * 256 * 256 * 3 + 8000);
}

TEST(PyramidWriter, CarriesTheProfile) {
  const Folder folder;
  const Image image = noise(64, 64, 3, 1);
  PyramidOptions options = options_for(image);
  for (int i = 0; i < 3000; ++i) options.icc_profile.push_back(static_cast<std::uint8_t>(i * 7));
  EXPECT_EQ(write_and_open(folder, "a.tif", image, options)->icc_profile(), options.icc_profile);
  options.icc_profile.clear();
  EXPECT_FALSE(write_and_open(folder, "b.tif", image, options)->icc_profile());
}

TEST(PyramidWriter, RefusesTilesThatTiffForbids) {
  for (const std::int64_t tile_px : {0, 8, 100, 8192}) {
    PyramidOptions options;
    options.width = options.height = 100;
    options.tile_px = tile_px;
    EXPECT_THROW(PyramidWriter{options}, Error) << tile_px;
  }
  PyramidOptions periodic;
  periodic.width = periodic.height = 5000;
  periodic.period_px = 512;
  periodic.tile_px = 512;
  EXPECT_THROW(PyramidWriter{periodic}, Error);
}

TEST(PyramidWriter, RefusesASourceOfAnotherKind) {
  const Folder folder;
  const Image image = noise(64, 64, 1, 1);
  PyramidOptions options = options_for(image);
  options.channels = 3;
  EXPECT_THROW(PyramidWriter(options).write(folder.file("a.tif"), ImageSource(image), {}, CancelToken()), Error);
  EXPECT_TRUE(folder.empty());
}

TEST(OmeDescription, IsAsciiXmlThatSaysWhatThePixelsAre) {
  PyramidOptions options;
  options.width = 1234;
  options.height = 567;
  options.mpp = 0.5;
  options.description = "K\xc3\xb6ln <&> \"\xf0\x9f\x94\xac\"";
  const std::string text = ome_description(options);
  for (const char c : text) EXPECT_GT(c, 0);
  const auto document = parse_xml(text);
  ASSERT_TRUE(document);
  const auto image = child(document->document_element(), "Image");
  EXPECT_EQ(image.attribute("Name").value(), options.description);
  const auto pixels = child(image, "Pixels");
  EXPECT_EQ(pixels.attribute("SizeX").as_int(), 1234);
  EXPECT_EQ(pixels.attribute("SizeC").as_int(), 3);
  EXPECT_EQ(pixels.attribute("PhysicalSizeY").as_double(), 0.5);
  EXPECT_EQ(child(pixels, "Channel").attribute("SamplesPerPixel").as_int(), 3);
}

TEST(PixelSpool, KeepsWhatWasPutWhere) {
  const Folder folder;
  const Image image = noise(400, 300, 3, 3);
  PixelSpool spool(folder.file("a"), 400, 300, 3, {9, 8, 7});
  EXPECT_TRUE(folder.empty());
  EXPECT_EQ(spool.read(399, 299, 1, 1).data, (std::vector<std::uint8_t>{9, 8, 7}));
  spool.write(5, 5, noise(20, 20, 3, 4));
  spool.write(0, 0, image);
  EXPECT_EQ(spool.read(0, 0, 400, 300).data, image.data);
  const Image corner = noise(50, 50, 3, 6);
  spool.write(-40, -30, corner);
  spool.write(395, 290, corner);
  spool.write(1000, 1000, corner);
  const Image read = spool.read(0, 0, 11, 21);
  EXPECT_EQ(read.row(19)[9 * 3], corner.row(49)[49 * 3]);
  EXPECT_EQ(read.row(20)[9 * 3], image.row(20)[9 * 3]);
  EXPECT_EQ(spool.read(395, 290, 5, 10).row(9)[14], corner.row(9)[14]);
  Image glass(2, 1, 4);
  glass.data = {100, 100, 100, 255, 100, 100, 100, 0};
  spool.write(50, 50, glass);
  EXPECT_EQ(spool.read(50, 50, 2, 1).data, (std::vector<std::uint8_t>{100, 100, 100, 9, 8, 7}));
  EXPECT_THROW(spool.write(0, 0, noise(2, 2, 1, 1)), Error);
  EXPECT_THROW(PixelSpool(folder.file("no/b"), 4, 4, 3, {}), Error);
  EXPECT_THROW(PixelSpool(folder.file("b"), 0, 4, 3, {}), Error);
}

TEST(ImageSource, MakesBytesOfNumbers) {
  const std::vector<float> values{0, 1, 0.5f, -3, 7, std::nanf(""), 1e-3f, 0.998f};
  const ImageSource source(values, 4, 2, 1);
  EXPECT_EQ(source.read(0, 0, 4, 2).data, (std::vector<std::uint8_t>{0, 255, 128, 0, 255, 0, 0, 254}));
  EXPECT_EQ(source.read(1, 1, 2, 1).data, (std::vector<std::uint8_t>{0, 0}));
  EXPECT_THROW(ImageSource(values, 4, 3, 1), Error);
}

}  // namespace
}  // namespace histojet::slide
