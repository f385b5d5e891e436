#include "tiles/grid.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tiles/formula_slide.hpp"
#include "tiles/resample.hpp"

using namespace histojet;
using namespace histojet::test;
using tiles::GridOptions;
using tiles::GridTile;
using tiles::tile_grid;

namespace {
const FormulaSlide& waves_slide() {
  static const FormulaSlide slide(1000, 700, 3, quarter_mpp(), waves);
  return slide;
}
}  // namespace

TEST(Grid, CoversTheSlideInRasterOrder) {
  const auto tiles = tile_grid(waves_slide(), {.size = 300}, nullptr);
  ASSERT_EQ(tiles.size(), 4u * 3u);
  EXPECT_EQ(tiles[1].x, 300);
  EXPECT_EQ(tiles[4].y, 300);
  EXPECT_EQ(tiles[4].row, 1);
  EXPECT_EQ(tiles.back().x, 900);
  EXPECT_EQ(tiles.back().column, 3);
}

TEST(Grid, OverlapShortensTheStride) {
  const auto tiles = tile_grid(waves_slide(), {.size = 300, .overlap = 50}, nullptr);
  // 1000 px: tiles at 0, 250, 500 and 750 reach 1050; 700 px: 0, 250 and 500.
  ASSERT_EQ(tiles.size(), 4u * 3u);
  EXPECT_EQ(tiles[3].x, 750);
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 2000, .overlap = 100}, nullptr).size(), 1u);
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 500}, nullptr).size(), 4u);
}

TEST(Grid, ResolutionLevelAndRegion) {
  const auto by_mpp =
      tile_grid(waves_slide(), {.size = 100, .mpp = 0.7, .region = slide::Rect{10, 20, 561, 280}}, nullptr);
  ASSERT_EQ(by_mpp.size(), 3u);
  EXPECT_EQ(by_mpp[1].x, 290);
  EXPECT_EQ(by_mpp[1].y, 20);
  const auto by_level = tile_grid(waves_slide(), {.size = 100, .level = 1}, nullptr);
  ASSERT_EQ(by_level.size(), 5u * 4u);
  EXPECT_EQ(by_level[1].x, 200);
}

TEST(Grid, TissueDecides) {
  tiles::TissueMask mask{10, 7, 100, std::vector<std::uint8_t>(70, 0)};
  mask.data[0] = mask.data[1] = mask.data[12] = 1;
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 200, .min_tissue = 0.5}, &mask).size(), 1u);
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 200, .min_tissue = 0.25}, &mask).size(), 2u);
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 200, .min_tissue = 0.26}, &mask).size(), 1u);
  EXPECT_EQ(tile_grid(waves_slide(), {.size = 200, .min_tissue = 0}, &mask).size(), 20u);
}

TEST(Grid, TilesAgreeWithOneBigRead) {
  const GridOptions options{.size = 96, .overlap = 17, .mpp = 0.37};
  const auto tiles = tile_grid(waves_slide(), options, nullptr);
  const Image whole = tiles::read_at(waves_slide(), {.width = 800, .height = 600, .mpp = 0.37});
  for (const GridTile& tile : tiles) {
    const Image part = tiles::read_tile(waves_slide(), options, tile);
    ASSERT_EQ(part.width, 96);
    for (std::int64_t y = 0; y < 96; ++y) {
      const auto* expected = whole.row(tile.row * 79 + y) + 3 * tile.column * 79;
      ASSERT_TRUE(std::equal(part.row(y), part.row(y) + 3 * 96, expected)) << tile.column << ' ' << tile.row;
    }
  }
}

TEST(Grid, LevelTilesArePixelsOfTheLevelPaddedWithBackground) {
  const GridOptions options{.size = 128, .level = 1};
  const auto tiles = tile_grid(waves_slide(), options, nullptr);
  const Image last = tiles::read_tile(waves_slide(), options, tiles.back());
  EXPECT_EQ(last.width, 128);
  const Image& level = waves_slide().picture(1);
  EXPECT_TRUE(std::equal(last.row(3), last.row(3) + 3 * 50,
                         level.row(tiles.back().row * 128 + 3) + 3 * tiles.back().column * 128));
  EXPECT_EQ(last.row(127)[3 * 127], 255);
}

TEST(Grid, RefusesNonsense) {
  const FormulaSlide unknown(64, 64, 1, std::nullopt, waves);
  EXPECT_THROW(tile_grid(waves_slide(), {.size = 0}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.size = 64, .overlap = 64}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.mpp = 0.5, .level = 0}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.level = 3}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.mpp = -1}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.size = 1, .mpp = 1e-5}, nullptr), Error);
  EXPECT_THROW(tile_grid(unknown, {.mpp = 0.5}, nullptr), Error);
  EXPECT_THROW(tile_grid(waves_slide(), {.region = slide::Rect{0, 0, 0, 5}}, nullptr), Error);
}
