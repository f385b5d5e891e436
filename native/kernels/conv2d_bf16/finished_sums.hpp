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
  std::int64_t active_plane_bytes;
  bool relu;
  bool stream;
  bool active_stream;
};

/// Where the results of some positions go and what is added to them; null for what there is not.
struct Target {
  std::byte* out = nullptr;
  std::byte* active = nullptr;
  const std::byte* addend = nullptr;

  Target moved(std::int64_t bytes) const {
    return {out == nullptr ? nullptr : out + bytes, active == nullptr ? nullptr : active + bytes,
            addend == nullptr ? nullptr : addend + bytes};
  }
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

/// The second operand is what remains of a NaN.
inline __m512 relu(__m512 value) {
  return _mm512_maskz_max_ps(0xffff, _mm512_setzero_ps(), value);
}

/// Stores 16 B values of one position.
template <Storage S, int B>
void store_values(const __m512 (&value)[B], std::int64_t plane_bytes, bool stream, std::byte* to) {
  if constexpr (S == Storage::kFloat32) {
    for (int b = 0; b < B; ++b) _mm512_storeu_ps(to + 64 * b, value[b]);
  } else if constexpr (B == 2) {
    const auto high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(value[1], value[0]));
    put(to, high, stream);
    if constexpr (S == Storage::kSplit) {
      const __m512 low0 = value[0] - widen(_mm512_castsi512_si256(high));
      const __m512 low1 = value[1] - widen(_mm512_extracti64x4_epi64(high, 1));
      put(to + plane_bytes, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(low1, low0)), stream);
    }
  } else {
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0]));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), high);
    if constexpr (S == Storage::kSplit) {
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value[0] - widen(high)));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + plane_bytes), low);
    }
  }
}

/// What all positions of 16 B columns have in common.
template <int B>
struct ActiveForm {
  __m512 scale[B];
  __m512 shift[B];

  ActiveForm(const float* scales, const float* shifts) {
    for (int b = 0; b < B; ++b) {
      scale[b] = _mm512_load_ps(scales + b * kLineSums);
      shift[b] = _mm512_load_ps(shifts + b * kLineSums);
    }
  }
};

/// Sums of blocks that have left the tile registers; one block is being converted while the next one is computed. With
/// `Active` each is stored as relu(scale * sum + shift), and as it is where there is a place for it. Two classes,
/// because `drain` is small enough to become part of the steps only without that.
template <Storage S, int B, bool Active>
class Finished {
 public:
  explicit Finished(const Output& output) : output_(output) {}

  /// Where scale and shift of the columns begin whose sums come next.
  void set_columns(const float* scale, const float* shift) {
    scale_ = scale;
    shift_ = shift;
  }

  /// Where the sums of the block that is computed now go; everything of the block before must have been drained.
  float* next() { return sums_[filling_]; }
  void add(const Target& to, std::int64_t positions) {
    to_ = to;
    done_ = 0;
    count_ = positions;
    filling_ ^= 1;
  }
  bool empty() const { return done_ == count_; }
  // Left to itself, the compiler makes a function of it, and every step pays for the call.
  [[gnu::always_inline]] void drain(std::int64_t positions) {
    if (empty()) return;
    if constexpr (Active) {
      to_.addend == nullptr ? drain_active<false>(positions) : drain_active<true>(positions);
    } else if (output_.relu) {
      to_.addend == nullptr ? drain_rows<false, true>(positions) : drain_rows<true, true>(positions);
    } else {
      to_.addend == nullptr ? drain_rows<false, false>(positions) : drain_rows<true, false>(positions);
    }
  }

 private:
  /// The sums of the next position, with what is added to them.
  template <bool Adds>
  static void load(__m512 (&value)[B], const float* sums, const std::byte* addend, std::int64_t plane_bytes) {
    [[maybe_unused]] constexpr std::int64_t kBytes = S == Storage::kFloat32 ? 64 : 32;
    for (int b = 0; b < B; ++b) {
      value[b] = _mm512_load_ps(sums + b * kLineSums);
      if constexpr (Adds) value[b] += stored_values<S>(addend + b * kBytes, plane_bytes);
    }
  }

  template <bool Adds, bool Relu>
  [[gnu::always_inline]] void drain_rows(std::int64_t positions) {
    // Copies: the stores below might change any member, as far as the compiler knows.
    const Output output = output_;
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    const std::byte* addend = Adds ? to_.addend + begin * output.position_bytes : nullptr;
    std::byte* out = to_.out + begin * output.position_bytes;
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    for (std::int64_t i = begin; i < end; ++i, out += output.position_bytes, sums += B * kLineSums) {
      __m512 value[B];
      load<Adds>(value, sums, addend, output.addend_plane_bytes);
      if constexpr (Relu) {
        for (int b = 0; b < B; ++b) value[b] = relu(value[b]);
      }
      store_values<S, B>(value, output.plane_bytes, output.stream, out);
      if constexpr (Adds) addend += output.position_bytes;
    }
  }

  template <bool Adds>
  void drain_active(std::int64_t positions) {
    const Output output = output_;
    const ActiveForm<B> form(scale_, shift_);
    const std::int64_t begin = done_;
    const std::int64_t end = count_ - begin < positions ? count_ : begin + positions;
    Target to = to_.moved(begin * output.position_bytes);
    done_ = end;
    const float* sums = sums_[filling_ ^ 1] + begin * B * kLineSums;
    const bool both = to.out != nullptr;
    for (std::int64_t i = begin; i < end; ++i, sums += B * kLineSums) {
      __m512 value[B];
      load<Adds>(value, sums, to.addend, output.addend_plane_bytes);
      if (both) {
        store_values<S, B>(value, output.plane_bytes, output.stream, to.out);
        to.out += output.position_bytes;
      }
      for (int b = 0; b < B; ++b) value[b] = relu(_mm512_fmadd_ps(form.scale[b], value[b], form.shift[b]));
      store_values<S, B>(value, output.active_plane_bytes, output.active_stream, to.active);
      to.active += output.position_bytes;
      if constexpr (Adds) to.addend += output.position_bytes;
    }
  }

  alignas(64) float sums_[2][(B == 2 ? 2 : 4) * kTileSums];
  Output output_;
  Target to_;
  const float* scale_ = nullptr;
  const float* shift_ = nullptr;
  std::int64_t done_ = 0;
  std::int64_t count_ = 0;
  int filling_ = 0;
};

}  // namespace
}  // namespace histojet::kernels::amx
