#include <gtest/gtest.h>

#include <algorithm>

#include "fixtures.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "slide/synthetic.hpp"
#include "weights/state_dict.hpp"

namespace histojet {
namespace {

/// A graded slide at twice the network's resolution, reduced by 2 x 2 means.
Image graded_picture(const slide::SyntheticScene& scene) {
  const auto& p = scene.params();
  const Image large = scene.render(0, 0, p.width, p.height);
  Image small(p.width / 2, p.height / 2, 3);
  for (std::int64_t y = 0; y < small.height; ++y) {
    for (std::int64_t i = 0; i < 3 * small.width; ++i) {
      const std::int64_t from = i / 3 * 6 + i % 3;
      const int sum = large.row(2 * y)[from] + large.row(2 * y)[from + 3] + large.row(2 * y + 1)[from] +
                      large.row(2 * y + 1)[from + 3];
      small.row(y)[i] = static_cast<std::uint8_t>((sum + 2) / 4);
    }
  }
  return small;
}

/// The packaged network must read what the synthetic slides show, which exercises every part of both.
TEST(PixelMambaSynthetic, GradesSlidesOfUnseenSeeds) {
  const auto network = models::PixelMamba::load(
      weights::StateDict::open(test::own_fixture("../../weights/pixel-mamba-synthetic.safetensors")), {});
  ASSERT_EQ(network->config().mpp, 2.0);
  int right = 0;
  constexpr int kSlides = 6;
  for (int i = 0; i < kSlides; ++i) {
    slide::SyntheticParams params;
    params.width = params.height = 512;
    params.mpp = 1;
    params.tissue = 1;
    params.seed = 5000 + static_cast<std::uint64_t>(i);
    params.grade = i % 3;
    const Image picture = graded_picture(*slide::SyntheticScene::create(params));
    const auto result = network->run(models::PictureRegions(network->config(), picture));
    const auto& p = result.head.probabilities;
    ASSERT_EQ(p.size(), 3u);
    right += std::max_element(p.begin(), p.end()) - p.begin() == params.grade;
  }
  EXPECT_GE(right, kSlides - 1);
}

}  // namespace
}  // namespace histojet
