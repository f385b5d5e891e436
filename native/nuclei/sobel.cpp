#include "nuclei/sobel.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"
#include "kernels/nuclei_maps/sobel_pass.hpp"
#include "nuclei/reflect.hpp"

namespace histojet::nuclei {
namespace {

constexpr std::int64_t kStripWidth = kernels::kSobelStride;
/// Rows per column pass.
constexpr std::int64_t kChunk = 16;
/// Column passes until the rows that the next one needs are moved to the front; all these rows fit the second cache.
constexpr std::int64_t kChunks = 16;
/// The maps are far larger than the caches, and a strip is too narrow for the processor to see where it goes.
constexpr std::int64_t kRowsAhead = 4;

std::vector<double> binomial(int n) {
  std::vector<double> row{1};
  for (int i = 0; i < n; ++i) {
    row.push_back(0);
    for (std::size_t k = row.size() - 1; k > 0; --k) row[k] += row[k - 1];
  }
  return row;
}

/// Centre and right half of a filter; the left half mirrors it, negated for the derivative.
struct HalfFilter {
  std::vector<double> taps;
  bool symmetric;
};

HalfFilter smoothing(int taps) {
  const std::vector<double> all = binomial(taps - 1);
  return {{all.begin() + taps / 2, all.end()}, true};
}

/// Tap i of binomial * (-1, 0, 1), centre at i = radius.
HalfFilter derivative(int taps) {
  const std::vector<double> narrow = binomial(taps - 3);
  const auto at = [&](int i) { return i < 0 || i >= taps - 2 ? 0.0 : narrow[static_cast<std::size_t>(i)]; };
  HalfFilter filter{{0.0}, false};
  for (int i = taps / 2 + 1; i < taps; ++i) filter.taps.push_back(at(i - 2) - at(i));
  return filter;
}

class Strips {
 public:
  Strips(const float* map, std::int64_t height, std::int64_t width, const Normalization& normalization, int taps,
         Axis axis)
      : map_(map),
        height_(height),
        width_(width),
        normalization_(normalization),
        radius_(taps / 2),
        along_rows_(axis == Axis::kX ? derivative(taps) : smoothing(taps)),
        along_columns_(axis == Axis::kX ? smoothing(taps) : derivative(taps)),
        row_pass_(kernels::kSobelRow.pick(active_isa())),
        column_pass_(kernels::kSobelColumn.pick(active_isa())),
        padded_(make_aligned<double>(static_cast<std::size_t>(kStripWidth + 2 * kernels::kSobelLead))),
        rows_(std::make_unique_for_overwrite<double[]>(
            static_cast<std::size_t>((kChunks * kChunk + 2 * radius_) * kStripWidth))),
        out_(static_cast<std::size_t>(kChunk * kStripWidth)) {}

  /// The columns [x0, x0 + columns).
  void run(std::int64_t x0, std::int64_t columns, const SobelSink& sink, const CancelToken& cancel) {
    for (std::int64_t i = 0; i < 2 * radius_; ++i) filter_row(i - radius_, x0, columns, i);
    std::int64_t top = 0;
    for (std::int64_t y = 0; y < height_; y += kChunk) {
      cancel.throw_if_cancelled();
      const std::int64_t rows = std::min(kChunk, height_ - y);
      for (std::int64_t i = 0; i < rows; ++i) filter_row(y + i + radius_, x0, columns, top + 2 * radius_ + i);
      column_pass_({rows_.get() + (top + radius_) * kStripWidth, along_columns_.taps.data(), radius_,
                    along_columns_.symmetric, columns, rows, out_.data(), range_});
      for (std::int64_t i = 0; i < rows; ++i) {
        sink(y + i, x0, {out_.data() + i * kStripWidth, static_cast<std::size_t>(columns)});
      }
      top += kChunk;
      if (top < kChunks * kChunk) continue;
      std::copy_n(rows_.get() + top * kStripWidth, 2 * radius_ * kStripWidth, rows_.get());
      top = 0;
    }
  }

  ValueRange range() const { return {range_[0], range_[1]}; }

 private:
  /// The row pass of row `y`, reflected when outside, into row `slot` of `rows_`.
  void filter_row(std::int64_t y, std::int64_t x0, std::int64_t columns, std::int64_t slot) {
    const std::int64_t first = std::max<std::int64_t>(0, x0 - radius_);
    const std::int64_t end = std::min(width_, x0 + columns + radius_);
    const float* row = map_ + reflect101(y, height_) * width_;
    if (y >= 0 && y + kRowsAhead < height_) {
      for (std::int64_t x = first; x < end; x += 16) __builtin_prefetch(row + kRowsAhead * width_ + x);
    }
    double* const strip = padded_.get() + kernels::kSobelLead;
    double* const at_zero = strip - x0;
    normalization_.apply({row + first, static_cast<std::size_t>(end - first)}, at_zero + first);
    for (std::int64_t x = x0 - radius_; x < first; ++x) at_zero[x] = at_zero[reflect101(x, width_)];
    for (std::int64_t x = end; x < x0 + columns + radius_; ++x) at_zero[x] = at_zero[reflect101(x, width_)];
    row_pass_(
        {strip, along_rows_.taps.data(), radius_, along_rows_.symmetric, columns, rows_.get() + slot * kStripWidth});
  }

  const float* map_;
  std::int64_t height_;
  std::int64_t width_;
  Normalization normalization_;
  int radius_;
  HalfFilter along_rows_;
  HalfFilter along_columns_;
  kernels::KernelTable<kernels::SobelRowArgs>::Function row_pass_;
  kernels::KernelTable<kernels::SobelColumnArgs>::Function column_pass_;
  AlignedBuffer<double> padded_;    ///< one row of a strip with what lies on either side
  std::unique_ptr<double[]> rows_;  ///< [2 radius + kChunks * kChunk, kStripWidth] after the row pass
  std::vector<double> out_;         ///< [kChunk, kStripWidth]
  double range_[2] = {std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest()};
};

}  // namespace

ValueRange sobel(const float* map, std::int64_t height, std::int64_t width, const Normalization& normalization,
                 int taps, Axis axis, const SobelSink& sink, const CancelToken& cancel) {
  if (taps != 5 && taps != 21) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: Sobel of " + std::to_string(taps) + " taps, expected 5 or 21");
  }
  Strips strips(map, height, width, normalization, taps, axis);
  for (std::int64_t x0 = 0; x0 < width; x0 += kStripWidth) {
    strips.run(x0, std::min(kStripWidth, width - x0), sink, cancel);
  }
  return strips.range();
}

}  // namespace histojet::nuclei
