#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "explain/perturbation.hpp"
#include "explain/pixel_attribution.hpp"
#include "fixtures.hpp"
#include "pipeline/slide_regions.hpp"
#include "slide/synthetic.hpp"
#include "weights/state_dict.hpp"

namespace histojet {
namespace {

constexpr std::int64_t kCellPx = 16;

/// A slide of grade 2: clusters of both kinds, far apart.
class GradedSlide {
 public:
  explicit GradedSlide(std::uint64_t seed, const models::PixelMambaConfig& config) {
    path_ = std::filesystem::temp_directory_path() / ("histojet-attribution-" + std::to_string(seed) + ".tif");
    const slide::SyntheticParams params{
        .width = 1024, .height = 1024, .seed = seed, .mpp = 0.5, .tissue = 1, .grade = 2};
    clusters_ = slide::write_synthetic_slide(path_, params, "", {}, {}).clusters;
    regions_ = std::make_unique<pipeline::SlideRegions>(slide::Slide::open(path_), config,
                                                        pipeline::SlideRegionsOptions{}, CancelToken());
  }
  ~GradedSlide() { std::filesystem::remove(path_); }

  const pipeline::SlideRegions& regions() const { return *regions_; }
  /// Is there a cluster at this place of level 0?
  bool in_cluster(double x, double y) const {
    return std::ranges::any_of(clusters_, [&](const slide::TrueCluster& cluster) {
      return std::hypot(x - cluster.x, y - cluster.y) < cluster.radius_px;
    });
  }

 private:
  std::filesystem::path path_;
  std::vector<slide::TrueCluster> clusters_;
  std::unique_ptr<pipeline::SlideRegions> regions_;
};

struct Shares {
  double of_relevance = 0;
  double of_area = 0;
};

/// How much of what speaks for the output, and how much of the slide, lies in clusters.
Shares cluster_shares(const explain::RelevanceMap& map, const GradedSlide& slide) {
  const double token_x = static_cast<double>(map.token_px) * slide.regions().scale_x();
  const double token_y = static_cast<double>(map.token_px) * slide.regions().scale_y();
  double inside = 0, all = 0, area = 0;
  for (std::int64_t y = 0; y < map.rows; ++y) {
    for (std::int64_t x = 0; x < map.columns; ++x) {
      const double value = std::max(0.0F, map.values[static_cast<std::size_t>(y * map.columns + x)]);
      const bool cluster =
          slide.in_cluster((static_cast<double>(x) + 0.5) * token_x, (static_cast<double>(y) + 0.5) * token_y);
      all += value;
      inside += cluster ? value : 0;
      area += cluster ? 1 : 0;
    }
  }
  return {inside / all, area / static_cast<double>(map.rows * map.columns)};
}

class PixelAttributionSynthetic : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = test::own_fixture("../../weights/pixel-mamba-synthetic.safetensors");
    if (!std::filesystem::exists(path)) GTEST_SKIP() << "skipped: no " << path;
    model = models::PixelMamba::load(weights::StateDict::open(path), {});
    output = model->config().outputs - 1;  // is it of the highest grade?
  }
  /// Squares painted over, or uncovered, in the order of their relevance must move the output earlier than in random
  /// orders.
  void compare_with_random_orders(const GradedSlide& slide, const explain::RelevanceMap& map) const {
    const explain::MapTest test =
        explain::test_map(*model, slide.regions(), map,
                          {.output = output, .cell_px = kCellPx, .steps = 6, .random_orders = 2, .seed = 1});
    for (const explain::PerturbationPair& random : test.random) {
      EXPECT_LT(test.map.deletion.area, random.deletion.area);
      EXPECT_GT(test.map.insertion.area, random.insertion.area);
    }
  }

  std::shared_ptr<const models::PixelMamba> model;
  std::int64_t output = 0;
};

// The packaged network has learnt what the clusters mean; its maps must show them, and what they show must matter.
TEST_F(PixelAttributionSynthetic, PointsAtTheClusters) {
  Shares sum;
  for (const std::uint64_t seed : {7002, 7003}) {
    const GradedSlide slide(seed, model->config());
    const auto found = explain::attribute(*model, slide.regions(), {.output = output, .token_px = 8});
    const Shares shares = cluster_shares(found.maps.back(), slide);
    sum.of_relevance += shares.of_relevance / 2;
    sum.of_area += shares.of_area / 2;
    if (seed == 7003) compare_with_random_orders(slide, found.maps.back());
  }
  RecordProperty("share_of_relevance", std::to_string(sum.of_relevance));
  RecordProperty("share_of_area", std::to_string(sum.of_area));
  EXPECT_GT(sum.of_relevance, 2 * sum.of_area);
}

}  // namespace
}  // namespace histojet
