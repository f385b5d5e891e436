#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace histojet::nuclei {

/// Pixels by value, those of equal value in the order in which they came. A fixed number of buckets, each a sorted list
/// that seldom holds more than one pixel: a flood has only its front in the queue. Two steps over words of 64 buckets
/// find the smallest.
class ValueQueue {
 public:
  /// Empties the queue for pixels below `count`. `values` must outlive all use; those between `low` and `high`
  /// are spread over the buckets, the rest goes to the first and the last one.
  void reset(const double* values, std::size_t count, double low, double high) {
    values_ = values;
    if (next_.size() < count) next_.resize(count);
    sort_into_buckets(count, low, high);
    words_.fill(0);
    summary_ = 0;
    steps_ = 0;
  }

  bool empty() const { return summary_ == 0; }

  /// @returns whether the queue holds another pixel of this value.
  bool push(std::uint32_t pixel) {
    const std::size_t bucket = buckets_[pixel];
    std::uint64_t& word = words_[bucket / 64];
    const std::uint64_t bit = std::uint64_t{1} << (bucket % 64);
    if ((word & bit) != 0) return join(lists_[bucket], pixel);
    word |= bit;
    summary_ |= std::uint64_t{1} << (bucket / 64);
    lists_[bucket] = {pixel, pixel};
    return false;
  }

  /// Says that pixels at and next to `place` may soon be pushed.
  void prefetch(std::size_t place) const { __builtin_prefetch(buckets_.data() + place); }

  /// The first pixel; the queue must not be empty.
  std::uint32_t top() const { return lists_[first_bucket()].head; }

  /// Takes the first pixel out; the queue must not be empty.
  std::uint32_t pop() {
    const std::size_t bucket = first_bucket();
    const List list = lists_[bucket];
    if (list.head != list.tail) {
      lists_[bucket].head = next_[list.head];
      return list.head;
    }
    // The bucket is the lowest bit of both words.
    std::uint64_t& word = words_[bucket / 64];
    word &= word - 1;
    if (word == 0) summary_ &= summary_ - 1;
    return list.head;
  }

  /// Steps along lists since the reset: far more than pixels where many values are crowded into one bucket.
  std::size_t steps() const { return steps_; }

 private:
  static constexpr std::size_t kBuckets = 4096;

  struct List {
    std::uint32_t head;
    std::uint32_t tail;
  };

  /// All at once: the next pixel of a flood depends on those that were just pushed, and would wait for each of these
  /// computations.
  void sort_into_buckets(std::size_t count, double low, double high);

  std::size_t first_bucket() const {
    const auto word = static_cast<std::size_t>(std::countr_zero(summary_));
    return 64 * word + static_cast<std::size_t>(std::countr_zero(words_[word]));
  }

  /// Puts `pixel` behind all of its value or less.
  [[gnu::noinline]] bool join(List& list, std::uint32_t pixel) {
    const double value = values_[pixel];
    if (!(value < values_[list.tail])) {
      const bool equal = value == values_[list.tail];
      next_[list.tail] = pixel;
      list.tail = pixel;
      return equal;
    }
    std::uint32_t before = list.head;
    if (value < values_[before]) {
      next_[pixel] = before;
      list.head = pixel;
      return false;
    }
    for (; !(value < values_[next_[before]]); before = next_[before]) ++steps_;
    next_[pixel] = next_[before];
    next_[before] = pixel;
    return value == values_[before];
  }

  const double* values_ = nullptr;
  std::uint64_t summary_ = 0;                         ///< one bit per word that is not 0
  std::array<std::uint64_t, kBuckets / 64> words_{};  ///< one bit per bucket that is not empty
  std::array<List, kBuckets> lists_{};                ///< of the buckets that are not empty
  std::vector<std::uint16_t> buckets_;                ///< [pixels]
  std::vector<std::uint32_t> next_;  ///< [pixels] of those in the queue but the last of a list: the one behind
  std::size_t steps_ = 0;
};

}  // namespace histojet::nuclei
