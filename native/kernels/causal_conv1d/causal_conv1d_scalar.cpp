#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

void causal_conv1d(const CausalConv1dArgs& args) {
  for (std::int64_t t = 0; t < args.tokens; ++t) {
    const RowOut out{args.out.pixels + t * args.out_row_bytes, args.out.plane_bytes};
    for (std::int64_t c = 0; c < args.channels; ++c) {
      float sum = args.bias[c];
      for (std::int64_t j = 0; j < kCausalTaps; ++j) {
        const std::int64_t token = t - (kCausalTaps - 1) + j;
        if (token + args.tokens_before < 0) continue;
        const RowIn in{args.in.pixels + token * args.in_row_bytes, args.in.plane_bytes};
        sum += load(in, args.storage, c) * args.weights[j * args.channels + c];
      }
      store(out, args.storage, c, static_cast<float>(apply(args.activation, sum)));
    }
  }
}

}  // namespace histojet::kernels::scalar
