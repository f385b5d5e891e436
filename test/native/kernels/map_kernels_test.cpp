#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/head/head.hpp"
#include "kernels/image_to_float/image_to_float.hpp"
#include "kernels/max_pool2x2/max_pool2x2.hpp"
#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"
#include "kernels/stored_row.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredRow;

namespace {

/// numpy.argmax.
std::int64_t argmax(const float* values, std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) {
    if (std::isnan(values[c])) return c;
  }
  return std::max_element(values, values + count) - values;
}

}  // namespace

TEST(Dispatch, MissingVariantsFallToTheNextLowerOne) {
  struct Args {};
  KernelTable<Args> table{.scalar = [](const Args&) {}};
  EXPECT_EQ(table.pick(Isa::kAvx512), table.scalar);
  table.avx2 = [](const Args&) {};
  EXPECT_EQ(table.pick(Isa::kAvx512), table.avx2);
  EXPECT_EQ(table.pick(Isa::kAmx), table.avx2);
  table.avx512bf16 = [](const Args&) {};
  EXPECT_EQ(table.pick(Isa::kAvx512), table.avx2);
  EXPECT_EQ(table.pick(Isa::kAvx512Bf16), table.avx512bf16);
  EXPECT_EQ(table.pick(Isa::kAmx), table.avx512bf16);
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

TEST(MaxPool2x2, NaNWinsWhereverItStands) {
  const std::int64_t channels = 16;
  for (std::size_t place = 0; place < 4; ++place) {
    std::vector<float> rows(4 * channels, 1.0f);
    rows[place * channels + 5] = std::numeric_limits<float>::quiet_NaN();
    for (const Isa isa : available_isas()) {
      std::vector<float> out(channels);
      kMaxPool2x2.pick(isa)({rows.data(), rows.data() + 2 * channels, out.data(), 1, channels});
      for (std::size_t c = 0; c < channels; ++c) EXPECT_EQ(std::isnan(out[c]), c == 5) << isa_name(isa) << place;
    }
  }
}

TEST(MaxPool2x2Bf16, EveryVariantStoresTheLargestOfFourAsItWas) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {0.0f, -0.0f, inf, -inf, 1.00390625f, 1.0039062f, 1.0039063f, -1e-30f};
  for (const Storage storage : {Storage::kBfloat16, Storage::kSplit}) {
    for (const auto& [width, channels] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 16}, {2, 16}, {9, 16}, {1, 32}, {5, 32}, {3, 48}, {3, 64}, {2, 80}}) {
      Noise noise(static_cast<std::uint32_t>(width * channels));
      std::vector<float> top = noise.vector(2 * width * channels);
      std::vector<float> bottom = noise.vector(2 * width * channels);
      for (std::size_t i = 0; i < top.size(); i += 3) {
        top[i] = special[i / 3 % special.size()];
        bottom[i] = special[i / 7 % special.size()];
        if (i % 5 == 0) bottom[i] = top[i] * 1.0001f;  // equal high halves
      }
      const StoredRow row0(storage, top);
      const StoredRow row1(storage, bottom);
      const auto run = [&](Isa isa) {
        StoredRow out(storage, width * channels);
        kMaxPool2x2Bf16.pick(isa)({row0.pixels(), row1.pixels(), out.pixels(), row0.plane_bytes(), out.plane_bytes(),
                                   width, channels, storage});
        return out;
      };
      const StoredRow wanted = run(Isa::kScalar);
      EXPECT_TRUE(wanted.is_poison_intact());
      for (std::int64_t i = 0; i < width * channels; ++i) {
        const std::int64_t left = 2 * (i / channels) * channels + i % channels;
        float largest = -inf;
        for (const StoredRow* row : {&row0, &row1}) {
          for (const std::int64_t at : {left, left + channels}) {
            // The sum of an infinity's halves is NaN.
            const float value = row->value(at);
            if (!std::isnan(value)) largest = std::max(largest, value);
          }
        }
        if (!std::isnan(wanted.value(i))) {
          EXPECT_EQ(wanted.value(i), largest);
        }
      }
      for (const Isa isa : available_isas()) {
        EXPECT_TRUE(run(isa).bytes() == wanted.bytes()) << isa_name(isa) << " " << width << " x " << channels;
      }
    }
  }
}

TEST(MaxPool2x2Bf16, VariantsAgreeOnAnyBits) {
  std::mt19937 engine(7);
  for (const Storage storage : {Storage::kBfloat16, Storage::kSplit}) {
    const std::int64_t width = 37;
    const std::int64_t channels = 48;
    const std::int64_t plane = 2 * width * channels * 2;
    std::vector<std::byte> rows(static_cast<std::size_t>(4 * plane));
    for (std::byte& byte : rows) byte = static_cast<std::byte>(engine());
    const auto run = [&](Isa isa) {
      std::vector<std::byte> out(static_cast<std::size_t>(plane), std::byte{0x5a});
      kMaxPool2x2Bf16.pick(isa)(
          {rows.data(), rows.data() + plane, out.data(), 2 * plane, plane / 2, width, channels, storage});
      return out;
    };
    for (const Isa isa : available_isas()) EXPECT_TRUE(run(isa) == run(Isa::kScalar)) << isa_name(isa);
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

TEST(ClassIndex, IsTheFirstOfTheLargestAndNaNCountsAsLarger) {
  const float inf = std::numeric_limits<float>::infinity();
  Noise noise(9);
  for (const std::int64_t classes : {1, 2, 6}) {
    for (const std::int64_t width : {1, 7, 8, 9, 40}) {
      const std::int64_t stride = classes + 3;
      std::vector<float> row = noise.vector(width * stride);
      for (std::size_t i = 0; i < row.size(); i += 4) row[i] = 0.5f;  // equals
      for (std::size_t i = 0; i < row.size(); i += 11) row[i] = NAN;
      for (std::size_t i = 0; i < row.size(); i += 13) row[i] = i % 2 == 0 ? inf : -inf;
      for (const Isa isa : available_isas()) {
        std::vector<float> out(static_cast<std::size_t>(width + 1), -7.0f);
        kClassIndex.pick(isa)({row.data(), out.data(), width, classes, stride});
        for (std::int64_t x = 0; x < width; ++x) {
          ASSERT_EQ(out[static_cast<std::size_t>(x)], argmax(row.data() + x * stride, classes)) << isa_name(isa) << x;
        }
        EXPECT_EQ(out.back(), -7.0f);
      }
    }
  }
}

TEST(PlanarRow, SplitsChannels) {
  const float row[] = {1, 2, 9, 3, 4, 9, 5, 6, 9};
  std::vector<float> out(20, -1.0f);
  kPlanarRow.pick(active_isa())({row, out.data(), 3, 2, 3, 10});
  EXPECT_EQ(std::vector<float>(out.begin(), out.begin() + 4), (std::vector<float>{1, 3, 5, -1}));
  EXPECT_EQ(std::vector<float>(out.begin() + 10, out.begin() + 14), (std::vector<float>{2, 4, 6, -1}));
}
