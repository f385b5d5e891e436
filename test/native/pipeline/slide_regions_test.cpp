#include "pipeline/slide_regions.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "pipeline/disc_slide.hpp"

namespace histojet::pipeline {
namespace {

using test::DiscSlide;

models::PixelMambaConfig small_config() {
  models::PixelMambaConfig config;
  config.mpp = 0.5;
  config.mean = {0.5F, 0.25F, 0.5F};
  config.std = {0.25F, 0.5F, 0.25F};
  config.pad_value = {7, 8, 9};
  config.region_size_px = 64;
  config.stages = {{.dim = 8, .d_state = 4},
                   {.dim = 12, .d_state = 4},
                   {.dim = 16, .d_state = 4, .backward_scope = models::BackwardScope::kGlobal}};
  return config;
}

std::vector<float> region(const SlideRegions& regions, std::int64_t index) {
  std::vector<float> pixels(3 * 64 * 64, -100);
  regions.read(index, pixels.data(), {});
  return pixels;
}

float normalized(std::uint8_t value, int channel) {
  const models::PixelMambaConfig config = small_config();
  return (static_cast<float>(value) / 255.0F - config.mean[channel]) / config.std[channel];
}

TEST(SlideRegions, AtTheSlidesOwnResolutionPixelsAreThoseOfTheSlide) {
  const auto slide = std::make_shared<DiscSlide>(200, 130, 0.5);
  const SlideRegions regions(slide, small_config(), {}, {});
  EXPECT_EQ(regions.width_px(), 200);
  EXPECT_EQ(regions.height_px(), 130);
  ASSERT_EQ(regions.regions().size(), 12U);
  EXPECT_EQ(regions.regions()[4], (tokens::GridCell{1, 3})) << "odd rows run backwards";
  const std::vector<float> pixels = region(regions, 4);
  const Image expected = slide->read_region({.x = 192, .y = 64, .width = 8, .height = 64});
  for (std::int64_t y = 0; y < 64; ++y) {
    for (std::int64_t x = 0; x < 64; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float pixel = pixels[3 * (y * 64 + x) + c];
        ASSERT_EQ(pixel, x < 8 ? normalized(expected.row(y)[3 * x + c], c) : 7.0F + static_cast<float>(c));
      }
    }
  }
}

TEST(SlideRegions, AFinerSlideIsAveragedAndAPartHasItsOwnCorner) {
  const auto slide = std::make_shared<DiscSlide>(400, 300, 0.25);
  const SlideRegions regions(slide, small_config(), {.region = slide::Rect{100, 40, 161, 1000}}, {});
  EXPECT_EQ(regions.part().width, 161);
  EXPECT_EQ(regions.part().height, 260);
  EXPECT_EQ(regions.width_px(), 81);
  EXPECT_EQ(regions.height_px(), 130);
  EXPECT_DOUBLE_EQ(regions.scale_x(), 2);
  const std::vector<float> pixels = region(regions, 0);
  const Image source = slide->read_region({.x = 100, .y = 40, .width = 2, .height = 2});
  const int mean = (source.data[1] + source.data[4] + source.data[7] + source.data[10] + 2) / 4;
  EXPECT_NEAR(pixels[1], normalized(static_cast<std::uint8_t>(mean), 1), 0.02);
}

TEST(SlideRegions, RegionsWithoutTissueAreLeftOut) {
  const auto slide = std::make_shared<DiscSlide>(256, 128, 0.5);
  tiles::TissueMask mask{.width = 8, .height = 4, .downsample = 32, .data = std::vector<std::uint8_t>(32, 0)};
  mask.data[0] = mask.data[1] = 1;  // half of the first region
  mask.data[2 * 8 + 7] = 1;         // a quarter of the last one
  SlideRegionsOptions options{.tissue = mask, .min_tissue = 0.25};
  const SlideRegions some(slide, small_config(), options, {});
  EXPECT_EQ(some.regions(), (std::vector<tokens::GridCell>{{0, 0}, {1, 3}}));
  EXPECT_TRUE(some.has_mask());
  EXPECT_TRUE(some.has_tissue(32, 0, 4));
  EXPECT_FALSE(some.has_tissue(32, 32, 4));
  options.min_tissue = 0.3;
  EXPECT_EQ(SlideRegions(slide, small_config(), options, {}).regions().size(), 1U);
  const auto model = models::PixelMamba::load(test::pixel_mamba_dict(small_config()), {});
  const models::PixelMambaResult result = model->run(some);
  EXPECT_EQ(result.regions, 2);
  EXPECT_EQ(result.regions_skipped, 6);
  EXPECT_EQ(result.tokens_pooled, 3 * 8 * 8) << "three squares of 32 px, tokens of 4 px";
}

TEST(SlideRegions, TheConfigurationSaysWhetherTissueIsLookedFor) {
  const auto slide = std::make_shared<DiscSlide>(256, 128, 0.5);
  models::PixelMambaConfig config = small_config();
  EXPECT_FALSE(SlideRegions(slide, config, {}, {}).has_mask());
  config.tissue = models::TissueRule::kOtsu;
  EXPECT_TRUE(SlideRegions(slide, config, {}, {}).has_mask());
  EXPECT_FALSE(SlideRegions(slide, config, {.find_tissue = false}, {}).has_mask());
  config.tissue = models::TissueRule::kProvided;
  EXPECT_THROW(SlideRegions(slide, config, {}, {}), Error);
  EXPECT_FALSE(SlideRegions(slide, config, {.find_tissue = false}, {}).has_mask());
}

TEST(SlideRegions, WhatCannotBeReadIsRefused) {
  const auto slide = std::make_shared<DiscSlide>(256, 128, 0.5);
  const auto unknown = std::make_shared<DiscSlide>(256, 128, std::nullopt);
  EXPECT_THROW(SlideRegions(unknown, small_config(), {}, {}), Error);
  EXPECT_THROW(SlideRegions(slide, small_config(), {.mpp = 1e-4}, {}), Error);
  for (const slide::Rect& rect : {slide::Rect{256, 0, 1, 1}, slide::Rect{0, 0, 0, 5}, slide::Rect{-5, -5, 5, 5}}) {
    EXPECT_THROW(SlideRegions(slide, small_config(), {.region = rect}, {}), Error);
  }
}

TEST(SlideRegions, RemoteSlidesHearOfRegionsBeforeTheyAreRead) {
  const auto slide = std::make_shared<DiscSlide>(640, 320, 0.5);
  slide->is_remote = true;
  const auto model = models::PixelMamba::load(test::pixel_mamba_dict(small_config()), {});
  model->run(SlideRegions(slide, small_config(), {}, {}));
  EXPECT_EQ(slide->reads_unannounced, 0);
  EXPECT_GE(slide->reads, 50);
}

TEST(SlideRegions, ASlideGivesWhatItsPictureGives) {
  const auto slide = std::make_shared<DiscSlide>(300, 200, 0.5);
  const models::PixelMambaConfig config = small_config();
  const auto model = models::PixelMamba::load(test::pixel_mamba_dict(config), {});
  const Image picture = slide->read_region({.width = 300, .height = 200});
  const auto expected = model->run(models::PictureRegions(config, picture));
  EXPECT_EQ(model->run(SlideRegions(slide, config, {}, {})).logits, expected.logits);
}

}  // namespace
}  // namespace histojet::pipeline
