#include <immintrin.h>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels::avx2 {
namespace {

constexpr std::int64_t kGranule = 16;

/// 16 elements.
struct Values {
  __m256 first, second;
};

Values widen(const std::byte* from) {
  const __m256i first = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  const __m256i second = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16)));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(first, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(second, 16))};
}

/// Rounded to bfloat16 (nearest, ties to even; NaN stays NaN), as floats.
__m256 rounded(__m256 value) {
  const __m256i bits = _mm256_castps_si256(value);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i sum = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256 nan = _mm256_cmp_ps(value, value, _CMP_UNORD_Q);
  const __m256 whole = _mm256_blendv_ps(_mm256_castsi256_ps(sum), _mm256_castsi256_ps(quiet), nan);
  return _mm256_and_ps(whole, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(0xffff0000U))));
}

void put(std::byte* to, __m256i value, bool stream) {
  auto* vector = reinterpret_cast<__m256i*>(to);
  stream ? _mm256_stream_si256(vector, value) : _mm256_storeu_si256(vector, value);
}

/// Floats whose lower halves are zero.
void store_upper_halves(std::byte* to, const Values& values, bool stream) {
  const __m256i first = _mm256_srli_epi32(_mm256_castps_si256(values.first), 16);
  const __m256i second = _mm256_srli_epi32(_mm256_castps_si256(values.second), 16);
  put(to, _mm256_permute4x64_epi64(_mm256_packus_epi32(first, second), 0xd8), stream);
}

template <Storage S>
Values load(const std::byte* from, std::int64_t plane_bytes) {
  if constexpr (S == Storage::kFloat32) {
    const auto* floats = reinterpret_cast<const float*>(from);
    return {_mm256_loadu_ps(floats), _mm256_loadu_ps(floats + 8)};
  } else {
    const Values high = widen(from);
    if constexpr (S == Storage::kBfloat16) return high;
    const Values low = widen(from + plane_bytes);
    return {high.first + low.first, high.second + low.second};
  }
}

template <Storage S>
void store(std::byte* to, std::int64_t plane_bytes, const Values& values, bool stream) {
  if constexpr (S == Storage::kFloat32) {
    put(to, _mm256_castps_si256(values.first), stream);
    put(to + 32, _mm256_castps_si256(values.second), stream);
  } else {
    const Values high{rounded(values.first), rounded(values.second)};
    store_upper_halves(to, high, stream);
    if constexpr (S == Storage::kSplit) {
      const Values low{rounded(values.first - high.first), rounded(values.second - high.second)};
      store_upper_halves(to + plane_bytes, low, stream);
    }
  }
}

template <Storage S, bool Add, bool Scale>
void row(const PointwiseArgs& args) {
  constexpr std::int64_t kBytes = element_bytes(S);
  const __m256 floor = args.relu ? _mm256_setzero_ps() : _mm256_set1_ps(-__builtin_inff());
  for (std::int64_t x = 0; x < args.width; ++x) {
    const std::byte* a = args.a.pixels + (args.enlarge ? x / 2 : x) * args.channels * kBytes;
    const std::byte* b = Add ? args.b.pixels + x * args.channels * kBytes : nullptr;
    std::byte* out = args.out.pixels + x * args.channels * kBytes;
    for (std::int64_t c = 0; c < args.channels; c += kGranule) {
      Values values = load<S>(a + c * kBytes, args.a.plane_bytes);
      if constexpr (Add) {
        const Values other = load<S>(b + c * kBytes, args.b.plane_bytes);
        values = {values.first + other.first, values.second + other.second};
      }
      if constexpr (Scale) {
        const float* scale = args.scale + c;
        const float* shift = args.shift + c;
        values = {_mm256_fmadd_ps(_mm256_load_ps(scale), values.first, _mm256_load_ps(shift)),
                  _mm256_fmadd_ps(_mm256_load_ps(scale + 8), values.second, _mm256_load_ps(shift + 8))};
      }
      // The second operand is what remains of a NaN.
      values = {_mm256_max_ps(floor, values.first), _mm256_max_ps(floor, values.second)};
      store<S>(out + c * kBytes, args.out.plane_bytes, values, args.stream);
    }
  }
}

template <Storage S>
void any_parts(const PointwiseArgs& args) {
  const bool add = args.b.pixels != nullptr;
  const bool scale = args.scale != nullptr;
  if (add && scale) return row<S, true, true>(args);
  if (add) return row<S, true, false>(args);
  if (scale) return row<S, false, true>(args);
  row<S, false, false>(args);
}

}  // namespace

void pointwise(const PointwiseArgs& args) {
  switch (args.storage) {
    case Storage::kFloat32:
      return any_parts<Storage::kFloat32>(args);
    case Storage::kBfloat16:
      return any_parts<Storage::kBfloat16>(args);
    case Storage::kSplit:
      return any_parts<Storage::kSplit>(args);
  }
}

}  // namespace histojet::kernels::avx2
