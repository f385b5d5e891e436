#include <algorithm>

#include "models/pixel_mamba/grid_sweep.hpp"
#include "models/pixel_mamba/sequence_sweep.hpp"

namespace histojet::models {
namespace {

/// The tokens of a grid in windows of the picture's grid.
class WindowWalk {
 public:
  WindowWalk(const SlideGrid& grid, std::int64_t window)
      : grid_(grid),
        window_(window),
        top_(grid.first_row() / window * window - grid.first_row()),
        first_left_(grid.first_column() / window * window - grid.first_column()),
        left_(first_left_) {}

  /// The next tokens, at most `count`; none at the end.
  void next(std::int64_t count, std::vector<std::int64_t>& tokens) {
    tokens.clear();
    while (top_ < grid_.rows() && static_cast<std::int64_t>(tokens.size()) < count) {
      const std::int64_t row = top_ + inside_ / window_, column = left_ + inside_ % window_;
      if (row >= 0 && column >= 0 && row < grid_.rows() && column < grid_.columns()) {
        const std::int64_t token = grid_.token(row, column);
        if (token >= 0) tokens.push_back(token);
      }
      step();
    }
  }

 private:
  void step() {
    if (++inside_ < window_ * window_) return;
    inside_ = 0;
    left_ += window_;
    if (left_ < grid_.columns()) return;
    left_ = first_left_;
    top_ += window_;
  }

  const SlideGrid& grid_;
  std::int64_t window_;
  std::int64_t top_;
  std::int64_t first_left_;
  std::int64_t left_;
  std::int64_t inside_ = 0;
};

/// Runs body(first position, tokens) for runs of the tokens in windows.
template <class Body>
void in_windows(const RunContext& context, const SlideGrid& grid, std::int64_t window, std::int64_t at_once,
                const Body& body) {
  WindowWalk walk(grid, window);
  std::vector<std::int64_t> tokens;
  for (std::int64_t position = 0;; position += static_cast<std::int64_t>(tokens.size())) {
    context.cancel.throw_if_cancelled();
    walk.next(at_once, tokens);
    if (tokens.empty()) return;
    body(position, tokens);
  }
}

}  // namespace

SlideGrid::SlideGrid(const StageForm& form, const std::vector<tokens::GridCell>& cells)
    : grid_(form.grid), position_(tokens::inverse_order(form.places)) {
  const auto [top, bottom] = std::ranges::minmax(cells, {}, &tokens::GridCell::row);
  const auto [left, right] = std::ranges::minmax(cells, {}, &tokens::GridCell::column);
  top_ = top.row;
  left_ = left.column;
  cell_rows_ = bottom.row - top_ + 1;
  cell_columns_ = right.column - left_ + 1;
  number_.assign(static_cast<std::size_t>(cell_rows_ * cell_columns_), -1);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::int64_t place = (cells[i].row - top_) * cell_columns_ + cells[i].column - left_;
    number_[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(i);
  }
}

void to_windows(const RunContext& context, const SlideGrid& grid, std::int64_t window, const TokenStore& sequence,
                TokenStore& windows) {
  const std::int64_t dim = sequence.dim(), at_once = chunk_tokens(dim);
  std::vector<float> values(static_cast<std::size_t>(at_once * dim));
  in_windows(context, grid, window, at_once, [&](std::int64_t position, const std::vector<std::int64_t>& tokens) {
    sequence.gather(tokens, values.data(), dim);
    windows.write(position, static_cast<std::int64_t>(tokens.size()), values.data(), dim);
  });
}

void from_windows(const RunContext& context, const SlideGrid& grid, std::int64_t window, const TokenStore& windows,
                  TokenStore& sequence) {
  const std::int64_t dim = sequence.dim(), at_once = chunk_tokens(dim);
  std::vector<float> values(static_cast<std::size_t>(at_once * dim));
  in_windows(context, grid, window, at_once, [&](std::int64_t position, const std::vector<std::int64_t>& tokens) {
    windows.read(position, static_cast<std::int64_t>(tokens.size()), values.data(), dim);
    sequence.scatter(tokens, values.data(), dim);
  });
}

}  // namespace histojet::models
