#include <cmath>

#include "kernels/conv2d/conv2d_pack.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

void rms_norm(const RmsNormArgs& args) {
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const RowIn in{args.in.pixels + y * args.in_row_bytes, args.in.plane_bytes};
    const RowOut out{args.out.pixels + y * args.out_row_bytes, args.out.plane_bytes};
    double squares = 0;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const double value = load(in, args.in_storage, c);
      squares += value * value;
    }
    const double factor = 1 / std::sqrt(squares / static_cast<double>(args.channels) + args.epsilon);
    for (std::int64_t c = 0; c < padded_channels(args.channels); ++c) {
      double value = 0;
      if (c < args.channels) {
        value = load(in, args.in_storage, c) * factor;
        if (args.gamma != nullptr) value *= args.gamma[c];
      }
      store(out, args.out_storage, c, static_cast<float>(value));
    }
  }
}

}  // namespace histojet::kernels::scalar
