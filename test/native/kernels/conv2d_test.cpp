#include "kernels/conv2d/conv2d.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/conv_reference.hpp"
#include "kernels/conv_transpose2x2/conv_transpose2x2.hpp"
#include "kernels/stored_row.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::DenseMap;
using histojet::test::Noise;

namespace {

/// A map as the kernels want it: rows with a halo of zeros, channels padded with NaN, which no kernel may use.
class KernelMap {
 public:
  KernelMap(const DenseMap& map, std::int64_t pixel_stride, std::int64_t halo)
      : stride_(pixel_stride), halo_(halo), row_floats_((map.width + 2 * halo) * pixel_stride) {
    const float poison = std::numeric_limits<float>::quiet_NaN();
    values_.assign(static_cast<std::size_t>((map.height + 1) * row_floats_ + 16), poison);
    for (std::int64_t y = 0; y <= map.height; ++y) {
      for (std::int64_t x = -halo; x < map.width + halo; ++x) {
        for (std::int64_t c = 0; c < map.channels; ++c) {
          values_[static_cast<std::size_t>(y * row_floats_ + (x + halo) * stride_ + c)] =
              y < map.height ? static_cast<float>(map.padded(y, x, c)) : 0.0f;
        }
      }
    }
    height_ = map.height;
  }
  /// Pixel -halo of row y; a row of zeros outside.
  const float* row(std::int64_t y) const {
    return values_.data() + (y < 0 || y >= height_ ? height_ : y) * row_floats_;
  }

 private:
  std::int64_t stride_;
  std::int64_t halo_;
  std::int64_t row_floats_;
  std::int64_t height_;
  std::vector<float> values_;
};

struct ConvCase {
  std::int64_t height, width;
  std::vector<ConvInput> inputs;
  std::int64_t out, kernel;
  bool relu;
  std::int64_t stride = 1;
};

/// One case of each width, for the blocks at the ends of rows.
std::vector<ConvCase> widths() {
  std::vector<ConvCase> cases;
  for (std::int64_t width = 1; width <= 60; ++width) cases.push_back({1, width, {{5, 16}}, 48, 1, width % 2 == 0});
  return cases;
}

/// Runs one variant on a case and compares with double precision; returns the results for comparing variants.
std::vector<float> run_case(const ConvCase& item, Isa isa) {
  Noise noise(static_cast<std::uint32_t>(item.width * 131 + item.kernel * 17 + item.out));
  const std::int64_t padding = item.kernel / 2;
  std::vector<DenseMap> maps;
  std::vector<KernelMap> kernel_maps;
  std::vector<std::int64_t> channels;
  std::int64_t in_channels = 0;
  for (const ConvInput& input : item.inputs) {
    maps.push_back(noise.map(item.height, item.width, input.channels));
    kernel_maps.emplace_back(maps.back(), input.pixel_stride, padding);
    channels.push_back(input.channels);
    in_channels += input.channels;
  }
  const std::vector<float> weight = noise.vector(item.out * in_channels * item.kernel * item.kernel);
  const std::vector<float> bias = noise.vector(item.out);
  const PackedMatrix packed = pack_conv2d(weight, bias, channels, item.kernel, conv2d_panel_columns(isa));
  std::vector<ConvInput> inputs = item.inputs;
  for (ConvInput& input : inputs) input.stride = item.stride;
  const std::vector<KStep> steps = conv2d_steps(inputs, item.kernel);
  const std::int64_t height = (item.height - 1) / item.stride + 1;
  const std::int64_t width = (item.width - 1) / item.stride + 1;

  const std::int64_t stride = packed.columns + 16;
  const std::int64_t count = height * width * stride;
  const auto out = make_aligned<float>(static_cast<std::size_t>(count));  // streams want cache lines
  std::fill_n(out.get(), count, -7.0f);
  std::vector<const float*> rows;
  std::vector<float*> out_rows;
  for (std::int64_t y = 0; y < height; ++y) {
    out_rows.push_back(out.get() + y * width * stride);
    for (const KernelMap& map : kernel_maps) {
      for (std::int64_t dy = 0; dy < item.kernel; ++dy) rows.push_back(map.row(y * item.stride - padding + dy));
    }
  }
  Conv2dArgs args{};
  args.rows = rows.data();
  args.out_rows = out_rows.data();
  args.row_count = height;
  args.rows_per_output = static_cast<std::int64_t>(item.inputs.size()) * item.kernel;
  args.width = width;
  args.out_pixel_stride = stride;
  args.steps = steps.data();
  args.step_count = static_cast<std::int64_t>(steps.size());
  args.k_total = packed.k_total;
  args.panels = packed.panels.get();
  args.panel_columns = packed.panel_columns;
  args.columns = packed.columns;
  args.bias = packed.bias.get();
  args.relu = item.relu;
  args.stream = item.width % 2 == 1;
  kConv2d.pick(isa)(args);

  const DenseMap expected = test::reference_conv(maps, weight, bias, item.kernel, padding, item.relu);
  const double bound = 2e-6 * std::sqrt(static_cast<double>(packed.k_total)) + 1e-6;
  std::vector<float> results;
  for (std::int64_t pixel = 0; pixel < height * width; ++pixel) {
    for (std::int64_t n = 0; n < stride; ++n) {
      const float value = out[static_cast<std::size_t>(pixel * stride + n)];
      if (n < item.out) {
        results.push_back(value);
        EXPECT_NEAR(value, expected.padded(pixel / width * item.stride, pixel % width * item.stride, n), bound)
            << "pixel " << pixel << " channel " << n;
      } else {
        EXPECT_EQ(value, n < packed.columns ? 0.0f : -7.0f) << "padding channel " << n;
      }
      if (testing::Test::HasFailure()) return results;
    }
  }
  return results;
}

const std::vector<ConvCase> kCases = {
    {3, 37, {{3, 3}}, 16, 3, true},                   // image rows
    {5, 31, {{3, 3}}, 16, 7, true},                   //
    {4, 61, {{16, 16}}, 16, 3, false},                // contiguous taps
    {2, 29, {{32, 32}}, 32, 7, true},                 //
    {2, 28, {{64, 64}}, 64, 3, false},                // exactly one block
    {2, 15, {{128, 128}}, 128, 3, true},              //
    {2, 33, {{16, 16}, {16, 16}}, 32, 3, true},       // two inputs instead of a concatenation
    {2, 33, {{32, 32}, {16, 16}}, 48, 3, true},       // of different strides; one panel and a half
    {3, 40, {{4, 16}, {4, 16}}, 4, 7, true},          // padded channels
    {3, 17, {{2, 16}}, 2, 3, true},                   //
    {2, 45, {{48, 48}}, 16, 1, false},                // no specialised stride
    {7, 1, {{16, 16}}, 16, 7, false},                 // narrower than any block
    {3, 3, {{5, 16}}, 33, 3, true},                   //
    {1, 5, {{16, 16}}, 64, 7, true},                  //
    {1, 13, {{16, 16}}, 16, 1, true},                 //
    {1, 27, {{16, 16}}, 16, 3, true},                 //
    {3, 59, {{16, 16}}, 16, 3, true, 2},              // stride 2
    {5, 31, {{64, 64}}, 32, 3, false, 2},             //
    {3, 57, {{32, 32}}, 48, 1, true, 2},              //
    {2, 60, {{256, 256}}, 16, 1, false, 2},           //
    {3, 37, {{3, 3}}, 64, 7, true, 2},                //
    {4, 43, {{20, 32}}, 32, 3, true, 3},              // padded channels
    {1, 29, {{256, 256}, {32, 32}}, 48, 3, true},     // very different pixels
    {2, 45, {{256, 256}, {32, 32}}, 32, 1, true, 2},  //
};

}  // namespace

TEST(Conv2d, EveryVariantAgreesWithDoublePrecision) {
  for (std::size_t i = 0; i < kCases.size(); ++i) {
    for (const Isa isa : available_isas()) {
      SCOPED_TRACE("case " + std::to_string(i) + " " + std::string(isa_name(isa)));
      run_case(kCases[i], isa);
    }
  }
}

TEST(Conv2d, Avx2AndAvx512AreBitIdentical) {
  if (detected_isa() < Isa::kAvx512) GTEST_SKIP() << "skipped: no AVX-512";
  for (const ConvCase& item : kCases) EXPECT_EQ(run_case(item, Isa::kAvx2), run_case(item, Isa::kAvx512));
  for (const ConvCase& item : widths()) EXPECT_EQ(run_case(item, Isa::kAvx2), run_case(item, Isa::kAvx512));
}

TEST(Conv2d, PadsPropagateNaNOnlyFromPixelsInTheWindow) {
  for (const Isa isa : available_isas()) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> in(16 * 4, 1.0f);
    in[16 * 3] = nan;
    const ConvInput input{16, 16};
    const std::int64_t channels = 16;
    const std::vector<float> weight(16 * 16, 1.0f);
    const std::vector<float> bias(16, 0.0f);
    const PackedMatrix packed = pack_conv2d(weight, bias, {&channels, 1}, 1, conv2d_panel_columns(isa));
    const std::vector<KStep> steps = conv2d_steps({&input, 1}, 1);
    std::vector<float> out(16 * 4);
    const float* row = in.data();
    float* out_row = out.data();
    kConv2d.pick(isa)({.rows = &row,
                       .out_rows = &out_row,
                       .row_count = 1,
                       .rows_per_output = 1,
                       .width = 4,
                       .out_pixel_stride = 16,
                       .steps = steps.data(),
                       .step_count = 1,
                       .k_total = 16,
                       .panels = packed.panels.get(),
                       .panel_columns = packed.panel_columns,
                       .columns = 16,
                       .bias = packed.bias.get(),
                       .relu = true});
    for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(out[i], 16.0f);
    for (std::size_t i = 48; i < 64; ++i) EXPECT_TRUE(std::isnan(out[i])) << isa_name(isa);
  }
}

TEST(ConvTranspose2x2, EveryVariantAgreesWithDoublePrecision) {
  const std::int64_t width = 19;
  for (const auto& [in_channels, out_channels] : {std::pair<std::int64_t, std::int64_t>{32, 16}, {16, 5}, {64, 32}}) {
    for (const Isa isa : available_isas()) {
      Noise noise(5);
      const DenseMap map = noise.map(1, width, in_channels);
      const KernelMap input(map, padded_channels(in_channels), 0);
      const std::vector<float> weight = noise.vector(in_channels * out_channels * 4);
      const std::vector<float> bias = noise.vector(out_channels);
      const auto packed = pack_conv_transpose2x2(weight, bias, in_channels, conv2d_panel_columns(isa));
      const ConvInput conv_input{in_channels, padded_channels(in_channels)};
      const std::vector<KStep> steps = conv2d_steps({&conv_input, 1}, 1);
      const std::int64_t stride = padded_channels(out_channels);
      for (std::int64_t a = 0; a < 2; ++a) {
        std::vector<float> out(static_cast<std::size_t>(2 * width * stride));
        const float* row = input.row(0);
        float* out_row = out.data();
        const PackedMatrix& half = packed[static_cast<std::size_t>(a)];
        kConv2d.pick(isa)({.rows = &row,
                           .out_rows = &out_row,
                           .row_count = 1,
                           .rows_per_output = 1,
                           .width = width,
                           .out_pixel_stride = 2 * stride,
                           .steps = steps.data(),
                           .step_count = static_cast<std::int64_t>(steps.size()),
                           .k_total = half.k_total,
                           .panels = half.panels.get(),
                           .panel_columns = half.panel_columns,
                           .columns = half.columns,
                           .bias = half.bias.get(),
                           .relu = false});
        for (std::int64_t x = 0; x < 2 * width; ++x) {
          for (std::int64_t n = 0; n < out_channels; ++n) {
            double sum = bias[static_cast<std::size_t>(n)];
            for (std::int64_t k = 0; k < in_channels; ++k) {
              sum += map.padded(0, x / 2, k) *
                     weight[static_cast<std::size_t>(((k * out_channels + n) * 2 + a) * 2 + x % 2)];
            }
            ASSERT_NEAR(out[static_cast<std::size_t>(x * stride + n)], sum, 2e-5) << isa_name(isa) << x << " " << n;
          }
        }
      }
    }
  }
}
