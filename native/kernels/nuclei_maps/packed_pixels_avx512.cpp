#include <immintrin.h>

#include "kernels/nuclei_maps/packed_pixels.hpp"

namespace histojet::kernels::avx512 {

// Compressed in a register and stored whole: the store of only some values takes a hundred cycles on some processors.
void pack_pixels(const PackPixelsArgs& args) {
  double* out = args.out;
  for (std::int64_t w = 0; w < args.words; ++w) {
    const std::uint64_t word = args.mask[w];
    if (word == 0) continue;
    for (int i = 0; i < 64; i += 8) {
      const auto kept = static_cast<__mmask8>(word >> i);
      const __m512d values = _mm512_maskz_loadu_pd(kept, args.in + 64 * w + i);
      _mm512_storeu_pd(out, _mm512_maskz_compress_pd(kept, values));
      out += __builtin_popcount(kept);
    }
  }
}

void unpack_pixels(const UnpackPixelsArgs& args) {
  const __m512 fill = _mm512_set1_ps(args.fill);
  const float* in = args.in + __builtin_popcountll(args.mask & ((std::uint64_t{1} << args.first) - 1));
  const std::uint64_t mask = args.mask >> args.first;
  for (std::int64_t i = 0; i < args.count; i += 16) {
    const std::int64_t left = args.count - i;
    const auto valid = static_cast<__mmask16>(left >= 16 ? 0xffffU : (1U << left) - 1);
    const auto kept = static_cast<__mmask16>(mask >> i & valid);
    const unsigned found = static_cast<unsigned>(__builtin_popcount(kept));
    const __m512 packed = _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << found) - 1), in);
    in += found;
    _mm512_mask_storeu_ps(args.out + i, valid, _mm512_mask_expand_ps(fill, kept, packed));
  }
}

void packed_starts(const PackedStartsArgs& args) {
  std::uint32_t start = args.start;
  for (std::int64_t w = 0; w < args.words; ++w) {
    args.starts[w] = start;
    start += static_cast<std::uint32_t>(__builtin_popcountll(args.mask[w]));
  }
  args.starts[args.words] = start;
}

}  // namespace histojet::kernels::avx512
