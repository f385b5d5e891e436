#include <immintrin.h>

#include "kernels/nuclei_maps/flood_front.hpp"

namespace histojet::kernels::avx512 {
namespace {

/// Of sixteen labels, those that are 0.
unsigned zeros(const std::int32_t* label) {
  return _mm512_testn_epi32_mask(_mm512_loadu_si512(label), _mm512_set1_epi32(-1));
}

unsigned front(const std::int32_t* label, std::int64_t stride) {
  const unsigned markers = _mm512_cmpgt_epi32_mask(_mm512_loadu_si512(label), _mm512_setzero_si512());
  return markers & (zeros(label - stride) | zeros(label - 1) | zeros(label + 1) | zeros(label + stride));
}

}  // namespace

void flood_front(const FloodFrontArgs& args) {
  std::int64_t first = 0;
  for (; first + 64 <= args.count; first += 64) {
    std::uint64_t word = 0;
    for (int i = 0; i < 64; i += 16) {
      word |= static_cast<std::uint64_t>(front(args.labels + first + i, args.stride)) << i;
    }
    args.out[first / 64] = word;
  }
  scalar::flood_front({args.labels + first, args.stride, args.count - first, args.out + first / 64});
}

}  // namespace histojet::kernels::avx512
