#include "tiles/block_filter.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include "base/checked.hpp"
#include "base/executor.hpp"
#include "tiles/filter_rows.hpp"

namespace histojet::tiles {
namespace {

constexpr std::int64_t kBlockSide_px = 2048;
constexpr std::int64_t kBandPixels = 4 << 20;

/// One block of output pixels, given as indices into the two filters, made from bands of source rows.
class Block {
 public:
  Block(const SourceReader& source, const AxisFilter& columns, const AxisFilter& rows, Image& out,
        std::int64_t column_begin, std::int64_t column_end)
      : source_(source),
        columns_(columns),
        rows_(rows),
        out_(out),
        begin_(column_begin),
        end_(column_end),
        source_x_(columns.starts[column_begin]),
        source_width_(columns.end_of(column_end - 1) - source_x_),
        band_rows_(std::max<std::int64_t>(16, kBandPixels / source_width_)),
        sums_(static_cast<std::size_t>(source_width_ * out.channels + 4), 0.0f) {}

  void run(std::int64_t row_begin, std::int64_t row_end, const CancelToken& cancel) {
    source_end_ = rows_.end_of(row_end - 1);
    for (std::int64_t k = row_begin; k < row_end; ++k) {
      cancel.throw_if_cancelled();
      sum_rows(k);
      const std::int64_t x = columns_.first + begin_;
      filter_columns(columns_, begin_, end_, sums_.data(), source_x_, out_.channels,
                     out_.row(rows_.first + k) + x * out_.channels);
    }
  }

 private:
  void load(std::int64_t y) {
    band_begin_ = y;
    band_end_ = std::min(y + band_rows_, source_end_);
    band_ = source_(source_x_, band_begin_, source_width_, band_end_ - band_begin_, scratch_);
  }

  void sum_rows(std::int64_t k) {
    const std::int64_t stop = rows_.end_of(k);
    const float* weights = rows_.weights.data() + k * rows_.taps;
    std::int64_t y = rows_.starts[k];
    const bool fits = stop - y <= band_rows_;
    if (y < band_begin_ || (fits && stop > band_end_)) load(y);
    bool first = true;
    while (y < stop) {
      if (y >= band_end_) load(y);
      weighted_.clear();
      for (; y < std::min(stop, band_end_); ++y) weighted_.push_back({band_.row(y - band_begin_), *weights++});
      const auto add = out_.channels == 4 ? add_rows_premultiplied : add_rows;
      add(weighted_, source_width_ * out_.channels, first, sums_.data());
      first = false;
    }
  }

  const SourceReader& source_;
  const AxisFilter& columns_;
  const AxisFilter& rows_;
  Image& out_;
  std::int64_t begin_, end_;
  std::int64_t source_x_, source_width_, source_end_ = 0;
  std::int64_t band_rows_, band_begin_ = 0, band_end_ = 0;
  ImageView band_;
  Image scratch_;
  std::vector<WeightedRow> weighted_;
  std::vector<float> sums_;
};

/// Output pixels per block so that a block reads about kBlockSide_px source pixels along this axis.
std::int64_t block_length(const AxisFilter& filter) {
  const std::int64_t span = filter.end_of(filter.count - 1) - filter.starts.front();
  const std::int64_t blocks = std::max<std::int64_t>(1, (span + kBlockSide_px / 2) / kBlockSide_px);
  return std::max<std::int64_t>(1, ceil_div(filter.count, blocks));
}

}  // namespace

void filter_image(const SourceReader& source, const AxisFilter& columns, const AxisFilter& rows, Image& out,
                  const CancelToken& cancel) {
  if (columns.count == 0 || rows.count == 0) return;
  const std::int64_t width = block_length(columns);
  const std::int64_t height = block_length(rows);
  const std::int64_t across = ceil_div(columns.count, width);
  Executor::instance().parallel_for(across * ceil_div(rows.count, height), 0, [&](std::int64_t i) {
    const std::int64_t column = i % across * width;
    const std::int64_t row = i / across * height;
    Block block(source, columns, rows, out, column, std::min(column + width, columns.count));
    block.run(row, std::min(row + height, rows.count), cancel);
  });
}

}  // namespace histojet::tiles
