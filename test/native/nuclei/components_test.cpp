#include "nuclei/components.hpp"

#include "cases.hpp"

namespace histojet::nuclei {
namespace {

/// Flood fill from each pixel in raster order: the definition of the numbering.
std::vector<int> naive_labels(const std::vector<int>& pixels, int height, int width, bool corners) {
  std::vector<int> labels(pixels.size());
  int count = 0;
  for (int start = 0; start < height * width; ++start) {
    if (!pixels[static_cast<std::size_t>(start)] || labels[static_cast<std::size_t>(start)]) continue;
    std::vector<int> todo{start};
    labels[static_cast<std::size_t>(start)] = ++count;
    while (!todo.empty()) {
      const int at = todo.back();
      todo.pop_back();
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          const int y = at / width + dy, x = at % width + dx;
          if ((!corners && dy != 0 && dx != 0) || y < 0 || x < 0 || y >= height || x >= width) continue;
          const auto next = static_cast<std::size_t>(y * width + x);
          if (!pixels[next] || labels[next]) continue;
          labels[next] = count;
          todo.push_back(static_cast<int>(next));
        }
      }
    }
  }
  return labels;
}

TEST(Components, NumberedByFirstPixel) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const int height = 1 + static_cast<int>(seed * 7 % 50), width = 1 + static_cast<int>(seed * 37 % 140);
    const std::vector<int> pixels = test::random_blobs(height, width, seed);
    const Components found = label4(test::mask_from(pixels, height, width));
    EXPECT_EQ(test::labels_from(found), naive_labels(pixels, height, width, false));
    Components corners = found;
    label_runs(corners.runs, 1);
    EXPECT_EQ(test::labels_from(corners), naive_labels(pixels, height, width, true));
    EXPECT_EQ(mask_of(found), test::mask_from(pixels, height, width));
  }
}

TEST(Components, RemoveSmallKeepsNumbers) {
  Components found = label4(test::mask_from({1, 0, 1, 1, 0, 1}, 1, 6));
  remove_small(found, 2);
  EXPECT_EQ(test::labels_from(found), (std::vector<int>{0, 0, 2, 2, 0, 0}));
}

TEST(Components, FillHolesKeepsWhatReachesTheBorder) {
  const std::vector<int> ring{1, 1, 1, 1, 0,  //
                              1, 0, 0, 1, 0,  //
                              1, 0, 1, 1, 1,  //
                              1, 1, 0, 1, 0,  //
                              0, 1, 1, 1, 0};
  const std::vector<int> filled{1, 1, 1, 1, 0,  //
                                1, 1, 1, 1, 0,  //
                                1, 1, 1, 1, 1,  //
                                1, 1, 1, 1, 0,  //
                                0, 1, 1, 1, 0};
  BitMask mask = test::mask_from(ring, 5, 5);
  fill_holes(mask);
  EXPECT_EQ(mask, test::mask_from(filled, 5, 5));
}

TEST(Components, EmptyMasks) {
  for (const auto& [height, width] : {std::pair<int, int>{0, 0}, {0, 5}, {5, 0}, {3, 3}}) {
    BitMask mask(height, width);
    EXPECT_EQ(label4(mask).count, 0);
    fill_holes(mask);
    EXPECT_EQ(mask, BitMask(height, width));
  }
}

}  // namespace
}  // namespace histojet::nuclei
