#include "tiles/deep_zoom.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tiles/formula_slide.hpp"

namespace histojet::tiles {
namespace {

/// A slide of which only a part was scanned.
class PartlyScanned final : public test::FormulaSlide {
 public:
  PartlyScanned() : FormulaSlide(1001, 703, 3, test::quarter_mpp(), test::waves) {}
  slide::Rect bounds() const override { return {101, 57, 611, 401}; }
};

Image region(const slide::Slide& slide, int level, const slide::Rect& rect) {
  slide::RegionRequest request;
  request.x = rect.x;
  request.y = rect.y;
  request.width = rect.width;
  request.height = rect.height;
  request.level = level;
  return slide.read_region(request);
}

/// Values of openslide-python's DeepZoomGenerator, worked out by hand from its formulas.
TEST(DeepZoom, LimitedToTheBounds) {
  const auto slide = std::make_shared<PartlyScanned>();
  DeepZoomOptions options;
  options.limit_bounds = true;
  const DeepZoom zoom(slide, options);
  ASSERT_EQ(zoom.levels().size(), 11u);  // 611, 306, 153, 77, 39, 20, 10, 5, 3, 2, 1
  EXPECT_EQ(zoom.levels()[9].width, 306);
  EXPECT_EQ(zoom.levels()[9].height, 201);
  EXPECT_EQ(zoom.levels()[10].columns, 3);
  EXPECT_EQ(zoom.levels()[10].rows, 2);
  const Image first = zoom.read_tile(10, 0, 0);
  EXPECT_EQ(first.data, region(*slide, 0, {101, 57, 255, 255}).data);
  const Image last = zoom.read_tile(10, 2, 1);
  EXPECT_EQ(last.width, 611 - 508 + 1);
  EXPECT_EQ(last.height, 401 - 254 + 1);
  EXPECT_EQ(last.data, region(*slide, 0, {101 + 507, 57 + 253, 104, 148}).data);
}

TEST(DeepZoom, WholeSlideOfOddSize) {
  const auto slide = std::make_shared<PartlyScanned>();
  const DeepZoom zoom(slide, {.tile_size = 200, .overlap = 3});
  ASSERT_EQ(zoom.levels().size(), 11u);  // 1001, 501, 251, 126, 63, 32, 16, 8, 4, 2, 1
  EXPECT_EQ(zoom.levels()[9].width, 501);
  EXPECT_EQ(zoom.levels()[9].height, 352);
  // The last tile is 1 px wide, so the one before ends 1 px and not 3 px beyond its border.
  EXPECT_EQ(zoom.read_tile(10, 4, 0).width, 203 + 1);
  EXPECT_EQ(zoom.read_tile(10, 5, 0).width, 4);
  EXPECT_EQ(zoom.read_tile(10, 3, 3).height, 103 + 3);
  EXPECT_EQ(zoom.read_tile(10, 4, 0).data, region(*slide, 0, {797, 0, 204, 203}).data);
  // Level 1 is 500 x 351: its downsample is above 2, so level 9 comes from level 0.
  const Image half = zoom.read_tile(9, 0, 0);
  EXPECT_EQ(half.width, 203);
  const Image source = region(*slide, 0, {0, 0, 406, 406});
  for (std::int64_t y = 0; y < 203; y += 17) {
    for (std::int64_t x = 0; x < 203; x += 13) {
      const std::uint8_t *a = source.row(2 * y) + 6 * x, *b = source.row(2 * y + 1) + 6 * x;
      EXPECT_NEAR(half.row(y)[3 * x], (a[0] + a[3] + b[0] + b[3]) / 4.0, 0.51);
    }
  }
  EXPECT_EQ(zoom.read_tile(0, 0, 0).data.size(), 3u);
}

TEST(DeepZoom, RefusesWhatDoesNotExist) {
  const auto slide = std::make_shared<PartlyScanned>();
  const DeepZoom zoom(slide, {});
  EXPECT_THROW(zoom.read_tile(11, 0, 0), Error);
  EXPECT_THROW(zoom.read_tile(-1, 0, 0), Error);
  EXPECT_THROW(zoom.read_tile(10, 4, 0), Error);
  EXPECT_THROW(zoom.read_tile(10, 0, -1), Error);
  EXPECT_THROW(DeepZoom(slide, {.tile_size = 0}), Error);
  EXPECT_THROW(DeepZoom(slide, {.overlap = -1}), Error);
  EXPECT_THROW(DeepZoom(slide, {.quality = 101}), Error);
}

}  // namespace
}  // namespace histojet::tiles
