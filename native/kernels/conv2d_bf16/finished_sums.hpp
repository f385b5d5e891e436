#pragma once

// What happens to the sums of a convolution once they have left the tile registers; for _amx files only, in an unnamed
// namespace like all that such files define.
#include <immintrin.h>

#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/vector/tiles.hpp"

namespace histojet::kernels::amx {
namespace {

constexpr std::int64_t kTileSums = 256;
constexpr std::int64_t kLineSums = 16;

// Not std::min: a weak copy of it compiled for these instructions might become the whole program's.
constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

/// How results are stored, the same for all of a call.
struct Output {
  std::int64_t position_bytes;
  std::int64_t plane_bytes;
  std::int64_t addend_plane_bytes;
  bool relu;
  bool stream;
};

/// Stores a cache line.
inline void put(std::byte* to, __m512i value, bool stream) {
  if (stream) {
    // Narrow rows start at any 32 bytes; the write-combining buffer joins the halves.
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(value));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + 32), _mm512_extracti64x4_epi64(value, 1));
  } else {
    _mm512_storeu_si512(to, value);
  }
}

/// bfloat16 as floats.
inline __m512 widen(__m256i values) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

/// Sixteen values of an addend.
template <Storage S>
__m512 stored_values(const std::byte* from, std::int64_t plane_bytes) {
  if constexpr (S == Storage::kFloat32) return _mm512_loadu_ps(from);
  const __m512 high = widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  if constexpr (S == Storage::kBfloat16) return high;
  return high + widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + plane_bytes)));
}

template <Storage S, int B, bool Adds, bool Relu>
void store_position(const float* sums, const Output& output, const std::byte* addend, std::byte* to) {
  __m512 value[B];
  for (int b = 0; b < B; ++b) {
    value[b] = _mm512_load_ps(sums + b * kLineSums);
    [[maybe_unused]] constexpr std::int64_t kBytes = S == Storage::kFloat32 ? 64 : 32;
    if constexpr (Adds) value[b] += stored_values<S>(addend + b * kBytes, output.addend_plane_bytes);
    // The second operand is what remains of a NaN.
    if constexpr (Relu) value[b] = _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), value[b]);
  }
  if constexpr (S == Storage::kFloat32) {
    for (int b = 0; b < B; ++b) _mm512_storeu_ps(to + 64 * b, value[b]);
  } else if constexpr (B == 2) {
    const auto high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0]));
    put(to, high, output.stream);
    if constexpr (S == Storage::kSplit) {
      const __m512 low0 = value[0] - widen(_mm512_castsi512_si256(high));
      const __m512 low1 = value[1] - widen(_mm512_extracti64x4_epi64(high, 1));
      put(to + output.plane_bytes, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(low1, low0)), output.stream);
    }
  } else {
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), high);
    if constexpr (S == Storage::kSplit) {
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0] - widen(high)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + output.plane_bytes), low);
    }
  }
}

/// Sums of blocks that have left the tile registers; one block is being converted while the next one is computed.
template <Storage S, int B>
class Finished {
 public:
  explicit Finished(const Output& output) : output_(output) {}

  /// Where the sums of the block that is computed now go; everything of the block before must have been drained.
  float* next() { return sums_[filling_]; }
  void add(std::byte* out, const std::byte* addend, std::int64_t positions) {
    out_ = out;
    addend_ = addend;
    done_ = 0;
    count_ = positions;
    filling_ ^= 1;
  }
  bool empty() const { return done_ == count_; }
  void drain(std::int64_t positions) {
    if (empty()) return;
    if (output_.relu) {
      addend_ == nullptr ? drain_rows<false, true>(positions) : drain_rows<true, true>(positions);
    } else {
      addend_ == nullptr ? drain_rows<false, false>(positions) : drain_rows<true, false>(positions);
    }
  }

 private:
  template <bool Adds, bool Relu>
  void drain_rows(std::int64_t positions) {
    // Copies: the stores below might change any member, as far as the compiler knows.
    const Output output = output_;
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    const std::byte* addend = Adds ? addend_ + begin * output.position_bytes : nullptr;
    std::byte* out = out_ + begin * output.position_bytes;
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    for (std::int64_t i = begin; i < end; ++i, out += output.position_bytes, sums += B * kLineSums) {
      store_position<S, B, Adds, Relu>(sums, output, addend, out);
      if constexpr (Adds) addend += output.position_bytes;
    }
  }

  alignas(64) float sums_[2][(B == 2 ? 2 : 4) * kTileSums];
  Output output_;
  std::byte* out_ = nullptr;
  const std::byte* addend_ = nullptr;
  std::int64_t done_ = 0;
  std::int64_t count_ = 0;
  int filling_ = 0;
};

}  // namespace
}  // namespace histojet::kernels::amx
