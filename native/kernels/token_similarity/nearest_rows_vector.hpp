#pragma once

#include "kernels/token_similarity/nearest_rows.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// Rows and vectors of columns whose products are in registers together: 24 sums of 32 registers, or 12 of 16.
constexpr std::int64_t kRowsAtOnce = kLanes == 16 ? 8 : 4;
constexpr std::int64_t kVectorsAtOnce = 3;
/// Panels that rows pass by while they stay in the second-level cache.
constexpr std::int64_t kChunkBytes = 768 << 10;
constexpr float kNothing = -__builtin_inff();

/// The largest products of a group of rows so far, per column of a panel, and the number of their panel within the
/// chunk (exact as a float). Panels come in rising order, so that the first of equal products stays.
struct LaneMaxima {
  float best[kRowGroup * kPanelColumns];
  float panel[kRowGroup * kPanelColumns];
};

class NearestRows {
 public:
  explicit NearestRows(const NearestRowsArgs& args) : args_(args) {}

  void run() const {
    const std::int64_t panels = unit_groups_of(args_.column_count, kPanelColumns);
    const std::int64_t panel_bytes = args_.channels * kPanelColumns * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t fitting = kChunkBytes / (panel_bytes > 0 ? panel_bytes : 1);
    const std::int64_t step = fitting < 1 ? 1 : fitting > 4096 ? 4096 : fitting;
    for (std::int64_t i = 0; i < args_.row_count; ++i) {
      args_.best[i] = kNothing;
      args_.column[i] = -1;
    }
    for (std::int64_t first = 0; first < panels; first += step) {
      const std::int64_t end = first + step < panels ? first + step : panels;
      for (std::int64_t row = 0; row < args_.row_count; row += kRowGroup) run_group(row, first, end);
    }
  }

 private:
  static std::int64_t unit_groups_of(std::int64_t count, std::int64_t group) { return (count + group - 1) / group; }

  /// Rows [row, row + kRowGroup) against panels [first, end).
  void run_group(std::int64_t row, std::int64_t first, std::int64_t end) const {
    LaneMaxima maxima;
    for (std::int64_t i = 0; i < kRowGroup * kPanelColumns; i += kLanes) {
      store(maxima.best + i, all(kNothing));
      store(maxima.panel + i, all(0.0f));
    }
    const float* rows = args_.rows + row * args_.channels;
    for (std::int64_t p = first; p < end; ++p) {
      const float* panel = args_.panels + p * args_.channels * kPanelColumns;
      const std::int64_t left = args_.column_count - p * kPanelColumns;
      const auto number = static_cast<float>(p - first);
      for (std::int64_t column = 0; column < kPanelColumns && column < left; column += kVectorsAtOnce * kLanes) {
        const std::int64_t vectors = unit_groups_of(left - column, kLanes);
        for (std::int64_t r = 0; r < kRowGroup; r += kRowsAtOnce) {
          const std::int64_t lane = r * kPanelColumns + column;
          if (vectors >= 3) {
            multiply<3>(rows + r, panel + column, number, maxima, lane);
          } else if (vectors == 2) {
            multiply<2>(rows + r, panel + column, number, maxima, lane);
          } else {
            multiply<1>(rows + r, panel + column, number, maxima, lane);
          }
        }
      }
    }
    for (std::int64_t r = 0; r < kRowGroup && row + r < args_.row_count; ++r) finish(maxima, r, row + r, first);
  }

  // Not inlined: the compiler would try to keep the maxima in registers that the sums need.
  template <int Vectors>
  [[gnu::noinline]] void multiply(const float* rows, const float* panel, float number, LaneMaxima& maxima,
                                  std::int64_t lane) const {
    Floats sums[kRowsAtOnce][Vectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRowsAtOnce; ++r) {
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) sums[r][v] = all(0.0f);
    }
    const std::int64_t channels = args_.channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      Floats columns[Vectors];
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) columns[v] = load(panel + c * kPanelColumns + v * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRowsAtOnce; ++r) {
        const Floats value = all(rows[c * kRowGroup + r]);
#pragma GCC unroll 3
        for (int v = 0; v < Vectors; ++v) sums[r][v] = fma(value, columns[v], sums[r][v]);
      }
    }
    const Floats panel_number = all(number);
#pragma GCC unroll 8
    for (int r = 0; r < kRowsAtOnce; ++r) {
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; ++v) {
        const std::int64_t place = lane + r * kPanelColumns + v * kLanes;
        const Floats before = load(maxima.best + place);
        const Mask larger = less(before, sums[r][v]);
        store(maxima.best + place, select(larger, sums[r][v], before));
        store(maxima.panel + place, select(larger, panel_number, load(maxima.panel + place)));
      }
    }
  }

  /// The best lane of row `r`, if it beats what earlier chunks found.
  void finish(const LaneMaxima& maxima, std::int64_t r, std::int64_t row, std::int64_t first_panel) const {
    const float* best = maxima.best + r * kPanelColumns;
    const float* panel = maxima.panel + r * kPanelColumns;
    Floats largest = load(best);
    for (std::int64_t i = kLanes; i < kPanelColumns; i += kLanes) largest = max(largest, load(best + i));
    const float value = max_of_lanes(largest);
    if (!(value > args_.best[row])) return;
    constexpr float kFar = 1e9f;
    Floats lowest = all(kFar);
    for (std::int64_t i = 0; i < kPanelColumns; i += kLanes) {
      const Floats column = fma(load(panel + i), all(static_cast<float>(kPanelColumns)), load(kLaneNumbers + i));
      lowest = min(lowest, select(less(load(best + i), all(value)), all(kFar), column));
    }
    const float column = -max_of_lanes(all(0.0f) - lowest);
    args_.best[row] = value;
    args_.column[row] = static_cast<std::int32_t>(first_panel * kPanelColumns + static_cast<std::int64_t>(column));
  }

  static constexpr float kLaneNumbers[kPanelColumns] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                                        16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
                                                        32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47};

  const NearestRowsArgs args_;  // a copy: stores cannot change it
};

}  // namespace
}  // namespace histojet::kernels
