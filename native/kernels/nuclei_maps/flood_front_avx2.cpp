#include <immintrin.h>

#include "kernels/nuclei_maps/flood_front.hpp"

namespace histojet::kernels::avx2 {
namespace {

__m256i load(const std::int32_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

/// One bit for each of eight labels.
unsigned front(const std::int32_t* label, std::int64_t stride) {
  const __m256i zero = _mm256_setzero_si256();
  const __m256i rows =
      _mm256_or_si256(_mm256_cmpeq_epi32(load(label - stride), zero), _mm256_cmpeq_epi32(load(label + stride), zero));
  const __m256i columns =
      _mm256_or_si256(_mm256_cmpeq_epi32(load(label - 1), zero), _mm256_cmpeq_epi32(load(label + 1), zero));
  const __m256i open = _mm256_and_si256(_mm256_cmpgt_epi32(load(label), zero), _mm256_or_si256(rows, columns));
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(open)));
}

}  // namespace

void flood_front(const FloodFrontArgs& args) {
  std::int64_t first = 0;
  for (; first + 64 <= args.count; first += 64) {
    std::uint64_t word = 0;
    for (int i = 0; i < 64; i += 8) {
      word |= static_cast<std::uint64_t>(front(args.labels + first + i, args.stride)) << i;
    }
    args.out[first / 64] = word;
  }
  scalar::flood_front({args.labels + first, args.stride, args.count - first, args.out + first / 64});
}

}  // namespace histojet::kernels::avx2
