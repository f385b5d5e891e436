#include "nuclei/value_queue.hpp"

#include <emmintrin.h>

namespace histojet::nuclei {
namespace {

constexpr std::size_t kTogether = 8;

}  // namespace

void ValueQueue::sort_into_buckets(std::size_t count, double low, double high) {
  if (buckets_.size() < count) buckets_.resize(count);
  const double width = high - low;
  const __m128d lowest = _mm_set1_pd(low);
  const __m128d scale = _mm_set1_pd(width > 0 ? static_cast<double>(kBuckets - 1) / width : 0);
  const __m128d last = _mm_set1_pd(static_cast<double>(kBuckets - 1));
  // What is no number goes to the first bucket: the second operand is what remains of a NaN.
  const auto two = [&](const double* from) {
    const __m128d place = _mm_mul_pd(_mm_sub_pd(_mm_loadu_pd(from), lowest), scale);
    return _mm_cvttpd_epi32(_mm_min_pd(_mm_max_pd(place, _mm_setzero_pd()), last));
  };
  const auto four = [&](const double* from) { return _mm_unpacklo_epi64(two(from), two(from + 2)); };
  const auto eight = [&](std::size_t i) {
    const double* from = values_ + i;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(buckets_.data() + i), _mm_packs_epi32(four(from), four(from + 4)));
  };
  std::size_t i = 0;
  for (; i + kTogether <= count; i += kTogether) eight(i);
  if (i == count) return;
  // Some are computed twice, unless there are too few.
  if (count >= kTogether) return eight(count - kTogether);
  double values[kTogether] = {};
  std::uint16_t found[kTogether];
  for (std::size_t k = 0; k < count; ++k) values[k] = values_[k];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(found), _mm_packs_epi32(four(values), four(values + 4)));
  for (std::size_t k = 0; k < count; ++k) buckets_[k] = found[k];
}

}  // namespace histojet::nuclei
