// For CPUs whose vector units convert bfloat16.
#include <immintrin.h>

#include "kernels/convert_row/convert_row.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

__m512 widen(__m256i values) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

__m512 load(const std::byte* from) {
  return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

/// Up to four pixels of three bytes as sixteen floats.
__m512 pixels(const std::uint8_t* from, std::int64_t count) {
  const __m128i spread = _mm_setr_epi8(0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1);
  const __m128i bytes = _mm_maskz_loadu_epi8(static_cast<__mmask16>((1U << 3 * count) - 1), from);
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_shuffle_epi8(bytes, spread)));
}

}  // namespace

void widen_row(const WidenRowArgs& args) {
  if (args.storage == Storage::kSplit) {
    for (std::int64_t i = 0; i < args.count; i += 16) {
      const std::byte* in = args.in + 2 * i;
      _mm512_storeu_ps(args.out + i, load(in) + load(in + args.plane_bytes));
    }
  } else {
    for (std::int64_t i = 0; i < args.count; i += 16) _mm512_storeu_ps(args.out + i, load(args.in + 2 * i));
  }
}

void narrow_row(const NarrowRowArgs& args) {
  const bool split = args.storage == Storage::kSplit;
  for (std::int64_t i = 0; i < args.count; i += 16) {
    const __m512 value = _mm512_loadu_ps(args.in + i);
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value));
    std::byte* out = args.out + 2 * i;
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), high);
    if (split) {
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value - widen(high)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + args.plane_bytes), low);
    }
  }
}

void image_to_bfloat16(const ImageToBfloat16Args& args) {
  std::int64_t x = 0;
  for (; x + 8 <= args.width; x += 8) {
    const std::uint8_t* in = args.in + 3 * x;
    const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(pixels(in + 12, 4), pixels(in, 4)));
    _mm512_storeu_si512(args.out + 8 * x, both);
  }
  for (; x < args.width; x += 4) {
    const std::int64_t count = args.width - x < 4 ? args.width - x : 4;
    const auto values = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(pixels(args.in + 3 * x, count)));
    _mm256_mask_storeu_epi16(args.out + 8 * x, static_cast<__mmask16>((1U << 4 * count) - 1), values);
  }
}

}  // namespace histojet::kernels::avx512bf16
