#include <cmath>

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

void layer_norm(const LayerNormArgs& args) {
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const RowIn in{args.in.pixels + y * args.in_row_bytes, args.in.plane_bytes};
    const RowOut out{args.out.pixels + y * args.out_row_bytes, args.out.plane_bytes};
    double mean = 0;
    for (std::int64_t c = 0; c < args.channels; ++c) mean += load(in, args.in_storage, c);
    mean /= static_cast<double>(args.channels);
    double variance = 0;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const double difference = load(in, args.in_storage, c) - mean;
      variance += difference * difference;
    }
    variance /= static_cast<double>(args.channels);
    const double factor = 1 / std::sqrt(variance + args.epsilon);
    for (std::int64_t c = 0; c < padded_channels(args.channels); ++c) {
      double value = 0;
      if (c < args.channels) {
        value = (load(in, args.in_storage, c) - mean) * factor;
        if (args.gamma != nullptr) value *= args.gamma[c];
        if (args.beta != nullptr) value += args.beta[c];
      }
      store(out, args.out_storage, c, static_cast<float>(value));
    }
  }
}

}  // namespace histojet::kernels::scalar
