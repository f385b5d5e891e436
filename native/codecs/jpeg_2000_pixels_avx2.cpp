#include <immintrin.h>

#include "codecs/jpeg_2000_pixels.hpp"

namespace histojet::codecs {
namespace {

constexpr std::int64_t kStep = 16;

/// The low bytes of 8 words, as 16-bit numbers.
__m128i load_bytes(const std::int32_t* from) {
  const __m256i words =
      _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)), _mm256_set1_epi32(0xFF));
  return _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/// 8 sums of chroma in 16.16 fixed point, rounded already, as 16-bit numbers.
__m128i whole_part(__m256i sums) {
  const __m256i words = _mm256_srai_epi32(sums, 16);
  return _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

/// 16 pixels of three planes of bytes, as 48 bytes.
void store_rgb(std::uint8_t* out, __m128i red, __m128i green, __m128i blue) {
  const auto pick = [](__m128i bytes, char a, char b, char c, char d, char e, char f, char g, char h, char i, char j,
                       char k, char l, char m, char n, char o, char p) {
    return _mm_shuffle_epi8(bytes, _mm_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p));
  };
  constexpr char z = -128;  // gives 0
  const __m128i first = _mm_or_si128(pick(red, 0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z, z, 5),
                                     _mm_or_si128(pick(green, z, 0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z, z),
                                                  pick(blue, z, z, 0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z)));
  const __m128i second = _mm_or_si128(pick(red, z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z, 10, z),
                                      _mm_or_si128(pick(green, 5, z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z, 10),
                                                   pick(blue, z, 5, z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z)));
  const __m128i third = _mm_or_si128(pick(red, z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15, z, z),
                                     _mm_or_si128(pick(green, z, z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15, z),
                                                  pick(blue, 10, z, z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15)));
  auto* to = reinterpret_cast<__m128i*>(out);
  _mm_storeu_si128(to, first);
  _mm_storeu_si128(to + 1, second);
  _mm_storeu_si128(to + 2, third);
}

/// 16 bytes of luma with chroma that holds for two pixels each; sums beyond 0..255 are cut.
__m128i add_chroma(__m128i low, __m128i high, __m128i chroma) {
  return _mm_packus_epi16(_mm_add_epi16(low, _mm_unpacklo_epi16(chroma, chroma)),
                          _mm_add_epi16(high, _mm_unpackhi_epi16(chroma, chroma)));
}

__m256i load_chroma(const std::int32_t* from) {
  const __m256i words = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  return _mm256_sub_epi32(_mm256_and_si256(words, _mm256_set1_epi32(0xFF)), _mm256_set1_epi32(128));
}

__m256i times(__m256i chroma, int factor) {
  return _mm256_mullo_epi32(chroma, _mm256_set1_epi32(factor));
}

}  // namespace

void write_rgb_row_avx2(const PlaneRow& row) {
  std::int64_t x = 0;
  for (; x + kStep <= row.width; x += kStep) {
    store_rgb(row.out + x * 3, _mm_packus_epi16(load_bytes(row.first + x), load_bytes(row.first + x + 8)),
              _mm_packus_epi16(load_bytes(row.second + x), load_bytes(row.second + x + 8)),
              _mm_packus_epi16(load_bytes(row.third + x), load_bytes(row.third + x + 8)));
  }
  write_rgb_row_scalar({row.first + x, row.second + x, row.third + x, row.width - x, row.out + x * 3});
}

void write_ycbcr_422_row_avx2(const PlaneRow& row) {
  const __m256i half = _mm256_set1_epi32(1 << 15);
  std::int64_t x = 0;
  for (; x + kStep <= row.width; x += kStep) {
    const __m128i low = load_bytes(row.first + x);
    const __m128i high = load_bytes(row.first + x + 8);
    const __m256i cb = load_chroma(row.second + x / 2);
    const __m256i cr = load_chroma(row.third + x / 2);
    // The factors of ChromaTables in ycbcr.hpp.
    const __m128i red = whole_part(_mm256_add_epi32(times(cr, 91881), half));
    const __m128i green = whole_part(_mm256_sub_epi32(half, _mm256_add_epi32(times(cb, 22554), times(cr, 46802))));
    const __m128i blue = whole_part(_mm256_add_epi32(times(cb, 116130), half));
    store_rgb(row.out + x * 3, add_chroma(low, high, red), add_chroma(low, high, green), add_chroma(low, high, blue));
  }
  write_ycbcr_422_row_scalar({row.first + x, row.second + x / 2, row.third + x / 2, row.width - x, row.out + x * 3});
}

}  // namespace histojet::codecs
