#include "nuclei/type_vote.hpp"

#include <emmintrin.h>

#include <algorithm>
#include <array>

namespace histojet::nuclei {
namespace {

float share(std::int64_t count, std::int64_t area) {
  return static_cast<float>(static_cast<double>(count) / (static_cast<double>(area) + 1e-6));
}

/// How many bytes equal the value, in two halves; `mask` says which of the bytes count.
__m128i equal_bytes(__m128i bytes, __m128i value, __m128i mask) {
  const __m128i equal = _mm_and_si128(_mm_cmpeq_epi8(bytes, value), mask);
  return _mm_sad_epu8(_mm_sub_epi8(_mm_setzero_si128(), equal), _mm_setzero_si128());
}

std::int64_t sum_of_halves(__m128i sums) {
  return _mm_cvtsi128_si64(sums) + _mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
}

/// Bytes among the `count` from `from` on that equal `value`. Nothing outside of them is read.
std::int64_t count_equal(const std::uint8_t* from, std::int64_t count, std::uint8_t value) {
  // The last bytes are read together with some that were counted before, which the mask leaves out.
  alignas(16) static constexpr std::array<std::uint8_t, 32> kMasks = [] {
    std::array<std::uint8_t, 32> bytes{};
    for (std::size_t i = 16; i < 32; ++i) bytes[i] = 0xff;
    return bytes;
  }();
  const auto last_bytes = [](std::int64_t kept) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(kMasks.data() + kept));
  };
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(value));
  if (count >= 16) {
    __m128i sums = _mm_setzero_si128();
    std::int64_t i = 0;
    for (; i + 16 <= count; i += 16) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      sums = _mm_add_epi64(sums, equal_bytes(bytes, wanted, _mm_set1_epi8(-1)));
    }
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + count - 16));
    return sum_of_halves(_mm_add_epi64(sums, equal_bytes(bytes, wanted, last_bytes(count - i))));
  }
  if (count >= 8) {
    const __m128i first = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    const __m128i last = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + count - 8));
    const __m128i bytes = _mm_unpacklo_epi64(first, last);
    const __m128i mask = _mm_or_si128(last_bytes(count - 8), _mm_srli_si128(_mm_set1_epi8(-1), 8));
    return sum_of_halves(equal_bytes(bytes, wanted, mask));
  }
  std::int64_t found = 0;
  for (std::int64_t i = 0; i < count; ++i) found += from[i] == value;
  return found;
}

/// The most frequent class by counting all of them.
TypeVote count_all(const std::uint8_t* types, std::int64_t width, std::span<const Run> runs) {
  // Neighbours are mostly of one class: in one table each count would wait for the one before it.
  std::array<std::array<std::int32_t, 256>, 4> tables{};
  std::int64_t area = 0;
  for (const Run& run : runs) {
    const std::uint8_t* row = types + run.row * width;
    std::int32_t x = run.start;
    for (; x + 4 <= run.end; x += 4) {
      for (std::int32_t k = 0; k < 4; ++k) ++tables[k][row[x + k]];
    }
    for (; x < run.end; ++x) ++tables[0][row[x]];
    area += run.end - run.start;
  }
  std::array<std::int64_t, 256> counts;
  for (std::size_t type = 0; type < counts.size(); ++type) {
    counts[type] = std::int64_t{tables[0][type]} + tables[1][type] + tables[2][type] + tables[3][type];
  }
  auto best = std::max_element(counts.begin(), counts.end());
  if (best == counts.begin()) {
    const auto second = std::max_element(counts.begin() + 1, counts.end());
    if (*second > 0) best = second;
  }
  return {static_cast<std::uint8_t>(best - counts.begin()), share(*best, area)};
}

}  // namespace

TypeVote vote(const std::uint8_t* types, std::int64_t width, std::span<const Run> runs) {
  if (runs.empty()) return count_all(types, width, runs);
  // Most objects are of one class: one that more than half of the pixels carry needs no other counts.
  const Run& middle = runs[runs.size() / 2];
  const std::uint8_t type = types[middle.row * width + (middle.start + middle.end) / 2];
  std::int64_t area = 0;
  std::int64_t count = 0;
  for (const Run& run : runs) {
    count += count_equal(types + run.row * width + run.start, run.end - run.start, type);
    area += run.end - run.start;
  }
  if (type == 0 || 2 * count <= area) return count_all(types, width, runs);
  return {type, share(count, area)};
}

}  // namespace histojet::nuclei
