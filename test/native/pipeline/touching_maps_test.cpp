#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "disc_slide.hpp"
#include "models/tile_sides.hpp"
#include "nuclei/postprocess.hpp"
#include "pipeline/slide_windows.hpp"
#include "pipeline/tiled_prediction.hpp"
#include "running.hpp"
#include "typed_disc_network.hpp"

using namespace histojet;
using namespace histojet::pipeline;
using test::DiscSlide;
using test::Outcome;
using test::run_all;
using test::TypedDiscNetwork;
using test::whole_slide;

namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "nothing thrown";
}

void expect_equal(const nuclei::NucleusList& a, const nuclei::NucleusList& b) {
  EXPECT_EQ(a.centroids, b.centroids);
  EXPECT_EQ(a.boxes, b.boxes);
  EXPECT_EQ(a.areas, b.areas);
  EXPECT_EQ(a.types, b.types);
  EXPECT_EQ(a.type_probabilities, b.type_probabilities);
  EXPECT_EQ(a.contour_starts, b.contour_starts);
  EXPECT_EQ(a.contour_points, b.contour_points);
}

/// Each disc found once, with its type.
void expect_every_disc(const DiscSlide& slide, const nuclei::NucleusList& nuclei) {
  std::set<std::pair<std::int64_t, std::int64_t>> cells;
  ASSERT_EQ(nuclei.types.size(), nuclei.size());
  ASSERT_EQ(nuclei.type_probabilities.size(), nuclei.size());
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    const std::int64_t column = static_cast<std::int64_t>(nuclei.centroids[2 * i]) / DiscSlide::kCell;
    const std::int64_t row = static_cast<std::int64_t>(nuclei.centroids[2 * i + 1]) / DiscSlide::kCell;
    EXPECT_TRUE(cells.insert({column, row}).second) << "disc " << column << ", " << row << " found twice";
    EXPECT_EQ(nuclei.types[i], DiscSlide::type(column, row)) << "disc " << column << ", " << row;
    EXPECT_GT(nuclei.type_probabilities[i], 0.7f);
    EXPECT_LT(nuclei.type_probabilities[i], 0.99f);
  }
  EXPECT_EQ(static_cast<std::int64_t>(cells.size()), slide.disc_count());
}

}  // namespace

TEST(TileSides, AreThoseThatTheNetworkAllows) {
  const models::NetworkInfo network = TypedDiscNetwork().info();
  EXPECT_EQ(models::allowed_sides(network), "multiples of 8 plus 6 from 62 on");
  EXPECT_EQ(models::largest_side_up_to(network, 512), 510);
  EXPECT_EQ(models::largest_side_up_to(network, 510), 510);
  EXPECT_EQ(models::largest_side_up_to(network, 62), 62);
  EXPECT_EQ(models::smallest_side_from(network, 1), 62);
  EXPECT_EQ(models::smallest_side_from(network, 63), 70);
  EXPECT_EQ(models::smallest_side_from(network, 70), 70);
  EXPECT_TRUE(models::is_allowed_side(network, 70));
  EXPECT_FALSE(models::is_allowed_side(network, 71));
  EXPECT_FALSE(models::is_allowed_side(network, 54));
}

TEST(TilePlan, MapsTouchAndCoverWhatIsWanted) {
  const models::NetworkInfo network = TypedDiscNetwork().info();
  for (const std::int64_t tile_size : {62, 69, 256, 270, 512, 1024, 4096}) {
    for (const std::int64_t length : {1, 20, 228, 229, 1152, 4224}) {
      const TilePlan plan = plan_tiles(network, length, 1152, tile_size, TileMargin::kReference);
      EXPECT_TRUE(models::is_allowed_side(network, plan.tile_height())) << plan.tile_height();
      EXPECT_TRUE(models::is_allowed_side(network, plan.tile_width())) << plan.tile_width();
      EXPECT_LE(plan.tile_height(), tile_size);
      EXPECT_GE(plan.tile_height(), std::min<std::int64_t>(tile_size - 7, network.default_tile_px));
      EXPECT_EQ(plan.margin, TypedDiscNetwork::kMargin);
      EXPECT_EQ(plan.map_margin, 0);
      EXPECT_GE(plan.rows * plan.clean_height, length);
      EXPECT_LT((plan.rows - 1) * plan.clean_height, length) << "a row of tiles without use";
    }
  }
  // Two rows are needed; they are no higher than that takes.
  EXPECT_EQ(plan_tiles(network, 1152, 1152, 1024, TileMargin::kReference).tile_height(), 622);
}

TEST(TilePlan, InteriorsLieOnTheGridWithTheWholeFieldAround) {
  const models::NetworkInfo network = TypedDiscNetwork().info();
  for (const std::int64_t tile_size : {256, 270, 512, 1024, 4096}) {
    for (const std::int64_t length : {1, 20, 228, 229, 1152, 4224}) {
      const TilePlan plan = plan_tiles(network, length, 1152, tile_size);
      EXPECT_TRUE(models::is_allowed_side(network, plan.tile_height())) << plan.tile_height();
      EXPECT_TRUE(models::is_allowed_side(network, plan.tile_width())) << plan.tile_width();
      EXPECT_LE(plan.tile_height(), tile_size);
      EXPECT_EQ(plan.margin, network.margin_px);
      EXPECT_EQ(plan.map_margin, TypedDiscNetwork::kRim);
      EXPECT_EQ(plan.clean_height % network.origin_multiple, 0);
      EXPECT_EQ(plan.clean_width % network.origin_multiple, 0);
      EXPECT_GE(plan.rows * plan.clean_height, length);
      EXPECT_LT((plan.rows - 1) * plan.clean_height, length) << "a row of tiles without use";
    }
  }
}

TEST(TilePlan, InteriorsStayLargerThanTilesThatAreNearlyAllMargin) {
  models::NetworkInfo network = TypedDiscNetwork().info();
  network.margin_px = 159;
  EXPECT_EQ(plan_tiles(network, 1152, 1152, 256).clean_height, 128);
  network.min_side_px = 598;
  EXPECT_EQ(plan_tiles(network, 1152, 1152, 256).tile_height(), 598);
}

TEST(TilePlan, SizeBelowTheSmallestSideIsRefused) {
  const models::NetworkInfo network = TypedDiscNetwork().info();
  const std::string message = message_of([&] { plan_tiles(network, 100, 100, 61, TileMargin::kReference); });
  EXPECT_NE(message.find("multiples of 8 plus 6 from 62 on"), std::string::npos) << message;
}

TEST(TilePlan, NetworksThatPadKeepTheirs) {
  models::NetworkInfo network;
  network.margin_px = 61;
  network.origin_multiple = 4;
  const TilePlan plan = plan_tiles(network, 1152, 4224, 1280);
  EXPECT_EQ(plan.margin, 64);
  EXPECT_EQ(plan.map_margin, 64);
  EXPECT_EQ(plan.rows, 1);
  EXPECT_EQ(plan.clean_height, 1152);
  EXPECT_EQ(plan.columns, 4);
  EXPECT_EQ(plan.clean_width, 1056);
}

TEST(SegmentSlideTyped, FindsEveryDiscOnceWhateverTheThreadsAndTiles) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2200, 0.25);
  Outcome first;
  for (const auto& [threads, tile] : {std::pair(1, 0), std::pair(2, 0), std::pair(2, 256), std::pair(1, 300),
                                      std::pair(2, 1024), std::pair(1, 4096)}) {
    const auto network = std::make_shared<TypedDiscNetwork>();
    SegmentSlideOptions options = whole_slide();
    options.threads = threads;
    options.tile_size = tile;
    const Outcome outcome = run_all(slide, network, options);
    ASSERT_FALSE(outcome.failure);
    expect_every_disc(*slide, outcome.nuclei);
    EXPECT_LE(network->largest_side, tile == 0 ? 512 : tile);
    if (first.nuclei.size() == 0) first = outcome;
    expect_equal(outcome.nuclei, first.nuclei);
  }
}

TEST(SegmentSlideTyped, EqualsPredictionAndPostprocessingByHand) {
  const auto slide = std::make_shared<DiscSlide>(900, 700, 0.25);  // one window
  const auto network = std::make_shared<TypedDiscNetwork>();
  const Outcome outcome = run_all(slide, network, whole_slide());
  ASSERT_GT(outcome.nuclei.size(), 0u);

  // The same window in one tile: 1152 px and the margin, rounded up to a side that the network takes.
  constexpr std::int64_t rim = TypedDiscNetwork::kRim;
  const std::int64_t margin = network->info().margin_px;
  const std::int64_t side = models::smallest_side_from(network->info(), kWindow_px + 2 * margin);
  const std::int64_t corner = -kContext_px - margin;
  const Image window = slide->read_region({.x = corner, .y = corner, .width = side, .height = side});
  const auto session = network->make_session(side, side);
  Maps maps;
  network->predict(*session, window, maps, 1, {});
  Maps cut{.height = kWindow_px, .width = kWindow_px};
  for (std::int64_t row = 0; row < 2 * kWindow_px; ++row) {
    const std::int64_t from = (row / kWindow_px * maps.height + row % kWindow_px + rim) * maps.width + rim;
    cut.hv.insert(cut.hv.end(), maps.hv.begin() + from, maps.hv.begin() + from + kWindow_px);
    if (row >= kWindow_px) continue;
    cut.np.insert(cut.np.end(), maps.np.begin() + from, maps.np.begin() + from + kWindow_px);
    cut.tp.insert(cut.tp.end(), maps.tp.begin() + from, maps.tp.begin() + from + kWindow_px);
  }
  auto expected = nuclei::postprocess(cut, {}).nuclei;
  expected.transform(1, 1, -kContext_px, -kContext_px, 0.25 * 0.25);
  expect_equal(outcome.nuclei, expected);
}

TEST(SegmentSlideTyped, TypesPassThroughRegions) {
  const auto slide = std::make_shared<DiscSlide>(2500, 2500, 0.25);
  SegmentSlideOptions options = whole_slide();
  options.region = slide::Rect{960, 960, 480, 240};  // cells 20..29 by 20..24, across a corner of four windows
  const Outcome outcome = run_all(slide, std::make_shared<TypedDiscNetwork>(), options);
  ASSERT_EQ(outcome.nuclei.size(), 50u);
  ASSERT_EQ(outcome.nuclei.types.size(), 50u);
  for (std::size_t i = 0; i < 50; ++i) {
    const auto column = static_cast<std::int64_t>(outcome.nuclei.centroids[2 * i]) / DiscSlide::kCell;
    const auto row = static_cast<std::int64_t>(outcome.nuclei.centroids[2 * i + 1]) / DiscSlide::kCell;
    EXPECT_EQ(outcome.nuclei.types[i], DiscSlide::type(column, row));
  }
}

TEST(SegmentSlideTyped, CompatTakesTheReferencesTiles) {
  const auto slide = std::make_shared<DiscSlide>(600, 600, 0.25);
  const auto network = std::make_shared<TypedDiscNetwork>();
  SegmentSlideOptions options = whole_slide();
  options.postprocess.compat = true;
  EXPECT_GT(run_all(slide, network, options).nuclei.size(), 0u);
  EXPECT_EQ(network->smallest_side, 270);
  EXPECT_EQ(network->largest_side, 270);
}

TEST(SegmentSlideTyped, TileSizeThatTheNetworkHasNoSideForIsRefusedAtOnce) {
  const auto network = std::make_shared<TypedDiscNetwork>();
  network->info().min_side_px = 398;
  SegmentSlideOptions options = whole_slide();
  options.tile_size = 300;
  options.postprocess.compat = true;
  const std::string message =
      message_of([&] { SlideRun::start(std::make_shared<DiscSlide>(600, 600, 0.25), network, options, {}); });
  EXPECT_NE(message.find("multiples of 8 plus 6 from 398 on"), std::string::npos) << message;
}

TEST(PredictMaps, OfANetworkWithAMarginCoverThePicture) {
  const DiscSlide slide(600, 600, 0.25);
  const auto network = std::make_shared<TypedDiscNetwork>();
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(97, 240), std::pair(600, 97)}) {
    const Image image = slide.read_region({.width = width, .height = height});
    models::SessionPool sessions(network);
    const Maps maps = predict_maps(sessions, image, Stain::kHe, {});
    ASSERT_EQ(maps.width, width);
    ASSERT_EQ(maps.height, height);
    for (std::int64_t i = 0; i < height * width; ++i) {
      const bool nucleus = image.data[3 * i + 2] < 128;
      EXPECT_EQ(maps.np[i] > 0.5f, nucleus) << "pixel " << i;
      const int type = nucleus && image.data[3 * i] > 30 ? image.data[3 * i + 2] + 1 : 0;
      ASSERT_EQ(maps.tp[i], type) << "pixel " << i;
    }
  }
}
