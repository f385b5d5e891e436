#include <immintrin.h>

#include "kernels/nuclei_maps/at_least.hpp"

namespace histojet::kernels::avx512 {
namespace {

/// Floats from what is read to what is fetched.
constexpr std::int64_t kAhead = 1024;

}  // namespace

void at_least(const AtLeastArgs& args) {
  const __m512 threshold = _mm512_set1_ps(args.threshold);
  for (std::int64_t first = 0; first < args.count; first += 64) {
    std::uint64_t word = 0;
    // The processor's own prefetch ends at every page.
    for (int i = 0; i < 64; i += 16)
      _mm_prefetch(reinterpret_cast<const char*>(args.in + first + kAhead + i), _MM_HINT_T0);
    for (int i = 0; i < 64 && first + i < args.count; i += 16) {
      const std::int64_t left = args.count - first - i;
      const auto valid = static_cast<__mmask16>(left >= 16 ? 0xffffU : (1U << left) - 1);
      const __m512 values = _mm512_maskz_loadu_ps(valid, args.in + first + i);
      word |= static_cast<std::uint64_t>(_mm512_mask_cmp_ps_mask(valid, values, threshold, _CMP_GE_OQ)) << i;
    }
    args.out[first / 64] = word;
  }
}

}  // namespace histojet::kernels::avx512
