#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "explain/covered_regions.hpp"
#include "explain/occlusion.hpp"
#include "explain/pixel_attribution.hpp"
#include "explain/random_network.hpp"

namespace histojet::explain {
namespace {

using models::BackwardScope;
using models::MergeKind;
using models::PixelMambaConfig;
using models::ScanKind;

/// A configuration for each option, and one with several.
std::vector<PixelMambaConfig> configs() {
  PixelMambaConfig base = test::deep_config();
  for (auto& stage : base.stages) stage.bidirectional = tokens::Bidirectional::kV2;
  std::vector<PixelMambaConfig> all(9, base);
  for (auto& stage : all[0].stages) stage.mlp_ratio = 2;
  all[1].merge = MergeKind::kConcat1x2;
  all[2].region_tokens = true;
  all[3].merge = MergeKind::kTome;
  all[3].tome_window = 16;
  for (std::size_t i = 4; i < 8; ++i) {
    const bool cross = i == 4 || i == 7;
    for (auto& stage : all[i].stages) {
      stage.scan = cross ? ScanKind::kCross2d : i == 5 ? ScanKind::kScan2d : ScanKind::kWindow;
      if (cross) stage.d_conv = 3;
    }
  }
  all[7].stages[1].backward_scope = BackwardScope::kGlobal;
  all[8].merge = MergeKind::kConcat2x1;
  all[8].region_tokens = true;
  all[8].stages[0].pos = models::PositionKind::kNone;
  all[8].stages[1].scan = ScanKind::kScan2d;
  all[8].stages[1].pos = models::PositionKind::kSincos2d;
  return all;
}

/// Only what a covered square changes is computed, and the numbers are those of evaluations of everything.
TEST(OcclusionOptions, EveryConfigurationIsExplained) {
  const Image picture = test::wavy_picture(40, 24);
  for (const PixelMambaConfig& config : configs()) {
    SCOPED_TRACE(models::pixel_mamba_json(config));
    models::check_pixel_mamba(config);
    const auto model = test::formula_network(config);
    const models::PictureRegions source(config, picture);
    const Occlusion found =
        occlude(*model, source, {.output = 0, .coarsest_px = 16, .finest_px = 4, .most_evaluations = 24});
    EXPECT_EQ(found.score, model->run(source).logits[0]);
    EXPECT_GT(found.squares.size(), 6U);
    double largest = 0;
    for (const OccludedSquare& square : found.squares) {
      const CoveredSquare covered(config, source, square.x_px, square.y_px, square.side_px);
      ASSERT_EQ(square.change, model->run(covered).logits[0] - found.score) << square.x_px << " " << square.y_px;
      largest = std::max(largest, std::abs(square.change));
    }
    EXPECT_GT(largest, 0);
  }
}

TEST(OcclusionOptions, RollOutRefusesWhatItDoesNotFollow) {
  const Image picture = test::wavy_picture(24, 24);
  const std::vector<PixelMambaConfig> all = configs();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto model = test::formula_network(all[i]);
    const models::PictureRegions source(all[i], picture);
    if (i == 0) {
      const Attribution found = attribute(*model, source, {.output = 0});
      EXPECT_EQ(found.maps.size(), all[i].stages.size());
      for (const RelevanceMap& map : found.maps) {
        EXPECT_NEAR(map.sum, found.total, 1e-3 * (1 + std::abs(found.total))) << "stage " << map.stage;
      }
      continue;
    }
    try {
      attribute(*model, source, {.output = 0});
      ADD_FAILURE() << models::pixel_mamba_json(all[i]);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat) << error.what();
    }
  }
}

}  // namespace
}  // namespace histojet::explain
