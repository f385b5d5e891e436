#include <immintrin.h>

#include "kernels/nuclei_maps/at_least.hpp"

namespace histojet::kernels::avx2 {

void at_least(const AtLeastArgs& args) {
  const __m256 threshold = _mm256_set1_ps(args.threshold);
  std::int64_t first = 0;
  for (; first + 64 <= args.count; first += 64) {
    std::uint64_t word = 0;
    for (int i = 0; i < 64; i += 8) {
      const __m256 above = _mm256_cmp_ps(_mm256_loadu_ps(args.in + first + i), threshold, _CMP_GE_OQ);
      word |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm256_movemask_ps(above))) << i;
    }
    args.out[first / 64] = word;
  }
  scalar::at_least({args.in + first, args.count - first, args.threshold, args.out + first / 64});
}

}  // namespace histojet::kernels::avx2
