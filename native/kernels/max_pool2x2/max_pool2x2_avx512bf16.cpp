// Values are compared as integers, which their bits become when those of negative ones are turned around: 32 values per
// instruction, or 16 pairs of a high and a low half.
#include <immintrin.h>

#include "kernels/max_pool2x2/max_pool2x2.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

/// Which values of a row one vector holds.
enum class Form {
  kLine,      ///< 32 channels of a pixel
  kHalf,      ///< 16
  kTwoPixels  ///< 16 each of this pixel and the next but one
};

template <Form F>
__m512i load(const std::byte* from) {
  if constexpr (F == Form::kLine) return _mm512_loadu_si512(from);
  const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  if constexpr (F == Form::kHalf) return _mm512_castsi256_si512(first);
  const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 64));
  return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

template <Form F>
void store(std::byte* to, __m512i values) {
  if constexpr (F == Form::kHalf) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(values));
  } else {
    _mm512_storeu_si512(to, values);
  }
}

// Ternary logic by truth table: x ^ (y & z) and x ^ (y | z).
constexpr int kXorAnd = 0x78;
constexpr int kXorOr = 0x1e;

/// Bits of bfloat16 as signed integers of the same order, and back.
__m512i in_order(__m512i bits) {
  return _mm512_ternarylogic_epi32(bits, _mm512_srai_epi16(bits, 15), _mm512_set1_epi16(0x7fff), kXorAnd);
}

/// The same as unsigned integers.
__m512i in_unsigned_order(__m512i bits) {
  return _mm512_ternarylogic_epi32(bits, _mm512_srai_epi16(bits, 15), _mm512_set1_epi16(-0x8000), kXorOr);
}
__m512i from_unsigned_order(__m512i order) {
  const __m512i negative = _mm512_srai_epi16(_mm512_xor_si512(order, _mm512_set1_epi16(-0x8000)), 15);
  return _mm512_ternarylogic_epi32(order, negative, _mm512_set1_epi16(-0x8000), kXorOr);
}

template <Form F>
__m512i larger_of_pixels(const std::byte* left, std::int64_t pixel_bytes) {
  return _mm512_max_epi16(in_order(load<F>(left)), in_order(load<F>(left + pixel_bytes)));
}

/// 32 pairs of halves in two vectors, in the order of `unpack`.
struct Pairs {
  __m512i first, second;
};

Pairs larger(const Pairs& a, const Pairs& b) {
  return {_mm512_max_epi32(a.first, b.first), _mm512_max_epi32(a.second, b.second)};
}

template <Form F>
Pairs pairs(const std::byte* from, std::int64_t plane_bytes) {
  const __m512i high = in_order(load<F>(from));
  const __m512i low = in_unsigned_order(load<F>(from + plane_bytes));
  return {_mm512_unpacklo_epi16(low, high), _mm512_unpackhi_epi16(low, high)};
}

template <Storage S, Form F>
void block(const MaxPool2x2Bf16Args& args, std::int64_t in, std::int64_t out) {
  const std::int64_t pixel = 2 * args.channels;
  const std::byte* top = args.row0 + in;
  const std::byte* bottom = args.row1 + in;
  if constexpr (S == Storage::kBfloat16) {
    const __m512i values = _mm512_max_epi16(larger_of_pixels<F>(top, pixel), larger_of_pixels<F>(bottom, pixel));
    store<F>(args.out + out, in_order(values));
  } else {
    const std::int64_t plane = args.in_plane_bytes;
    const Pairs upper = larger(pairs<F>(top, plane), pairs<F>(top + pixel, plane));
    const Pairs lower = larger(pairs<F>(bottom, plane), pairs<F>(bottom + pixel, plane));
    const Pairs both = larger(upper, lower);
    const __m512i high = _mm512_packs_epi32(_mm512_srai_epi32(both.first, 16), _mm512_srai_epi32(both.second, 16));
    const __m512i lower_half = _mm512_set1_epi32(0xffff);
    const __m512i low =
        _mm512_packus_epi32(_mm512_and_si512(both.first, lower_half), _mm512_and_si512(both.second, lower_half));
    store<F>(args.out + out, in_order(high));
    store<F>(args.out + out + args.out_plane_bytes, from_unsigned_order(low));
  }
}

template <Storage S>
void row(const MaxPool2x2Bf16Args& args) {
  const std::int64_t pixel = 2 * args.channels;
  std::int64_t x = 0;
  if (args.channels == 16) {
    for (; x + 2 <= args.width; x += 2) block<S, Form::kTwoPixels>(args, 2 * x * pixel, x * pixel);
  }
  for (; x < args.width; ++x) {
    std::int64_t c = 0;
    for (; c + 64 <= pixel; c += 64) block<S, Form::kLine>(args, 2 * x * pixel + c, x * pixel + c);
    if (c < pixel) block<S, Form::kHalf>(args, 2 * x * pixel + c, x * pixel + c);
  }
}

}  // namespace

void max_pool2x2_bf16(const MaxPool2x2Bf16Args& args) {
  const MaxPool2x2Bf16Args copy = args;  // stores cannot change it
  if (args.storage == Storage::kSplit) {
    row<Storage::kSplit>(copy);
  } else {
    row<Storage::kBfloat16>(copy);
  }
}

}  // namespace histojet::kernels::avx512bf16
