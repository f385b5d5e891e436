#include "explain/stage_layout.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "explain/random_network.hpp"

namespace histojet::explain {
namespace {

using tokens::PixelOrder;

TEST(StageLayout, TokensLieWhereTheSerialisationTookThem) {
  for (const PixelOrder order : {PixelOrder::kZorder, PixelOrder::kHilbert, PixelOrder::kSnake, PixelOrder::kRaster}) {
    models::PixelMambaConfig config = test::deep_config();
    config.pixel_order = order;
    const Image picture = test::wavy_picture(24, 16);
    const models::PictureRegions source(config, picture);
    const auto layouts = stage_layouts(config, source);
    ASSERT_EQ(layouts.size(), 5U);
    for (std::size_t s = 0; s < 4; ++s) {
      const StageLayout& layout = layouts[s];
      const std::int64_t rows = 16 >> s, columns = 24 >> s;
      EXPECT_EQ(layout.rows, rows);
      EXPECT_EQ(layout.columns, columns);
      ASSERT_EQ(layout.tokens(), rows * columns);
      std::vector<float> numbers(static_cast<std::size_t>(rows * columns));
      std::iota(numbers.begin(), numbers.end(), 0.0F);
      const std::vector<float> grid = layout.grid(numbers);
      const auto serial = tokens::serial_order(rows, columns, 8 >> s, config.region_order, order);
      for (std::size_t i = 0; i < serial.size(); ++i) {
        EXPECT_EQ(grid[static_cast<std::size_t>(serial[i])], static_cast<float>(i));
      }
    }
    EXPECT_EQ(layouts[4].rows, 1);
    EXPECT_EQ(layouts[4].columns, 2);
    EXPECT_EQ(layouts[4].tokens(), 2);
  }
}

TEST(StageLayout, PlacesWithoutTokensAreNan) {
  const models::PixelMambaConfig config = test::deep_config();
  const Image picture = test::wavy_picture(37, 19);
  const test::SomeRegions source(config, picture);
  const auto layouts = stage_layouts(config, source);
  const std::vector<float> ones(static_cast<std::size_t>(layouts[0].tokens()), 1.0F);
  const std::vector<float> grid = layouts[0].grid(ones);
  ASSERT_EQ(grid.size(), 37U * 19U);
  std::int64_t inside = 0;
  for (const tokens::GridCell cell : source.regions()) {
    inside += std::min<std::int64_t>(8, 37 - 8 * cell.column) * std::min<std::int64_t>(8, 19 - 8 * cell.row);
  }
  EXPECT_EQ(std::ranges::count(grid, 1.0F), inside);
  EXPECT_EQ(std::ranges::count_if(grid, [](float value) { return std::isnan(value); }), 37 * 19 - inside);
  EXPECT_THROW(layouts[0].grid({}), Error);
}

/// Every token has exactly one parent, which lies above it.
TEST(MergePlan, FourTokensBelowEach) {
  const models::PixelMambaConfig config = test::deep_config();
  const auto model = test::formula_network(config);
  const Image picture = test::wavy_picture(37, 21);
  const test::SomeRegions source(config, picture);
  const auto layouts = stage_layouts(config, source);
  for (std::size_t s = 0; s + 1 < layouts.size(); ++s) {
    const MergePlan plan(layouts[s], layouts[s + 1], config.region_order, model->network().stages[s].merge_sources);
    std::vector<float> parents(static_cast<std::size_t>(layouts[s].tokens()), -1);
    std::int64_t merged = 0;
    for (std::int64_t g = 0; g < plan.groups(); ++g) {
      const MergeGroup group = plan.group(g);
      for (std::size_t i = 0; i < group.sources.size(); ++i, ++merged) {
        for (const std::int32_t source_index : group.sources[i]) {
          if (source_index < 0) continue;
          const auto child = static_cast<std::size_t>(group.children[static_cast<std::size_t>(source_index)]);
          EXPECT_EQ(parents[child], -1);
          parents[child] = static_cast<float>(group.first + static_cast<std::int64_t>(i));
        }
      }
    }
    EXPECT_EQ(merged, layouts[s + 1].tokens());
    EXPECT_EQ(std::ranges::count(parents, -1.0F), 0);
    std::vector<float> numbers(static_cast<std::size_t>(layouts[s + 1].tokens()));
    std::iota(numbers.begin(), numbers.end(), 0.0F);
    const std::vector<float> fine = layouts[s].grid(parents), coarse = layouts[s + 1].grid(numbers);
    for (std::int64_t y = 0; y < layouts[s].rows; ++y) {
      for (std::int64_t x = 0; x < layouts[s].columns; ++x) {
        const float value = fine[static_cast<std::size_t>(y * layouts[s].columns + x)];
        if (!std::isnan(value)) {
          EXPECT_EQ(value, coarse[static_cast<std::size_t>(y / 2 * layouts[s + 1].columns + x / 2)]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace histojet::explain
