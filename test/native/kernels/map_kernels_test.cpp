#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/head/head.hpp"
#include "kernels/image_to_float/image_to_float.hpp"
#include "kernels/max_pool2x2/max_pool2x2.hpp"
#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::Noise;

namespace {

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= detected_isa()) isas.push_back(isa);
  }
  return isas;
}

}  // namespace

TEST(Dispatch, MissingVariantsFallToTheNextLowerOne) {
  struct Args {};
  KernelTable<Args> table{.scalar = [](const Args&) {}};
  EXPECT_EQ(table.pick(Isa::kAvx512), table.scalar);
  table.avx2 = [](const Args&) {};
  EXPECT_EQ(table.pick(Isa::kAvx512), table.avx2);
  EXPECT_EQ(table.pick(Isa::kAmx), table.avx2);
  EXPECT_EQ(table.pick(Isa::kScalar), table.scalar);
}

TEST(ImageToFloat, DividesExactly) {
  for (const std::int64_t count : {0, 1, 7, 8, 9, 255, 256}) {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
    for (const Isa isa : available_isas()) {
      std::vector<float> out(static_cast<std::size_t>(count) + 1, -1.0f);
      kImageToFloat.pick(isa)({bytes.data(), out.data(), count});
      for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(out[i], static_cast<float>(bytes[i]) / 255.0f);
      EXPECT_EQ(out.back(), -1.0f);
    }
  }
}

TEST(MaxPool2x2, TakesTheLargestOfFour) {
  const std::int64_t width = 5;
  const std::int64_t channels = 32;
  Noise noise(3);
  const std::vector<float> top = noise.vector(2 * width * channels);
  const std::vector<float> bottom = noise.vector(2 * width * channels);
  for (const Isa isa : available_isas()) {
    std::vector<float> out(static_cast<std::size_t>(width * channels));
    kMaxPool2x2.pick(isa)({top.data(), bottom.data(), out.data(), width, channels});
    for (std::int64_t x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const auto left = static_cast<std::size_t>(2 * x * channels + c);
        const auto right = static_cast<std::size_t>((2 * x + 1) * channels + c);
        const float expected = std::max(std::max(top[left], top[right]), std::max(bottom[left], bottom[right]));
        ASSERT_EQ(out[static_cast<std::size_t>(x * channels + c)], expected);
      }
    }
  }
}

TEST(ResizeBilinear2x, FollowsHalfPixelCentresAndRepeatsTheBorder) {
  for (const std::int64_t width : {1, 2, 5}) {
    const std::int64_t channels = 16;
    Noise noise(4);
    const std::vector<float> near = noise.vector(width * channels);
    const std::vector<float> far = noise.vector(width * channels);
    for (const Isa isa : available_isas()) {
      std::vector<float> out(static_cast<std::size_t>(2 * width * channels));
      kResizeBilinear2x.pick(isa)({near.data(), far.data(), out.data(), width, channels});
      for (std::int64_t x = 0; x < 2 * width; ++x) {
        const double source = std::max(0.0, (x + 0.5) / 2 - 0.5);
        const auto x0 = static_cast<std::int64_t>(source);
        const std::int64_t x1 = std::min(x0 + 1, width - 1);
        const double share = source - static_cast<double>(x0);
        for (std::int64_t c = 0; c < channels; ++c) {
          const auto mix = [&](const std::vector<float>& row) {
            return (1 - share) * row[static_cast<std::size_t>(x0 * channels + c)] +
                   share * row[static_cast<std::size_t>(x1 * channels + c)];
          };
          ASSERT_NEAR(out[static_cast<std::size_t>(x * channels + c)], 0.75 * mix(near) + 0.25 * mix(far), 3e-7);
        }
      }
    }
  }
}

TEST(ClassProbability, IsAccurateAndNeverMovesADecision) {
  const float tiny = std::numeric_limits<float>::denorm_min();
  const std::vector<std::pair<float, float>> logits = {
      {0, 0},   {1, 1.0000001f}, {1.0000001f, 1}, {0, tiny},  {tiny, 0},       {-3, 4},   {4, -3},
      {0, 500}, {500, 0},        {0, 88},         {88, 0},    {-1e30f, 1e30f}, {0, 0.5f}, {0.5f, 0},
      {0, -20}, {0, 16.6f},      {0, 1e-9f},      {1e-9f, 0}, {-0.3f, 0.2f}};
  for (const Isa isa : available_isas()) {
    std::vector<float> row;
    for (const auto& [background, nucleus] : logits) row.insert(row.end(), {background, nucleus, NAN, NAN, NAN});
    std::vector<float> out(logits.size());
    kClassProbability.pick(isa)({row.data(), out.data(), static_cast<std::int64_t>(out.size()), 2, 5});
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double difference = static_cast<double>(logits[i].second) - logits[i].first;
      EXPECT_NEAR(out[i], 1.0 / (1.0 + std::exp(-difference)), 1.5e-7) << isa_name(isa) << " case " << i;
      EXPECT_EQ(out[i] > 0.5f, logits[i].second > logits[i].first) << isa_name(isa) << " case " << i;
      EXPECT_LE(out[i], 1.0f);
    }
  }
}

TEST(ClassProbability, MoreThanTwoClasses) {
  const float row[] = {1.0f, 2.0f, -0.5f, 0.25f, 3.0f, 0.0f};
  for (const Isa isa : available_isas()) {
    float out[2];
    kClassProbability.pick(isa)({row, out, 2, 3, 3});
    EXPECT_NEAR(out[0], std::exp(2.0) / (std::exp(1.0) + std::exp(2.0) + std::exp(-0.5)), 1e-6);
    EXPECT_NEAR(out[1], std::exp(3.0) / (std::exp(0.25) + std::exp(3.0) + 1.0), 1e-6);
  }
}

TEST(PlanarRow, SplitsChannels) {
  const float row[] = {1, 2, 9, 3, 4, 9, 5, 6, 9};
  std::vector<float> out(20, -1.0f);
  kPlanarRow.pick(active_isa())({row, out.data(), 3, 2, 3, 10});
  EXPECT_EQ(std::vector<float>(out.begin(), out.begin() + 4), (std::vector<float>{1, 3, 5, -1}));
  EXPECT_EQ(std::vector<float>(out.begin() + 10, out.begin() + 14), (std::vector<float>{2, 4, 6, -1}));
}
