#include "explain/perturbation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "explain/covered_regions.hpp"
#include "explain/random_network.hpp"

namespace histojet::explain {
namespace {

class PerturbationTest : public testing::Test {
 protected:
  models::PixelMambaConfig config = test::deep_config();
  std::shared_ptr<const models::PixelMamba> model = test::formula_network(config);
  Image picture = test::wavy_picture(37, 19);
  models::PictureRegions source{config, picture};
};

/// All pixels of a source, row by row.
std::vector<float> pixels(const models::RegionSource& source) {
  std::vector<float> all(static_cast<std::size_t>(3 * source.width_px() * source.height_px()));
  std::vector<float> region(3 * 8 * 8);
  for (std::size_t i = 0; i < source.regions().size(); ++i) {
    source.read(static_cast<std::int64_t>(i), region.data(), {});
    const tokens::GridCell cell = source.regions()[i];
    for (std::int64_t y = 0; y < 8; ++y) {
      for (std::int64_t x = 0; x < 8; ++x) {
        const std::int64_t row = 8 * cell.row + y, column = 8 * cell.column + x;
        if (row >= source.height_px() || column >= source.width_px()) continue;
        std::copy_n(region.data() + 3 * (8 * y + x), 3, all.data() + 3 * (row * source.width_px() + column));
      }
    }
  }
  return all;
}

TEST_F(PerturbationTest, CoveredSquaresHaveThePadColour) {
  for (const std::int64_t cell_px : {1, 2, 5, 8, 16}) {
    CoveredRegions covered(config, source, cell_px);
    const std::vector<float> before = pixels(source);
    EXPECT_EQ(pixels(covered), before);
    const std::int64_t cell = covered.cells() / 2;
    covered.cover(cell);
    const std::vector<float> after = pixels(covered);
    for (std::int64_t y = 0; y < 19; ++y) {
      for (std::int64_t x = 0; x < 37; ++x) {
        const bool inside = y / cell_px * covered.columns() + x / cell_px == cell;
        const auto at = static_cast<std::size_t>(3 * (y * 37 + x));
        for (std::size_t c = 0; c < 3; ++c) EXPECT_EQ(after[at + c], inside ? config.pad_value[c] : before[at + c]);
      }
    }
    covered.cover(cell, false);
    EXPECT_EQ(pixels(covered), before);
    EXPECT_EQ(model->run(covered).logits, model->run(source).logits);
  }
  EXPECT_THROW(CoveredRegions(config, source, 0), Error);
}

TEST_F(PerturbationTest, CurvesBeginAndEndAtTheWholePictureAndAtNone) {
  std::vector<std::int64_t> order(15);
  std::iota(order.begin(), order.end(), 0);
  const auto deletion = perturbation_curve(*model, source, order, 8, {.steps = 4, .score = logit_score(1)});
  const auto insertion = perturbation_curve(*model, source, order, 8,
                                            {.kind = Perturbation::kInsertion, .steps = 4, .score = logit_score(1)});
  ASSERT_EQ(deletion.score.size(), 5U);
  CoveredRegions nothing(config, source, 8);
  nothing.cover_all(true);
  EXPECT_EQ(deletion.score.front(), model->run(source).logits[1]);
  EXPECT_EQ(insertion.score.back(), deletion.score.front());
  EXPECT_EQ(deletion.score.back(), model->run(nothing).logits[1]);
  EXPECT_EQ(insertion.score.front(), deletion.score.back());
  EXPECT_EQ(deletion.share.front(), 0);
  EXPECT_EQ(deletion.share.back(), 1);
  double area = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    area += (deletion.share[i + 1] - deletion.share[i]) * (deletion.score[i] + deletion.score[i + 1]) / 2;
  }
  EXPECT_DOUBLE_EQ(deletion.area, area);
  EXPECT_THROW(perturbation_curve(*model, source, {15}, 8), Error);
  EXPECT_THROW(perturbation_curve(*model, source, {}, 8), Error);
  EXPECT_THROW(perturbation_curve(*model, source, order, 8, {.steps = 0}), Error);
}

TEST_F(PerturbationTest, CellsAreRankedByTheirSums) {
  const float none = std::nanf("");
  const RelevanceMap map{
      .token_px = 4, .columns = 4, .rows = 3, .values = {1, 2, 0, 5, 1, 1, 0, 2, none, none, none, 9}};
  EXPECT_EQ(ranked_cells(map, 8), (std::vector<std::int64_t>{3, 1, 0}));
  EXPECT_EQ(ranked_cells(map, 4).front(), 11);
  EXPECT_THROW(ranked_cells(map, 6), Error);
  EXPECT_THROW(ranked_cells(map, 2), Error);
}

TEST_F(PerturbationTest, OcclusionReportsTheChangeOfEverySquare) {
  const OcclusionOptions options{.score = logit_score(1), .coarsest_px = 16, .finest_px = 4, .most_evaluations = 30};
  const Occlusion found = occlude(*model, source, options);
  EXPECT_EQ(found.score, model->run(source).logits[1]);
  EXPECT_LE(found.evaluations, 30);
  EXPECT_EQ(static_cast<std::size_t>(found.evaluations), found.squares.size() + 1);
  std::int64_t first = 0;
  for (const OccludedSquare& square : found.squares) {
    first += square.side_px == 16;
    CoveredRegions covered(config, source, 4);
    covered.cover_square(square.x_px, square.y_px, square.side_px);
    EXPECT_EQ(square.change, model->run(covered).logits[1] - found.score);
    EXPECT_FALSE(square.split && square.side_px == 4);
  }
  EXPECT_EQ(first, 3 * 2);
  EXPECT_GT(found.squares.size(), 6U);
  const std::vector<float> grid = found.grid(37, 19, 4);
  ASSERT_EQ(grid.size(), 10U * 5U);
  const OccludedSquare& last = found.squares.back();
  const double part = std::pow(4.0 / static_cast<double>(last.side_px), 2);
  EXPECT_FLOAT_EQ(grid[static_cast<std::size_t>(last.y_px / 4 * 10 + last.x_px / 4)],
                  static_cast<float>(last.change * part));
}

TEST_F(PerturbationTest, OcclusionSkipsWhatTheNetworkDoesNotSee) {
  const test::SomeRegions some(config, picture);
  const Occlusion found = occlude(*model, some, {.coarsest_px = 8, .finest_px = 8});
  EXPECT_EQ(found.squares.size(), some.regions().size());
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 24}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 8, .finest_px = 3}), Error);
  EXPECT_THROW(occlude(*model, source, {.coarsest_px = 8, .most_evaluations = 10}), Error);
}

}  // namespace
}  // namespace histojet::explain
