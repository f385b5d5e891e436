#include <immintrin.h>

#include "base/digest_block.hpp"

namespace histojet {

// The instructions want the state as two registers, A B E F and C D G H, highest word first.
void sha256_block_sha_ni(std::uint32_t* state, const std::uint8_t* data) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto* words = reinterpret_cast<__m128i*>(state);
  const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(words), 0xB1);
  const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(words + 1), 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);
  const __m128i first = abef, second = cdgh;
  __m128i message[4];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    __m128i& next = message[i % 4];
    if (i < 4) {
      next = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), big_endian);
    } else {
      const __m128i &before = message[(i + 3) % 4], &third = message[(i + 2) % 4],
                    &second_oldest = message[(i + 1) % 4];
      const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(next, second_oldest), _mm_alignr_epi8(before, third, 4));
      next = _mm_sha256msg2_epu32(sum, before);
    }
    const auto* constants = reinterpret_cast<const __m128i*>(&kSha256Constants[static_cast<unsigned>(4 * i)]);
    const __m128i sum = _mm_add_epi32(next, _mm_loadu_si128(constants));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
  }
  const __m128i feba = _mm_shuffle_epi32(_mm_add_epi32(abef, first), 0x1B);
  const __m128i dchg = _mm_shuffle_epi32(_mm_add_epi32(cdgh, second), 0xB1);
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace histojet
