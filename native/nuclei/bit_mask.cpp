#include "nuclei/bit_mask.hpp"

namespace histojet::nuclei {

void BitMask::set_run(std::int64_t y, std::int64_t start, std::int64_t end) {
  if (start >= end) return;
  std::uint64_t* words = row(y);
  const std::int64_t first = start / 64, last = (end - 1) / 64;
  const std::uint64_t head = ~std::uint64_t{0} << (start % 64), tail = ~std::uint64_t{0} >> (63 - (end - 1) % 64);
  if (first == last) {
    words[first] |= head & tail;
    return;
  }
  words[first] |= head;
  for (std::int64_t w = first + 1; w < last; ++w) words[w] = ~std::uint64_t{0};
  words[last] |= tail;
}

void BitMask::invert() {
  for (std::uint64_t& word : bits_) word = ~word;
  if (width_ % 64 == 0) return;
  const std::uint64_t inside = ~std::uint64_t{0} >> (64 - width_ % 64);
  for (std::int64_t y = 0; y < height_; ++y) row(y)[words_ - 1] &= inside;
}

}  // namespace histojet::nuclei
