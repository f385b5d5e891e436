#include <cmath>
#include <limits>

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/softmax/softmax.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {
namespace {

void softmax_row(const SoftmaxArgs& args, const float* in, const RowOut& out) {
  const double scale = args.scale;
  double largest = -std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < args.columns; ++i) {
    if (!(scale * in[i] <= largest)) largest = scale * in[i];
  }
  const bool masked = largest == -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (std::int64_t i = 0; i < args.columns; ++i) sum += std::exp(scale * in[i] - largest);
  for (std::int64_t i = 0; i < padded_channels(args.columns); ++i) {
    const bool zero = masked || i >= args.columns;
    store(out, args.out_storage, i, zero ? 0.0f : static_cast<float>(std::exp(scale * in[i] - largest) / sum));
  }
}

}  // namespace

void softmax(const SoftmaxArgs& args) {
  for (std::int64_t y = 0; y < args.rows; ++y) {
    softmax_row(args, args.in + y * args.in_row_floats,
                {args.out.pixels + y * args.out_row_bytes, args.out.plane_bytes});
  }
}

}  // namespace histojet::kernels::scalar
