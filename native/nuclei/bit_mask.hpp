#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace histojet::nuclei {

/// A binary image of 64 pixels per word, so that morphology and the search for runs touch 64 pixels at a time.
/// Bit i of word w in a row is column 64 w + i; the bits beyond the width are always 0.
class BitMask {
 public:
  BitMask(std::int64_t height, std::int64_t width)
      : height_(height), width_(width), words_((width + 63) / 64), bits_(static_cast<std::size_t>(height * words_)) {}

  std::int64_t height() const { return height_; }
  std::int64_t width() const { return width_; }
  /// Words in a row.
  std::int64_t words() const { return words_; }
  std::uint64_t* row(std::int64_t y) { return bits_.data() + y * words_; }
  const std::uint64_t* row(std::int64_t y) const { return bits_.data() + y * words_; }

  bool get(std::int64_t y, std::int64_t x) const { return row(y)[x / 64] >> (x % 64) & 1; }
  void set(std::int64_t y, std::int64_t x) { row(y)[x / 64] |= std::uint64_t{1} << (x % 64); }
  /// Sets columns [start, end) of row `y`.
  void set_run(std::int64_t y, std::int64_t start, std::int64_t end);
  /// Every pixel becomes its opposite.
  void invert();

  bool operator==(const BitMask& other) const = default;

 private:
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t words_;
  std::vector<std::uint64_t> bits_;
};

/// Calls visit(start, end) for each maximal run of ones [start, end) of row `y`, left to right.
template <class Visit>
void for_each_run(const BitMask& mask, std::int64_t y, Visit visit) {
  const std::uint64_t* row = mask.row(y);
  const std::int64_t words = mask.words();
  std::int64_t start = -1;
  for (std::int64_t w = 0; w < words; ++w) {
    const std::uint64_t word = row[w];
    if (word == (start < 0 ? 0 : ~std::uint64_t{0})) continue;
    // A bit that differs from its left neighbour starts or ends a run.
    std::uint64_t changes = word ^ (word << 1 | (start >= 0 ? 1 : 0));
    for (; changes; changes &= changes - 1) {
      const std::int64_t x = 64 * w + std::countr_zero(changes);
      if (start < 0) {
        start = x;
      } else {
        visit(start, x);
        start = -1;
      }
    }
  }
  if (start >= 0) visit(start, mask.width());
}

}  // namespace histojet::nuclei
