#include <gtest/gtest.h>

#include <cmath>

#include "kernels/avg_pool/avg_pool.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/conv_reference.hpp"
#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"
#include "kernels/resize_bilinear/resize_bilinear.hpp"
#include "kernels/stored_matrix.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredMatrix;

namespace {

constexpr Storage kStorages[] = {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit};

double rounding(Storage storage) {
  return storage == Storage::kFloat32 ? 2e-6 : storage == Storage::kSplit ? 2e-5 : 4e-3;
}

/// A map whose rows are matrix rows, pixels side by side.
StoredMatrix random_map(Storage storage, std::int64_t height, std::int64_t width, std::int64_t channels) {
  Noise noise(static_cast<std::uint32_t>(height * 100 + width * 10 + channels));
  return {storage, height, width * channels, noise.vector(height * width * channels)};
}

RowIn in_row(const StoredMatrix& map, std::int64_t y) {
  return {map.row(y), map.plane_bytes()};
}
RowOut out_row(const StoredMatrix& map, std::int64_t y) {
  return {map.row(y), map.plane_bytes()};
}

double silu(double x) {
  return x / (1 + std::exp(-x));
}

}  // namespace

TEST(DepthwiseConv2d, EveryVariantAgreesWithDoublePrecision) {
  for (const std::int64_t kernel : {3, 5, 7}) {
    for (const std::int64_t stride : {1, 2}) {
      for (const std::int64_t width : {1, 2, 4, 7, 8, 19}) {
        const std::int64_t channels = width == 4 ? 80 : 16;
        const std::int64_t height = 2;
        const std::int64_t in_width = (width - 1) * stride + kernel;
        Noise noise(9);
        const std::vector<float> weights = noise.vector(kernel * kernel * channels);
        const std::vector<float> bias = noise.vector(channels);
        for (const Storage storage : kStorages) {
          const StoredMatrix in = random_map(storage, (height - 1) * stride + kernel, in_width, channels);
          std::vector<RowIn> rows;
          for (std::int64_t y = 0; y < height; ++y) {
            for (std::int64_t dy = 0; dy < kernel; ++dy) rows.push_back(in_row(in, y * stride + dy));
          }
          for (const Isa isa : available_isas()) {
            SCOPED_TRACE(std::string(isa_name(isa)) + " kernel " + std::to_string(kernel) + " stride " +
                         std::to_string(stride) + " width " + std::to_string(width));
            const StoredMatrix out(storage, height, width * channels, width * channels * 4 + 64);
            const RowOut out_rows[] = {out_row(out, 0), out_row(out, 1)};
            const bool active = width % 2 == 1;
            kDepthwiseConv2d.pick(isa)({.rows = rows.data(),
                                        .out_rows = out_rows,
                                        .row_count = height,
                                        .width = width,
                                        .kernel = kernel,
                                        .stride = stride,
                                        .channels = channels,
                                        .weights = weights.data(),
                                        .bias = bias.data(),
                                        .activation = active ? Activation::kSilu : Activation::kNone,
                                        .storage = storage});
            EXPECT_TRUE(out.is_poison_intact());
            for (std::int64_t y = 0; y < height; ++y) {
              for (std::int64_t i = 0; i < width * channels; ++i) {
                const std::int64_t c = i % channels;
                double sum = bias[static_cast<std::size_t>(c)];
                for (std::int64_t tap = 0; tap < kernel * kernel; ++tap) {
                  const std::int64_t x = i / channels * stride + tap % kernel;
                  sum += static_cast<double>(in.value(y * stride + tap / kernel, x * channels + c)) *
                         weights[static_cast<std::size_t>(tap * channels + c)];
                }
                ASSERT_NEAR(out.value(y, i), active ? silu(sum) : sum, rounding(storage) * (1 + std::abs(sum))) << i;
              }
            }
          }
        }
      }
    }
  }
}

TEST(CausalConv1d, EveryVariantAndSplitAgreesWithDoublePrecision) {
  for (const std::int64_t tokens : {1, 2, 3, 4, 5, 11, 16}) {
    const std::int64_t channels = tokens == 5 ? 112 : 32;
    Noise noise(4);
    const std::vector<float> weights = noise.vector(4 * channels);
    const std::vector<float> bias = noise.vector(channels);
    for (const Storage storage : kStorages) {
      const StoredMatrix in = random_map(storage, tokens, 1, channels);
      for (const Isa isa : available_isas()) {
        for (const std::int64_t split : {tokens, std::int64_t{1}, std::int64_t{3}}) {
          SCOPED_TRACE(std::string(isa_name(isa)) + " tokens " + std::to_string(tokens));
          const StoredMatrix out(storage, tokens, channels, channels * 4 + 64);
          for (std::int64_t first = 0; first < tokens; first += split) {
            kCausalConv1d.pick(isa)({.in = in_row(in, first),
                                     .out = out_row(out, first),
                                     .in_row_bytes = in.row_bytes(),
                                     .out_row_bytes = out.row_bytes(),
                                     .tokens = std::min(split, tokens - first),
                                     .tokens_before = first,
                                     .channels = channels,
                                     .weights = weights.data(),
                                     .bias = bias.data(),
                                     .activation = Activation::kSilu,
                                     .storage = storage});
          }
          EXPECT_TRUE(out.is_poison_intact());
          for (std::int64_t t = 0; t < tokens; ++t) {
            for (std::int64_t c = 0; c < channels; ++c) {
              double sum = bias[static_cast<std::size_t>(c)];
              for (std::int64_t j = t < 3 ? 3 - t : 0; j < 4; ++j) {
                sum +=
                    static_cast<double>(in.value(t - 3 + j, c)) * weights[static_cast<std::size_t>(j * channels + c)];
              }
              ASSERT_NEAR(out.value(t, c), silu(sum), rounding(storage) * (1 + std::abs(sum))) << t << " " << c;
            }
          }
        }
      }
    }
  }
}

TEST(CausalConv1d, SplitsGiveTheSameBits) {
  const std::int64_t tokens = 13;
  const std::int64_t channels = 48;
  const std::vector<float> weights = Noise(1).vector(4 * channels);
  const std::vector<float> bias = Noise(2).vector(channels);
  for (const Storage storage : kStorages) {
    const StoredMatrix in = random_map(storage, tokens, 1, channels);
    for (const Isa isa : available_isas()) {
      std::vector<std::byte> whole;
      for (const std::int64_t split : {tokens, std::int64_t{1}, std::int64_t{5}}) {
        const StoredMatrix out(storage, tokens, channels, 256);
        for (std::int64_t first = 0; first < tokens; first += split) {
          kCausalConv1d.pick(isa)({in_row(in, first), out_row(out, first), in.row_bytes(), out.row_bytes(),
                                   std::min(split, tokens - first), first, channels, weights.data(), bias.data(),
                                   Activation::kSilu, storage});
        }
        if (whole.empty()) whole = out.bytes();
        EXPECT_TRUE(out.bytes() == whole) << isa_name(isa) << " split " << split;
      }
    }
  }
}

TEST(AvgPool, WindowsAtTheBorderAndGlobalMeans) {
  struct PoolCase {
    std::int64_t height, in_width, out_width, window, stride, padding, divisor, channels;
  };
  for (const PoolCase& item : std::vector<PoolCase>{{2, 8, 4, 2, 2, 0, 0, 16},
                                                    {3, 9, 5, 3, 2, 1, 9, 32},
                                                    {3, 9, 5, 3, 2, 1, 0, 80},
                                                    {7, 7, 1, 7, 1, 0, 0, 144},
                                                    {31, 200, 1, 200, 1, 0, 0, 64},
                                                    {1, 5, 6, 4, 1, 2, 4, 16}}) {
    for (const Storage from : kStorages) {
      const StoredMatrix in = random_map(from, item.height, item.in_width, item.channels);
      std::vector<RowIn> rows;
      for (std::int64_t y = 0; y < item.height; ++y) rows.push_back(in_row(in, y));
      for (const Storage to : kStorages) {
        for (const Isa isa : available_isas()) {
          const StoredMatrix out(to, 1, item.out_width * item.channels, item.out_width * item.channels * 4 + 64);
          kAvgPool.pick(isa)({.rows = rows.data(),
                              .row_count = item.height,
                              .out = out_row(out, 0),
                              .in_width = item.in_width,
                              .out_width = item.out_width,
                              .window = item.window,
                              .stride = item.stride,
                              .padding = item.padding,
                              .divisor = item.divisor,
                              .channels = item.channels,
                              .in_storage = from,
                              .out_storage = to});
          EXPECT_TRUE(out.is_poison_intact());
          for (std::int64_t i = 0; i < item.out_width * item.channels; ++i) {
            const std::int64_t left = i / item.channels * item.stride - item.padding;
            double sum = 0;
            std::int64_t count = 0;
            for (std::int64_t y = 0; y < item.height; ++y) {
              for (std::int64_t x = left; x < left + item.window; ++x) {
                if (x < 0 || x >= item.in_width) continue;
                sum += in.value(y, x * item.channels + i % item.channels);
                ++count;
              }
            }
            const double wanted = sum / static_cast<double>(item.divisor == 0 ? count : item.divisor);
            ASSERT_NEAR(out.value(0, i), wanted, rounding(to) * (0.1 + std::abs(wanted))) << isa_name(isa) << " " << i;
          }
        }
      }
    }
  }
}

TEST(ResizeBilinear, TapsFollowTheDefinition) {
  const std::vector<ResizeTap> twice = resize_taps(3, 6, false);
  EXPECT_EQ(twice[0].first, 0);
  EXPECT_EQ(twice[0].second_share, 0.0f);  // the border is repeated
  EXPECT_EQ(twice[1].second_share, 0.25f);
  EXPECT_EQ(twice[2].first, 0);
  EXPECT_EQ(twice[2].second_share, 0.75f);
  EXPECT_EQ(twice[5].first, 2);
  EXPECT_EQ(twice[5].second, 2);
  const std::vector<ResizeTap> corners = resize_taps(3, 5, true);
  EXPECT_EQ(corners[0].second_share, 0.0f);
  EXPECT_EQ(corners[1].second_share, 0.5f);
  EXPECT_EQ(corners[4].first, 2);
  EXPECT_EQ(corners[4].second_share, 0.0f);
  EXPECT_EQ(resize_taps(7, 1, true)[0].first, 0);
  EXPECT_EQ(resize_taps(7, 1, false)[0].first, 3);
}

TEST(ResizeBilinear, EveryVariantAgreesWithDoublePrecision) {
  for (const auto& [in_width, out_width] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {1, 5}, {7, 3}, {5, 13}, {16, 24}, {14, 14}}) {
    for (const bool align_corners : {false, true}) {
      const std::int64_t channels = in_width == 5 ? 48 : 16;
      const std::vector<ResizeTap> taps = resize_taps(in_width, out_width, align_corners);
      for (const Storage storage : kStorages) {
        const StoredMatrix in = random_map(storage, 2, in_width, channels);
        for (const Isa isa : available_isas()) {
          const StoredMatrix out(storage, 1, out_width * channels, out_width * channels * 4 + 64);
          kResizeBilinear.pick(isa)({.first = in_row(in, 0),
                                     .second = in_row(in, 1),
                                     .second_share = 0.3f,
                                     .out = out_row(out, 0),
                                     .columns = taps.data(),
                                     .out_width = out_width,
                                     .channels = channels,
                                     .storage = storage});
          EXPECT_TRUE(out.is_poison_intact());
          for (std::int64_t i = 0; i < out_width * channels; ++i) {
            const std::int64_t x = i / channels;
            const double scale = align_corners ? (out_width > 1 ? (in_width - 1.0) / (out_width - 1.0) : 0.0)
                                               : static_cast<double>(in_width) / out_width;
            const double at = align_corners ? x * scale : std::max(0.0, (x + 0.5) * scale - 0.5);
            const auto left = std::min(static_cast<std::int64_t>(at), in_width - 1);
            const std::int64_t right = std::min(left + 1, in_width - 1);
            const double share = at - static_cast<double>(left);
            const auto mixed = [&](std::int64_t y) {
              return (1 - share) * in.value(y, left * channels + i % channels) +
                     share * in.value(y, right * channels + i % channels);
            };
            const double wanted = 0.7 * mixed(0) + 0.3 * mixed(1);
            ASSERT_NEAR(out.value(0, i), wanted, rounding(storage)) << isa_name(isa) << " " << i;
          }
        }
      }
    }
  }
}
