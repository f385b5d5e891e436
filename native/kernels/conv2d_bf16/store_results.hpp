#pragma once

// How sums of a convolution become stored results; for _avx512bf16 and _amx files only, in an unnamed namespace like
// all that such files define.
#include <immintrin.h>

#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

namespace histojet::kernels {
namespace {

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

  explicit Output(const Conv2dBf16Args& args)
      : position_bytes(args.out_position_bytes),
        plane_bytes(args.out_plane_bytes),
        addend_plane_bytes(args.addend_plane_bytes),
        active_plane_bytes(args.active_plane_bytes),
        relu(args.relu),
        stream(args.stream),
        active_stream(args.active_stream) {}
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

/// Row pointers of every step of output row y.
inline void point_at_row(const Conv2dBf16Args& args, std::int64_t y) {
  const std::byte* const* rows = args.rows + y * args.rows_per_output;
  for (std::int64_t k = 0; k < args.step_count; ++k) {
    args.scratch_pointers[k] = rows[args.steps[k].row] + args.steps[k].offset;
  }
}

/// Position 0 of row y, moved to the first column.
inline Target row_target(const Conv2dBf16Args& args, std::int64_t y, std::int64_t first_column,
                         std::int64_t element_bytes) {
  const Target row{args.out_rows == nullptr ? nullptr : args.out_rows[y],
                   args.active_rows == nullptr ? nullptr : args.active_rows[y],
                   args.addend_rows == nullptr ? nullptr : args.addend_rows[y]};
  return row.moved(first_column * element_bytes);
}

/// Calls `run` with storage, order of steps and whether results are activated as constants.
template <Storage S, typename Run>
void with_storage(const Conv2dBf16Args& args, const Run& run) {
  const bool active = args.active_rows != nullptr;
  if (args.order == StepOrder::kSplit) {
    active ? run.template operator()<S, StepOrder::kSplit, true>()
           : run.template operator()<S, StepOrder::kSplit, false>();
  } else {
    active ? run.template operator()<S, StepOrder::kPlain, true>()
           : run.template operator()<S, StepOrder::kPlain, false>();
  }
}

template <typename Run>
void with_form(const Conv2dBf16Args& args, const Run& run) {
  switch (args.storage) {
    case Storage::kFloat32:
      return with_storage<Storage::kFloat32>(args, run);
    case Storage::kBfloat16:
      return with_storage<Storage::kBfloat16>(args, run);
    case Storage::kSplit:
      return with_storage<Storage::kSplit>(args, run);
  }
}

}  // namespace
}  // namespace histojet::kernels
