#pragma once

#include <cstdint>
#include <utility>

/// The same windows as bench/windows.mjs draws from a seed, so that all sides read the same ones.
class WindowSequence {
 public:
  WindowSequence(std::uint32_t seed, std::int64_t width, std::int64_t height, std::uint32_t side, std::uint32_t align)
      : state_(seed),
        columns_(static_cast<std::uint32_t>((width - side) / align)),
        rows_(static_cast<std::uint32_t>((height - side) / align)),
        align_(align) {}

  std::pair<std::int64_t, std::int64_t> next() {
    const std::int64_t x = std::int64_t{below(columns_)} * align_;
    const std::int64_t y = std::int64_t{below(rows_)} * align_;
    return {x, y};
  }

 private:
  /// Linear congruential generator (Numerical Recipes), upper bits used.
  std::uint32_t below(std::uint32_t limit) {
    state_ = state_ * 1664525u + 1013904223u;
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(state_) * limit) >> 32);
  }

  std::uint32_t state_;
  std::uint32_t columns_;
  std::uint32_t rows_;
  std::uint32_t align_;
};
