#include <immintrin.h>

#include "base/digest_block.hpp"

namespace histojet {
namespace {

/// State and message of one block between its groups of four rounds.
struct Rounds {
  __m128i abcd;      ///< highest word first
  __m128i before;    ///< abcd one group earlier: its A, rotated, is the E of the next group
  __m128i words[4];  ///< the message schedule, four words each, in a ring
};

/// Groups 5 kMix to 5 kMix + 4 of the twenty, which mix in the same way.
template <int kMix>
void five_groups(Rounds& rounds) {
#pragma GCC unroll 5
  for (int i = 5 * kMix; i < 5 * kMix + 5; ++i) {
    __m128i& next = rounds.words[i % 4];
    if (i >= 4) {
      const __m128i &before = rounds.words[(i + 3) % 4], &third = rounds.words[(i + 2) % 4],
                    &second_oldest = rounds.words[(i + 1) % 4];
      next = _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(next, second_oldest), third), before);
    }
    const __m128i sum = i == 0 ? _mm_add_epi32(rounds.before, next) : _mm_sha1nexte_epu32(rounds.before, next);
    rounds.before = rounds.abcd;
    rounds.abcd = _mm_sha1rnds4_epu32(rounds.abcd, sum, kMix);
  }
}

}  // namespace

void sha1_block_sha_ni(std::uint32_t* state, const std::uint8_t* data) {
  const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  auto* words = reinterpret_cast<__m128i*>(state);
  const __m128i first = _mm_shuffle_epi32(_mm_loadu_si128(words), 0x1B);
  const __m128i e = _mm_set_epi32(static_cast<int>(state[4]), 0, 0, 0);
  Rounds rounds{first, e, {}};
  for (int i = 0; i < 4; ++i) {
    rounds.words[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(data) + i), big_endian);
  }
  five_groups<0>(rounds);
  five_groups<1>(rounds);
  five_groups<2>(rounds);
  five_groups<3>(rounds);
  state[4] = static_cast<std::uint32_t>(_mm_extract_epi32(_mm_sha1nexte_epu32(rounds.before, e), 3));
  _mm_storeu_si128(words, _mm_shuffle_epi32(_mm_add_epi32(rounds.abcd, first), 0x1B));
}

}  // namespace histojet
