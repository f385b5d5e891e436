#include "nuclei/segmentation.hpp"

#include <cmath>
#include <random>

#include "cases.hpp"
#include "nuclei/edge_strength.hpp"
#include "nuclei/gaussian3.hpp"
#include "plain_segmentation.hpp"

namespace histojet::nuclei {
namespace {

/// Maps of a tile of discs, some of them touching, with gradients that fall from -1 to 1 over each; `levels` > 0 rounds
/// the gradients, which makes equal values frequent.
Maps random_tile(std::int64_t height, std::int64_t width, unsigned seed, int levels) {
  std::mt19937 random(seed);
  const auto share = [&] { return static_cast<float>(random()) / 4294967296.0f; };
  Maps maps;
  maps.height = height;
  maps.width = width;
  const auto pixels = static_cast<std::size_t>(height * width);
  maps.np.assign(pixels, 0);
  maps.hv.assign(2 * pixels, 0);
  for (std::int64_t disc = 0; disc < 2 + height * width / 500; ++disc) {
    const float cy = share() * static_cast<float>(height), cx = share() * static_cast<float>(width);
    const float radius = 3 + 12 * share();
    for (std::size_t i = 0; i < pixels; ++i) {
      const float y = static_cast<float>(static_cast<std::int64_t>(i) / width) - cy;
      const float x = static_cast<float>(static_cast<std::int64_t>(i) % width) - cx;
      if (x * x + y * y > radius * radius) continue;
      maps.np[i] = share() < 0.01f ? 0.5f : 0.6f + 0.3f * share();
      maps.hv[i] = x / radius;
      maps.hv[pixels + i] = y / radius;
    }
  }
  for (float& value : maps.hv) {
    if (levels > 0) value = std::round(value * static_cast<float>(levels)) / static_cast<float>(levels);
    if (levels == 0) value += 0.05f * share();
  }
  return maps;
}

std::vector<std::int32_t> label_map(const Segmentation& objects, std::int64_t height, std::int64_t width) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(height * width));
  for (const nuclei::Run& run : objects.runs) paint({&run, 1}, run.label, width, labels);
  return labels;
}

constexpr std::pair<int, int> kSizes[] = {{1, 1},   {1, 70},   {53, 1},   {9, 11},    {37, 131},
                                          {64, 64}, {131, 97}, {45, 260}, {150, 300}, {201, 129}};

GradientRanges ranges_of(const Maps& maps) {
  const std::span<const float> hv(maps.hv);
  return {survey(hv.first(hv.size() / 2)).range, survey(hv.last(hv.size() / 2)).range};
}

TEST(Segmentation, EqualsThePlainStatementOnRandomTiles) {
  int objects = 0;
  for (unsigned seed = 0; seed < 2; ++seed) {
    for (const auto& [height, width] : kSizes) {
      for (const int levels : {0, 3, 40}) {
        const Maps maps = random_tile(height, width, seed, levels);
        for (const bool monotone : {false, true}) {
          const Segmentation hovernet = segment_hovernet(maps, ranges_of(maps), monotone, {});
          ASSERT_EQ(label_map(hovernet, height, width), test::plain_hovernet(maps, monotone))
              << height << " x " << width << " seed " << seed << " levels " << levels;
          const Segmentation hoverfast = segment_hoverfast(maps, ranges_of(maps), 20, monotone, {});
          ASSERT_EQ(label_map(hoverfast, height, width), test::plain_hoverfast(maps, 20, monotone))
              << height << " x " << width << " seed " << seed << " levels " << levels;
          objects += hovernet.count + hoverfast.count;
        }
      }
    }
  }
  EXPECT_GT(objects, 1500);
}

TEST(EdgeStrength, EqualsThePlainStatementOnRandomTiles) {
  for (unsigned seed = 0; seed < 2; ++seed) {
    for (const auto& [height, width] : kSizes) {
      const Maps maps = random_tile(height, width, seed, 0);
      const Components components = label4(pixels_at_least(maps.np, height, width, 0.5f));
      for (const bool hovernet : {false, true}) {
        const EdgeStrength strength = edge_strength(maps, ranges_of(maps), components, hovernet ? 21 : 5,
                                                    hovernet ? Combination::kMaximum : Combination::kRootOfSum, {});
        const std::vector<float> plain = test::plain_strength(maps, mask_of(components), hovernet ? 21 : 5, hovernet);
        std::vector<float> framed;
        strength.copy_framed({0, 0, height, width}, framed);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            ASSERT_EQ(framed[static_cast<std::size_t>((y + 1) * (width + 2) + x + 1)],
                      plain[static_cast<std::size_t>(y * width + x)]);
          }
        }
        EXPECT_EQ(weak_edges(strength),
                  test::mask_where(plain, height, width, [](float value) { return value < 0.4; }));
        std::vector<double> relief_values(plain.size());
        relief(strength, {0, 0, height, width}, hovernet ? ReliefType::kDouble : ReliefType::kFloat,
               relief_values.data(), width, framed);
        EXPECT_EQ(relief_values, hovernet ? test::plain_relief<double>(plain, height, width)
                                          : test::plain_relief<float>(plain, height, width));
      }
    }
  }
}

TEST(Segmentation, MarkersInsideAHoleOfAnother) {
  // A ring whose marker's hole holds a second blob: both blobs get the ring's label, and its runs are sorted.
  Maps maps;
  maps.height = maps.width = 61;
  maps.np.assign(61 * 61, 0);
  maps.hv.assign(2 * 61 * 61, 0);
  for (int i = 0; i < 61 * 61; ++i) {
    const double y = i / 61 - 30, x = i % 61 - 30, r = std::sqrt(x * x + y * y);
    maps.np[static_cast<std::size_t>(i)] = (r < 28 && r > 14) || r < 9 ? 1.0f : 0.0f;
    maps.hv[static_cast<std::size_t>(i)] = static_cast<float>(x / 30);
    maps.hv[static_cast<std::size_t>(i) + 61 * 61] = static_cast<float>(y / 30);
  }
  const Segmentation found = segment_hovernet(maps, ranges_of(maps), false, {});
  EXPECT_EQ(label_map(found, 61, 61), test::plain_hovernet(maps, false));
  for (std::size_t i = 1; i < found.runs.size(); ++i) {
    const nuclei::Run &a = found.runs[i - 1], &b = found.runs[i];
    const bool in_order = a.row < b.row || (a.row == b.row && a.end <= b.start);
    EXPECT_TRUE(a.label != b.label || in_order);
  }
}

}  // namespace
}  // namespace histojet::nuclei
