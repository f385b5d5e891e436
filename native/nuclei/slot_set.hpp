#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace histojet::nuclei {

/// A set of numbers below a size, of which the smallest one is found by a few steps down a tree of 64-bit words.
class SlotSet {
 public:
  /// Empties the set and makes room for numbers below `size`.
  void reset(std::size_t size) {
    starts_.clear();
    std::size_t words = 0;
    for (std::size_t level = size; words == 0 || level > 1;) {
      level = (level + 63) / 64;
      starts_.push_back(words);
      words += level > 0 ? level : 1;
    }
    words_.assign(words, 0);
  }

  bool empty() const { return words_[starts_.back()] == 0; }

  void insert(std::size_t i) {
    for (const std::size_t start : starts_) {
      std::uint64_t& word = words_[start + i / 64];
      const std::uint64_t before = word;
      word |= std::uint64_t{1} << (i % 64);
      if (before != 0) return;
      i /= 64;
    }
  }

  /// The smallest number; the set must not be empty.
  std::size_t smallest() const {
    std::size_t i = 0;
    for (std::size_t level = starts_.size(); level > 0; --level) {
      i = 64 * i + static_cast<std::size_t>(std::countr_zero(words_[starts_[level - 1] + i]));
    }
    return i;
  }

  void erase(std::size_t i) {
    for (const std::size_t start : starts_) {
      std::uint64_t& word = words_[start + i / 64];
      word &= ~(std::uint64_t{1} << (i % 64));
      if (word != 0) return;
      i /= 64;
    }
  }

 private:
  std::vector<std::size_t> starts_;   ///< first word of each level, the finest first
  std::vector<std::uint64_t> words_;  ///< one bit per number; above, one bit per word that is not 0
};

}  // namespace histojet::nuclei
