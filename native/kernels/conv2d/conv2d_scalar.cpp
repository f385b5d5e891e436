#include "kernels/conv2d/conv2d.hpp"

namespace histojet::kernels::scalar {
namespace {

float output_value(const Conv2dArgs& args, const float* const* rows, std::int64_t x, std::int64_t n, float addend) {
  const std::int64_t panel_start = n / args.panel_columns * args.panel_columns;
  const std::int64_t remaining = args.columns - panel_start;
  const std::int64_t panel_width = remaining < args.panel_columns ? remaining : args.panel_columns;
  const float* weight = args.panels + panel_start * args.k_total + (n - panel_start);
  float sum = args.bias[n] + addend;
  for (std::int64_t s = 0; s < args.step_count; ++s) {
    const KStep& step = args.steps[s];
    const float* in = rows[step.row] + step.offset + x * step.pixel_stride;
    for (std::int32_t k = 0; k < step.length; ++k) {
      sum += in[k] * *weight;
      weight += panel_width;
    }
  }
  return args.relu && sum < 0.0f ? 0.0f : sum;
}

}  // namespace

void conv2d(const Conv2dArgs& args) {
  for (std::int64_t y = 0; y < args.row_count; ++y) {
    const float* const* rows = args.rows + y * args.rows_per_output;
    for (std::int64_t x = 0; x < args.width; ++x) {
      float* out = args.out_rows[y] + x * args.out_pixel_stride;
      for (std::int64_t n = 0; n < args.columns; ++n) {
        const float addend = args.addend_rows == nullptr ? 0.0f : args.addend_rows[y][x * args.out_pixel_stride + n];
        out[n] = output_value(args, rows, x, n, addend);
      }
    }
  }
}

}  // namespace histojet::kernels::scalar
