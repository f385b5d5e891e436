// For CPUs whose vector units convert bfloat16.
#include "kernels/attention/attention_parts_vector.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

/// Element pairs as whole numbers of 32 bits: rows become columns.
void transpose(__m512i (&rows)[16]) {
  __m512i pairs[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    pairs[i] = _mm512_maskz_unpacklo_epi32(0xffff, rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_maskz_unpackhi_epi32(0xffff, rows[i], rows[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    rows[i] = _mm512_maskz_unpacklo_epi64(0xff, pairs[i], pairs[i + 2]);
    rows[i + 1] = _mm512_maskz_unpackhi_epi64(0xff, pairs[i], pairs[i + 2]);
    rows[i + 2] = _mm512_maskz_unpacklo_epi64(0xff, pairs[i + 1], pairs[i + 3]);
    rows[i + 3] = _mm512_maskz_unpackhi_epi64(0xff, pairs[i + 1], pairs[i + 3]);
  }
  // Lane l of rows[4 b + c] holds column 4 l + c of rows 4 b to 4 b + 3.
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    const __m512i even_low = _mm512_maskz_shuffle_i32x4(0xffff, rows[c], rows[4 + c], 0x88);
    const __m512i odd_low = _mm512_maskz_shuffle_i32x4(0xffff, rows[c], rows[4 + c], 0xdd);
    const __m512i even_high = _mm512_maskz_shuffle_i32x4(0xffff, rows[8 + c], rows[12 + c], 0x88);
    const __m512i odd_high = _mm512_maskz_shuffle_i32x4(0xffff, rows[8 + c], rows[12 + c], 0xdd);
    pairs[c] = _mm512_maskz_shuffle_i32x4(0xffff, even_low, even_high, 0x88);
    pairs[8 + c] = _mm512_maskz_shuffle_i32x4(0xffff, even_low, even_high, 0xdd);
    pairs[4 + c] = _mm512_maskz_shuffle_i32x4(0xffff, odd_low, odd_high, 0x88);
    pairs[12 + c] = _mm512_maskz_shuffle_i32x4(0xffff, odd_low, odd_high, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) rows[i] = pairs[i];
}

void pack_transposed(const PackTileArgs& args) {
  const auto mask = static_cast<__mmask32>(args.columns >= 32 ? 0xffffffffU : (1U << args.columns) - 1);
  __m512i rows[16];
#pragma GCC unroll 16
  for (int y = 0; y < 16; ++y) {
    rows[y] =
        _mm512_maskz_loadu_epi16(y < args.rows ? mask : 0, args.matrix + (y < args.rows ? y * args.row_bytes : 0));
  }
  transpose(rows);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) _mm512_store_si512(args.tile + 32 * i, rows[i]);
}

__m512i load_words(const std::byte* from, bool real, __mmask16 mask) {
  return _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_maskz_loadu_epi16(real ? mask : 0, from));
}

void pack_pairs(const PackTileArgs& args) {
  const auto mask = static_cast<__mmask16>(args.columns >= 16 ? 0xffffU : (1U << args.columns) - 1);
  for (std::int64_t i = 0; i < 16; ++i) {
    const std::byte* row = args.matrix + 2 * i * args.row_bytes;
    const __m512i even = load_words(row, 2 * i < args.rows, mask);
    const __m512i odd = load_words(row + args.row_bytes, 2 * i + 1 < args.rows, mask);
    const __m512i both = _mm512_maskz_or_epi32(0xffff, even, _mm512_maskz_slli_epi32(0xffff, odd, 16));
    _mm512_store_si512(args.tile + 32 * i, both);
  }
}

}  // namespace

void softmax_block(const SoftmaxBlockArgs& args) {
  softmax_block_any(args);
}

void merge_block(const MergeBlockArgs& args) {
  merge_block_any(args);
}

void pack_tile(const PackTileArgs& args) {
  if (args.transposed) return pack_transposed(args);
  pack_pairs(args);
}

}  // namespace histojet::kernels::avx512bf16
