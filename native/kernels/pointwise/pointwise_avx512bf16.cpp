// For CPUs whose vector units convert bfloat16.
#include <immintrin.h>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels::avx512bf16 {
namespace {

constexpr std::int64_t kGranule = 16;  // elements of a vector of floats

/// Words [First, First + 16) of `values` as floats, in one permutation: each goes to the upper half of its lane.
template <int First>
__m512 widen(__m512i values) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i source = _mm512_slli_epi32(_mm512_add_epi32(lane, _mm512_set1_epi32(First)), 16);
  return _mm512_castsi512_ps(_mm512_maskz_permutexvar_epi16(0xaaaaaaaa, source, values));
}

__m512 load_words(const std::byte* from) {
  return widen<0>(_mm512_castsi256_si512(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
}

template <Storage S>
__m512 load(const std::byte* from, std::int64_t plane_bytes) {
  if constexpr (S == Storage::kFloat32) {
    return _mm512_loadu_ps(from);
  } else {
    const __m512 high = load_words(from);
    if constexpr (S == Storage::kBfloat16) return high;
    return high + load_words(from + plane_bytes);
  }
}

template <Storage S>
void store_granule(std::byte* to, std::int64_t plane_bytes, __m512 value) {
  if constexpr (S == Storage::kFloat32) {
    _mm512_storeu_ps(to, value);
  } else {
    const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), high);
    if constexpr (S == Storage::kSplit) {
      const auto low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value - widen<0>(_mm512_castsi256_si512(high))));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + plane_bytes), low);
    }
  }
}

void put(std::byte* to, __m512i value, bool stream) {
  if (!stream) return _mm512_storeu_si512(to, value);
  // Rows start on any 32 bytes; the write-combining buffer joins the halves.
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(value));
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to + 32), _mm512_extracti64x4_epi64(value, 1));
}

template <Storage S>
void store_two(std::byte* to, std::int64_t plane_bytes, __m512 first, __m512 second, bool stream) {
  if constexpr (S == Storage::kFloat32) {
    put(to, _mm512_castps_si512(first), stream);
    put(to + 64, _mm512_castps_si512(second), stream);
  } else {
    const auto high = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
    put(to, high, stream);
    if constexpr (S == Storage::kSplit) {
      const __m512 low0 = first - widen<0>(high);
      const __m512 low1 = second - widen<16>(high);
      put(to + plane_bytes, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(low1, low0)), stream);
    }
  }
}

/// A run of elements with scale and shift of their own each.
template <Storage S, bool Add, bool Scale>
class Run {
 public:
  explicit Run(const PointwiseArgs& args)
      : args_(args), floor_(args.relu ? _mm512_setzero_ps() : _mm512_set1_ps(-__builtin_inff())) {}

  /// `count` elements from `index` on (of a: from `a_index` on), a multiple of 16; channel 0 is the first one's.
  void one_pixel(std::int64_t index, std::int64_t a_index, std::int64_t count) const {
    std::int64_t c = 0;
    for (; c + 2 * kGranule <= count; c += 2 * kGranule) {
      const __m512 first = value(index + c, a_index + c, c);
      const __m512 second = value(index + c + kGranule, a_index + c + kGranule, c + kGranule);
      store_two<S>(out(index + c), args_.out.plane_bytes, first, second, args_.stream);
    }
    if (c < count) store_granule<S>(out(index + c), args_.out.plane_bytes, value(index + c, a_index + c, c));
  }
  /// Two neighbouring pixels of 16 channels.
  void two_pixels(std::int64_t index, std::int64_t first_a, std::int64_t second_a) const {
    const __m512 first = value(index, first_a, 0);
    const __m512 second = value(index + kGranule, second_a, 0);
    store_two<S>(out(index), args_.out.plane_bytes, first, second, args_.stream);
  }

 private:
  static constexpr std::int64_t kBytes = element_bytes(S);

  std::byte* out(std::int64_t index) const { return args_.out.pixels + index * kBytes; }
  __m512 value(std::int64_t index, std::int64_t a_index, std::int64_t c) const {
    __m512 value = load<S>(args_.a.pixels + a_index * kBytes, args_.a.plane_bytes);
    if constexpr (Add) value += load<S>(args_.b.pixels + index * kBytes, args_.b.plane_bytes);
    if constexpr (Scale) {
      value = _mm512_fmadd_ps(_mm512_load_ps(args_.scale + c), value, _mm512_load_ps(args_.shift + c));
    }
    // The second operand is what remains of a NaN.
    return _mm512_maskz_max_ps(0xffff, floor_, value);
  }

  const PointwiseArgs args_;  // a copy: stores cannot change it
  __m512 floor_;
};

template <Storage S, bool Add, bool Scale>
void row(const PointwiseArgs& args) {
  const Run<S, Add, Scale> run(args);
  const int shrink = args.enlarge ? 1 : 0;
  // Where channels do not matter, the row is one long pixel.
  const bool long_pixel = !Scale && !args.enlarge;
  const std::int64_t channels = long_pixel ? args.channels * args.width : args.channels;
  const std::int64_t width = long_pixel ? 1 : args.width;
  std::int64_t x = 0;
  if (channels == kGranule) {
    for (; x + 2 <= width; x += 2) {
      run.two_pixels(x * channels, (x >> shrink) * channels, ((x + 1) >> shrink) * channels);
    }
  }
  for (; x < width; ++x) run.one_pixel(x * channels, (x >> shrink) * channels, channels);
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

}  // namespace histojet::kernels::avx512bf16
