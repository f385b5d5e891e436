#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {
namespace {

float output_value(const DepthwiseConv2dArgs& args, const RowIn* rows, std::int64_t x, std::int64_t c) {
  float sum = args.bias[c];
  for (std::int64_t dy = 0; dy < args.kernel; ++dy) {
    for (std::int64_t dx = 0; dx < args.kernel; ++dx) {
      const float in = load(rows[dy], args.storage, (x * args.stride + dx) * args.channels + c);
      sum += in * args.weights[(dy * args.kernel + dx) * args.channels + c];
    }
  }
  return static_cast<float>(apply(args.activation, sum));
}

}  // namespace

void depthwise_conv2d(const DepthwiseConv2dArgs& args) {
  for (std::int64_t y = 0; y < args.row_count; ++y) {
    for (std::int64_t x = 0; x < args.width; ++x) {
      for (std::int64_t c = 0; c < args.channels; ++c) {
        const float value = output_value(args, args.rows + y * args.kernel, x, c);
        store(args.out_rows[y], args.storage, x * args.channels + c, value);
      }
    }
  }
}

}  // namespace histojet::kernels::scalar
