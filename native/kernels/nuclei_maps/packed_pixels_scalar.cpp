#include <bit>

#include "kernels/nuclei_maps/packed_pixels.hpp"

namespace histojet::kernels::scalar {

void pack_pixels(const PackPixelsArgs& args) {
  double* out = args.out;
  for (std::int64_t w = 0; w < args.words; ++w) {
    for (std::uint64_t bits = args.mask[w]; bits != 0; bits &= bits - 1) {
      *out++ = args.in[64 * w + std::countr_zero(bits)];
    }
  }
}

void unpack_pixels(const UnpackPixelsArgs& args) {
  const float* in = args.in + std::popcount(args.mask & ((std::uint64_t{1} << args.first) - 1));
  const std::uint64_t mask = args.mask >> args.first;
  for (std::int64_t i = 0; i < args.count; ++i) args.out[i] = mask >> i & 1 ? *in++ : args.fill;
}

void packed_starts(const PackedStartsArgs& args) {
  args.starts[0] = args.start;
  for (std::int64_t w = 0; w < args.words; ++w) {
    args.starts[w + 1] = args.starts[w] + static_cast<std::uint32_t>(std::popcount(args.mask[w]));
  }
}

}  // namespace histojet::kernels::scalar
