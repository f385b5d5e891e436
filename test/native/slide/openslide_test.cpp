// OpenSlide at run time: what goes to it, and what an installed one gives for the shared MIRAX fixture.

#include <gtest/gtest.h>

#include <thread>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "slide/openslide_library.hpp"
#include "slide/slide.hpp"
#include "temporary_folder.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

std::string failure_of(const std::string& path, const std::string& choice) {
  try {
    Slide::open(path, {.openslide = choice});
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + ": " + error.what();
  }
  return "nothing failed";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(OpenSlide, ErrorsSayWhatWouldHelp) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("x.vms", std::string("[Virtual Microscope Specimen]\nnothing else\n"));
  const std::string off = failure_of(path, "off");
  EXPECT_TRUE(has(off, "HISTOJET_UNSUPPORTED_FORMAT") && has(off, "Hamamatsu VMS/VMU") && has(off, "switched off"))
      << off;
  const std::string missing = failure_of(path, folder.path("no-such-library.so"));
  EXPECT_TRUE(has(missing, "OpenSlide cannot be loaded") && has(missing, "no-such-library.so")) << missing;
  const std::string other = failure_of(path, "libm.so.6");
  EXPECT_TRUE(has(other, "lacks functions of OpenSlide")) << other;
}

TEST(OpenSlide, NeverSeesBytesInMemoryNorDamagedFiles) {
  try {
    Slide::open(memory_source({'t', 'e', 'x', 't'}, "text.svs"), {});
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_TRUE(has(error.what(), "local files only")) << error.what();
  }
  // A TIFF whose directory lies beyond the end is the native reader's to refuse.
  const test::TemporaryFolder folder;
  const std::string path = folder.write("damaged.tif", std::string("II*\0\xFF\xFF\0\0", 8));
  const std::string failure = failure_of(path, "auto");
  EXPECT_TRUE(has(failure, "HISTOJET_CORRUPT_FILE") && !has(failure, "OpenSlide")) << failure;
}

/// A copy of the MIRAX fixture that may be damaged.
class OpenSlideMirax : public testing::Test {
 protected:
  void SetUp() override {
    HISTOJET_NEEDS_SHARED_FIXTURES();
    std::string why_not;
    if (OpenSlideLibrary::load("auto", why_not) == nullptr) GTEST_SKIP() << "skipped: " << why_not;
    fs::copy(test::shared_fixture("wsi/mirax"), folder_.path("mirax"), fs::copy_options::recursive);
    fs::copy(test::shared_fixture("wsi/mirax.mrxs"), path());
    // The fixtures may be read-only; their copies are going to be damaged.
    for (const auto& file : fs::recursive_directory_iterator(folder_.path())) {
      fs::permissions(file.path(), fs::perms::owner_all, fs::perm_options::add);
    }
  }
  std::string path() const { return folder_.path("mirax.mrxs"); }

  test::TemporaryFolder folder_;
};

TEST_F(OpenSlideMirax, IsOffWhereItIsSwitchedOff) {
  const std::string failure = failure_of(path(), "off");
  EXPECT_TRUE(has(failure, "MIRAX") && has(failure, "switched off")) << failure;
}

TEST_F(OpenSlideMirax, AlphaIsStraightAndBackgroundsAreComposited) {
  const auto slide = Slide::open(path());
  EXPECT_EQ(slide->format(), "mirax");
  EXPECT_EQ(slide->background(), (std::array<std::uint8_t, 3>{240, 240, 240}));
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.23);
  EXPECT_EQ(slide->bounds().y, 0);
  EXPECT_EQ(slide->bounds().height, 496);
  RegionRequest request{.x = -9, .y = -11, .width = 811, .height = 601, .channels = 4};
  const Image rgba = slide->read_region(request);
  request.channels = 3;
  request.background = {10, 20, 200};
  const Image rgb = slide->read_region(request);
  std::int64_t transparent = 0;
  for (std::size_t i = 0; i < rgba.data.size() / 4; ++i) {
    const int alpha = rgba.data[i * 4 + 3];
    transparent += alpha == 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double expected = (rgba.data[i * 4 + c] * alpha + (*request.background)[c] * (255.0 - alpha)) / 255;
      ASSERT_NEAR(rgb.data[i * 3 + c], expected, 1.0);
    }
  }
  EXPECT_GT(transparent, 811 * 11);
}

TEST_F(OpenSlideMirax, SnapsToWholePixelsUnlessBilinear) {
  const auto slide = Slide::open(path());
  RegionRequest request{.x = 101, .y = 203, .width = 50, .height = 40, .level = 2};
  const Image snapped = slide->read_region(request);
  request.resample = Resample::kBilinear;
  EXPECT_NE(slide->read_region(request).data, snapped.data);
  request = {.x = 25, .y = 50, .width = 50, .height = 40, .level = 2, .level_coordinates = true};
  EXPECT_EQ(slide->read_region(request).data, snapped.data);
}

TEST_F(OpenSlideMirax, AnErrorDoesNotStay) {
  const auto intact = Slide::open(path());
  const Image expected = intact->read_region({.width = 64, .height = 64});
  // What the first pieces of level 0 need comes early in the data file.
  const std::string data = folder_.path("mirax/Data0000.dat");
  const auto slide = Slide::open(path());
  const auto size = fs::file_size(data);
  fs::resize_file(data, 100);
  EXPECT_THROW(slide->read_region({.width = 736, .height = 496}), Error);
  EXPECT_THROW(slide->read_region({.width = 736, .height = 496}), Error);
  fs::resize_file(data, 0);
  fs::copy(test::shared_fixture("wsi/mirax/Data0000.dat"), data, fs::copy_options::overwrite_existing);
  ASSERT_EQ(fs::file_size(data), size);
  EXPECT_EQ(slide->read_region({.width = 64, .height = 64}).data, expected.data);
}

TEST_F(OpenSlideMirax, ReadsFromManyThreadsAndStopsWhenCancelled) {
  const auto slide = Slide::open(path());
  const Image expected = slide->read_region({.width = 500, .height = 400, .level = 0});
  std::vector<Image> images(4);
  std::vector<std::thread> threads;
  for (Image& image : images) {
    threads.emplace_back([&] { image = slide->read_region({.width = 500, .height = 400, .level = 0}); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Image& image : images) EXPECT_EQ(image.data, expected.data);
  CancelSource source;
  source.cancel();
  EXPECT_THROW(slide->read_region({.width = 500, .height = 400}, source.token()), Cancelled);
}

TEST_F(OpenSlideMirax, ChecksItsArguments) {
  const auto slide = Slide::open(path());
  EXPECT_THROW(slide->read_region({.width = 1, .height = 1, .level = 3}), Error);
  EXPECT_THROW(slide->read_associated_image("nothing"), Error);
  EXPECT_EQ(slide->read_associated_image("label").width, 80);
  EXPECT_EQ(slide->fingerprint(), Slide::open(path())->fingerprint());
  EXPECT_TRUE(slide->fingerprint().starts_with("sha256:"));
}

}  // namespace
}  // namespace histojet::slide
