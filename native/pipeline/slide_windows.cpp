#include "pipeline/slide_windows.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::pipeline {

SlideWindows::SlideWindows(const slide::Slide& slide, double scale_x, double scale_y, const slide::Rect& region,
                           const tiles::TissueMask* mask, double min_tissue)
    : scale_x_(scale_x), scale_y_(scale_y) {
  const double core_width = static_cast<double>(kCore_px) * scale_x;
  const double core_height = static_cast<double>(kCore_px) * scale_y;
  const auto right = static_cast<double>(std::min(slide.width(), region.x + region.width));
  const auto bottom = static_cast<double>(std::min(slide.height(), region.y + region.height));
  const auto first_column = static_cast<std::int64_t>(std::floor(std::max<double>(region.x, 0) / core_width));
  const auto first_row = static_cast<std::int64_t>(std::floor(std::max<double>(region.y, 0) / core_height));
  for (std::int64_t row = first_row; row * core_height < bottom; ++row) {
    for (std::int64_t column = first_column; column * core_width < right; ++column) {
      const double x = column * core_width, y = row * core_height;
      const double width = std::min(core_width, slide.width() - x), height = std::min(core_height, slide.height() - y);
      if (mask != nullptr && mask->share(x, y, width, height) <= min_tissue) continue;
      windows_.push_back({column, row});
    }
  }
}

std::vector<Strip> SlideWindows::strips(std::int64_t largest) const {
  std::vector<Strip> strips;
  for (std::int64_t i = 0; i < count(); ++i) {
    const bool adjacent =
        i > 0 && windows_[i].row == windows_[i - 1].row && windows_[i].column == windows_[i - 1].column + 1;
    if (adjacent && strips.back().count < largest) {
      ++strips.back().count;
    } else {
      strips.push_back({i, 1});
    }
  }
  return strips;
}

nuclei::Core SlideWindows::core(std::int64_t index) const {
  const Cell& cell = windows_[index];
  // Computed from the cell's number, not by adding up: neighbours then share the very same border.
  return {cell.column * kCore_px * scale_x_, cell.row * kCore_px * scale_y_, (cell.column + 1) * kCore_px * scale_x_,
          (cell.row + 1) * kCore_px * scale_y_};
}

double SlideWindows::left(std::int64_t index, std::int64_t margin) const {
  return static_cast<double>(windows_[index].column * kCore_px - kContext_px - margin) * scale_x_;
}

double SlideWindows::top(std::int64_t index, std::int64_t margin) const {
  return static_cast<double>(windows_[index].row * kCore_px - kContext_px - margin) * scale_y_;
}

}  // namespace histojet::pipeline
