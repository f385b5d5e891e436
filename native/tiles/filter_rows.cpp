#include "tiles/filter_rows.hpp"

#include <emmintrin.h>

#include <cstring>

namespace histojet::tiles {
namespace {

struct Floats16 {
  __m128 part[4];
};

Floats16 widen(const std::uint8_t* pixels) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(pixels));
  const __m128i low = _mm_unpacklo_epi8(bytes, zero);
  const __m128i high = _mm_unpackhi_epi8(bytes, zero);
  return {{_mm_cvtepi32_ps(_mm_unpacklo_epi16(low, zero)), _mm_cvtepi32_ps(_mm_unpackhi_epi16(low, zero)),
           _mm_cvtepi32_ps(_mm_unpacklo_epi16(high, zero)), _mm_cvtepi32_ps(_mm_unpackhi_epi16(high, zero))}};
}

/// Up to four rows in one pass over the sums, which then are loaded and stored once.
template <int kRows>
void add_group(const WeightedRow* rows, std::int64_t samples, bool first, float* sums) {
  std::int64_t i = 0;
  for (; i + 16 <= samples; i += 16) {
    __m128 total[4];
    for (int p = 0; p < 4; ++p) total[p] = first ? _mm_setzero_ps() : _mm_loadu_ps(sums + i + 4 * p);
    for (int r = 0; r < kRows; ++r) {
      const Floats16 values = widen(rows[r].pixels + i);
      const __m128 weight = _mm_set1_ps(rows[r].weight);
      for (int p = 0; p < 4; ++p) total[p] = _mm_add_ps(total[p], _mm_mul_ps(weight, values.part[p]));
    }
    for (int p = 0; p < 4; ++p) _mm_storeu_ps(sums + i + 4 * p, total[p]);
  }
  for (; i < samples; ++i) {
    float total = first ? 0.0f : sums[i];
    for (int r = 0; r < kRows; ++r) total += rows[r].weight * static_cast<float>(rows[r].pixels[i]);
    sums[i] = total;
  }
}

template <int kChannels>
__m128 weighted_pixels(const float* pixels, const float* weights, int count) {
  __m128 sum = _mm_setzero_ps();
  for (int t = 0; t < count; ++t) {
    sum = _mm_add_ps(sum, _mm_mul_ps(_mm_set1_ps(weights[t]), _mm_loadu_ps(pixels + kChannels * t)));
  }
  return sum;
}

std::uint32_t to_bytes(__m128 values) {
  const __m128i words = _mm_packs_epi32(_mm_cvtps_epi32(values), _mm_setzero_si128());
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(_mm_packus_epi16(words, words)));
}

void rgb_columns(const AxisFilter& filter, std::int64_t begin, std::int64_t end, const float* row,
                 std::int64_t source_begin, std::uint8_t* out) {
  for (std::int64_t k = begin; k < end; ++k, out += 3) {
    const float* weights = filter.weights.data() + k * filter.taps;
    const float* pixels = row + 3 * (filter.starts[k] - source_begin);
    const int count = filter.counts[k];
    const std::uint32_t bytes =
        to_bytes(count == 4 ? weighted_pixels<3>(pixels, weights, 4) : weighted_pixels<3>(pixels, weights, count));
    std::memcpy(out, &bytes, k + 1 < end ? 4 : 3);  // the fourth byte is overwritten by the next pixel
  }
}

void rgba_columns(const AxisFilter& filter, std::int64_t begin, std::int64_t end, const float* row,
                  std::int64_t source_begin, std::uint8_t* out) {
  for (std::int64_t k = begin; k < end; ++k, out += 4) {
    alignas(16) float sum[4];
    _mm_store_ps(sum, weighted_pixels<4>(row + 4 * (filter.starts[k] - source_begin),
                                         filter.weights.data() + k * filter.taps, filter.counts[k]));
    const float scale = sum[3] > 0 ? 255.0f / sum[3] : 0.0f;
    const std::uint32_t bytes = to_bytes(_mm_set_ps(sum[3], sum[2] * scale, sum[1] * scale, sum[0] * scale));
    std::memcpy(out, &bytes, 4);
  }
}

void gray_columns(const AxisFilter& filter, std::int64_t begin, std::int64_t end, const float* row,
                  std::int64_t source_begin, std::uint8_t* out) {
  for (std::int64_t k = begin; k < end; ++k) {
    float sum = 0;
    for (int t = 0; t < filter.counts[k]; ++t) {
      sum += filter.weights[k * filter.taps + t] * row[filter.starts[k] - source_begin + t];
    }
    *out++ = static_cast<std::uint8_t>(to_bytes(_mm_set1_ps(sum)));
  }
}

}  // namespace

void add_rows(std::span<const WeightedRow> rows, std::int64_t samples, bool first, float* sums) {
  while (!rows.empty()) {
    const std::size_t group = rows.size() >= 4 ? 4 : rows.size();
    switch (group) {
      case 4:
        add_group<4>(rows.data(), samples, first, sums);
        break;
      case 3:
        add_group<3>(rows.data(), samples, first, sums);
        break;
      case 2:
        add_group<2>(rows.data(), samples, first, sums);
        break;
      default:
        add_group<1>(rows.data(), samples, first, sums);
        break;
    }
    first = false;
    rows = rows.subspan(group);
  }
}

void add_rows_premultiplied(std::span<const WeightedRow> rows, std::int64_t samples, bool first, float* sums) {
  if (first) std::memset(sums, 0, static_cast<std::size_t>(samples) * sizeof(float));
  for (const WeightedRow& row : rows) {
    for (std::int64_t i = 0; i < samples; i += 4) {
      const float alpha = row.pixels[i + 3];
      const float share = row.weight * (alpha / 255.0f);
      for (int c = 0; c < 3; ++c) sums[i + c] += share * static_cast<float>(row.pixels[i + c]);
      sums[i + 3] += row.weight * alpha;
    }
  }
}

void filter_columns(const AxisFilter& filter, std::int64_t begin, std::int64_t end, const float* row,
                    std::int64_t source_begin, int channels, std::uint8_t* out) {
  switch (channels) {
    case 3:
      return rgb_columns(filter, begin, end, row, source_begin, out);
    case 4:
      return rgba_columns(filter, begin, end, row, source_begin, out);
    default:
      return gray_columns(filter, begin, end, row, source_begin, out);
  }
}

}  // namespace histojet::tiles
