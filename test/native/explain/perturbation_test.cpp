#include "explain/perturbation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
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

TEST_F(PerturbationTest, ACoveredSquareIsThatOfACoveredCell) {
  for (const std::int64_t side : {4, 8, 16}) {
    CoveredRegions cells(config, source, side);
    for (std::int64_t cell = 0; cell < cells.cells(); ++cell) {
      cells.cover_all(false);
      cells.cover(cell, true);
      const CoveredSquare square(config, source, cell % cells.columns() * side, cell / cells.columns() * side, side);
      ASSERT_EQ(pixels(square), pixels(cells)) << side << " " << cell;
    }
  }
}

std::vector<std::int64_t> numbers_to(std::int64_t end) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(end));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST_F(PerturbationTest, CurvesAreThoseOfEvaluationsOfEverything) {
  for (const int threads : {1, 3}) {
    for (const std::int64_t cell_px : {4, 8}) {
      CoveredRegions covered(config, source, cell_px);
      const std::vector<std::int64_t> order = shuffled_cells(numbers_to(covered.cells()), 3);
      const PerturbationPair pair = perturbation_curves(
          *model, source, order, cell_px, {.output = 1, .steps = 7, .run = {.threads = threads, .store_bytes = 4000}});
      for (const bool deletion : {true, false}) {
        const PerturbationCurve& curve = deletion ? pair.deletion : pair.insertion;
        ASSERT_EQ(curve.score.size(), 8U);
        covered.cover_all(!deletion);
        std::int64_t taken = 0;
        double area = 0;
        for (std::size_t step = 0; step <= 7; ++step) {
          const auto end = static_cast<std::int64_t>(order.size() * step / 7);
          for (; taken < end; ++taken) covered.cover(order[static_cast<std::size_t>(taken)], deletion);
          EXPECT_EQ(curve.score[step], model->run(covered).logits[1]) << step;
          EXPECT_DOUBLE_EQ(curve.share[step], static_cast<double>(taken) / static_cast<double>(order.size()));
          if (step == 0) continue;
          area += (curve.share[step] - curve.share[step - 1]) * (curve.score[step] + curve.score[step - 1]) / 2;
        }
        EXPECT_DOUBLE_EQ(curve.area, area);
      }
    }
  }
  EXPECT_THROW(perturbation_curves(*model, source, {15}, 8), Error);
  EXPECT_THROW(perturbation_curves(*model, source, {-1}, 8), Error);
  EXPECT_THROW(perturbation_curves(*model, source, {0}, 0), Error);
  EXPECT_THROW(perturbation_curves(*model, source, {}, 8), Error);
  EXPECT_THROW(perturbation_curves(*model, source, {0}, 8, {.steps = 0}), Error);
  EXPECT_THROW(perturbation_curves(*model, source, {0}, 8, {.output = 2}), Error);
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

TEST_F(PerturbationTest, OrdersFollowTheirSeed) {
  const std::vector<std::int64_t> cells = numbers_to(50), one = shuffled_cells(cells, 1),
                                  two = shuffled_cells(cells, 2);
  EXPECT_NE(one, cells);
  EXPECT_NE(one, two);
  EXPECT_EQ(shuffled_cells(two, 1), one);
  std::vector<std::int64_t> sorted = one;
  std::ranges::sort(sorted);
  EXPECT_EQ(sorted, cells);
}

TEST_F(PerturbationTest, AMapIsHeldAgainstRandomOrders) {
  const Attribution found = attribute(*model, source, {.output = kPredictedOutput, .token_px = 4});
  std::vector<models::PixelMambaProgress> reports;
  PerturbationOptions options{.cell_px = 8, .steps = 3, .random_orders = 2, .seed = 5};
  options.run.progress = [&](const models::PixelMambaProgress& progress) { reports.push_back(progress); };
  const MapTest test = test_map(*model, source, found.maps.back(), options);
  EXPECT_EQ(test.output, found.output);
  EXPECT_EQ(test.squares, 15);
  ASSERT_EQ(test.random.size(), 2U);
  const std::vector<std::int64_t> ranked = ranked_cells(found.maps.back(), 8);
  const auto same = [&](const PerturbationPair& pair, const std::vector<std::int64_t>& order) {
    const PerturbationPair wanted = perturbation_curves(*model, source, order, 8, {.output = found.output, .steps = 3});
    EXPECT_EQ(pair.deletion.score, wanted.deletion.score);
    EXPECT_EQ(pair.insertion.score, wanted.insertion.score);
  };
  same(test.map, ranked);
  same(test.random[0], shuffled_cells(ranked, 5));
  same(test.random[1], shuffled_cells(ranked, 6));
  EXPECT_EQ(reports.back().stage, "perturbation");
  EXPECT_EQ(reports.back().done, 3 * 2 * 3);
  EXPECT_EQ(reports.back().total, 3 * 2 * 3);
  EXPECT_EQ(test_map(*model, source, found.maps.back(), {.steps = 1, .random_orders = 0}).cell_px, 4);
  RelevanceMap other = found.maps.back();
  ++other.columns;
  EXPECT_THROW(test_map(*model, source, other), Error);
  other = found.maps.back();
  std::ranges::fill(other.values, std::nanf(""));
  EXPECT_THROW(test_map(*model, source, other), Error);
  EXPECT_THROW(test_map(*model, source, found.maps.back(), {.random_orders = -1}), Error);
}

TEST_F(PerturbationTest, CanBeStopped) {
  const Attribution found = attribute(*model, source);
  CancelSource cancel;
  PerturbationOptions options;
  options.run.progress = [&](const models::PixelMambaProgress&) { cancel.cancel(); };
  EXPECT_THROW(test_map(*model, source, found.maps.back(), options, cancel.token()), Cancelled);
}

}  // namespace
}  // namespace histojet::explain
