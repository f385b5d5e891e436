#include "nuclei/outline.hpp"

#include <cmath>

#include "cases.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

double area_px(const Ring& ring) {
  return static_cast<double>(doubled_area(ring)) / 8;
}

TEST(Outline, SquareLosesHalfAPixel) {
  for (int n = 1; n < 9; ++n) {
    const std::vector<std::int32_t> labels(static_cast<std::size_t>(n * n), 3);
    const Ring ring = pixel_outline({labels.data(), n, n}, 3, {0, 0});
    EXPECT_EQ(ring.size(), n == 1 ? 4u : 8u);
    EXPECT_DOUBLE_EQ(area_px(ring), n * n - 0.5);
    EXPECT_TRUE(is_simple(ring));
  }
}

TEST(Outline, PixelsThatMeetAtACornerStayApart) {
  // A ring of pixels whose ends meet only diagonally: the background reaches in between them.
  const std::vector<std::int32_t> labels{1, 1, 1,  //
                                         1, 0, 1,  //
                                         1, 1, 0};
  const Ring ring = pixel_outline({labels.data(), 3, 3}, 1, {0, 0});
  EXPECT_TRUE(is_simple(ring));
  EXPECT_GT(area_px(ring), 5);
  EXPECT_LT(area_px(ring), 7);
}

TEST(Outline, RandomObjectsAreSimpleAndKeepTheirArea) {
  int objects = 0, inner = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    const int height = 20 + static_cast<int>(seed % 40), width = 20 + static_cast<int>(seed * 7 % 70);
    BitMask mask = test::mask_from(test::random_blobs(height, width, seed), height, width);
    if (seed % 2 == 0) fill_holes(mask);
    const Components found = label4(mask);
    const std::vector<int> labels = test::labels_from(found);
    const auto runs = runs_by_label(found.runs, found.count);
    for (int label = 1; label <= found.count; ++label) {
      double pixels = 0;
      for (const nuclei::Run& run : runs[label]) pixels += run.end - run.start;
      const Ring raw = pixel_outline({labels.data(), height, width}, label, {runs[label][0].start, runs[label][0].row});
      const Box box = bounding_box(runs[label]);
      if (box.x0 > 0 && box.y0 > 0 && box.x1 < width && box.y1 < height) {
        ASSERT_EQ(pixel_outline({labels.data(), height, width}, label, {runs[label][0].start, box.y0}, false), raw);
        ++inner;
      }
      ASSERT_TRUE(is_simple(raw));
      ASSERT_GT(doubled_area(raw), 0);
      // Corners cut and corners filled cancel up to half a pixel when there is no hole.
      if (seed % 2 == 0) {
        ASSERT_DOUBLE_EQ(area_px(raw), pixels - 0.5);
      }
      for (const double tolerance : {1.0, 6.0, 30.0, 300.0}) {
        const Ring ring = simplified_outline(raw, tolerance / 1000 * arc_length(raw));
        ASSERT_TRUE(is_simple(ring));
        ASSERT_GE(ring.size(), 3u);
        ASSERT_GT(doubled_area(ring), 0);
        if (tolerance <= 6 && seed % 2 == 0 && pixels >= 30) {
          ASSERT_LT(std::fabs(area_px(ring) - pixels), 0.15 * pixels) << pixels;
        }
      }
      ++objects;
    }
  }
  EXPECT_GT(objects, 300);
  EXPECT_GT(inner, 100);
}

TEST(Outline, NoToleranceKeepsEverything) {
  const std::vector<std::int32_t> labels{0, 1, 0, 1, 1, 1};
  const Ring raw = pixel_outline({labels.data(), 2, 3}, 1, {1, 0});
  EXPECT_EQ(simplified_outline(raw, 0), raw);
}

}  // namespace
}  // namespace histojet::nuclei
