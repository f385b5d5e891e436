#include "nuclei/density_grid.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "nuclei/gaussian.hpp"

namespace histojet::nuclei {
namespace {

constexpr double kSquareUmPerMm2 = 1e6;

void check_length(const char* name, double length) {
  if (length > 0 && std::isfinite(length)) return;
  throw Error(ErrorCode::kInvalidArgument,
              std::string("density grid: ") + name + " must be above 0 and finite, got " + std::to_string(length));
}

/// Cells along a side, as a double: the product of two such numbers must not overflow before it is checked.
double cells_along(double length, double cell) {
  // A side that is a whole number of cells but for rounding must not get an empty last cell.
  return std::max(1.0, std::ceil(length / cell * (1 - 1e-12) - 1e-9));
}

/// Level-0 lengths of the cells along one side.
std::vector<double> cell_lengths(std::int64_t count, double length, double cell) {
  std::vector<double> lengths(static_cast<std::size_t>(count), cell);
  lengths.back() = length - static_cast<double>(count - 1) * cell;
  return lengths;
}

/// Cell of a coordinate, or -1 outside.
std::int64_t cell_of(double offset, double length, double cell, std::int64_t count) {
  if (!(offset >= 0 && offset < length)) return -1;
  return std::min(static_cast<std::int64_t>(offset / cell), count - 1);
}

void check_sigma(const char* name, double sigma) {
  if (sigma >= 0 && sigma <= DensityGrid::kMaxSigma) return;
  throw Error(ErrorCode::kInvalidArgument, std::string("density grid: ") + name + " must be 0 to " +
                                               std::to_string(static_cast<int>(DensityGrid::kMaxSigma)) +
                                               " cells, got " + std::to_string(sigma));
}

}  // namespace

DensityGrid::DensityGrid(const DensityArea& area, int types) : area_(area) {
  check_length("width", area.width);
  check_length("height", area.height);
  check_length("cell_x", area.cell_x);
  check_length("cell_y", area.cell_y);
  check_length("mpp_x", area.mpp_x);
  check_length("mpp_y", area.mpp_y);
  if (!std::isfinite(area.x) || !std::isfinite(area.y) || types < 0 || types > 256) {
    throw Error(ErrorCode::kInvalidArgument,
                "density grid: expected a finite corner and 0 to 256 types, got " + std::to_string(types) + " types");
  }
  const double columns = cells_along(area.width, area.cell_x);
  const double rows = cells_along(area.height, area.cell_y);
  const double cells = columns * rows * (types + 1);
  if (!(cells <= static_cast<double>(kMaxCells))) {
    const double coarser = std::sqrt(cells / static_cast<double>(kMaxCells)) * 1.01;
    throw Error(ErrorCode::kInvalidArgument,
                "density grid: " + std::to_string(cells / (1 << 20)) + " Mi cells of " +
                    std::to_string(area.cell_x * area.mpp_x) + " um are too many (at most 64 Mi); take cells of " +
                    std::to_string(static_cast<std::int64_t>(std::min(
                        9e15, std::ceil(coarser * std::max(area.cell_x * area.mpp_x, area.cell_y * area.mpp_y))))) +
                    " um or more");
  }
  width_ = static_cast<std::int64_t>(columns);
  height_ = static_cast<std::int64_t>(rows);
  planes_.resize(static_cast<std::size_t>(types) + 1);
  counts_.resize(planes_.size());
}

std::vector<std::uint32_t>& DensityGrid::plane_for_counting(int type) {
  auto& plane = planes_[static_cast<std::size_t>(type + 1)];
  if (plane.empty()) plane.resize(static_cast<std::size_t>(width_ * height_));
  return plane;
}

const std::vector<std::uint32_t>& DensityGrid::plane(int type) const {
  const auto index = static_cast<std::int64_t>(type) + 1;
  if (index >= 0 && index < static_cast<std::int64_t>(planes_.size())) return planes_[static_cast<std::size_t>(index)];
  throw Error(ErrorCode::kInvalidArgument,
              "density grid: type " + std::to_string(type) + " of " + std::to_string(planes_.size() - 1) + " types");
}

void DensityGrid::add(const NucleusList& nuclei) {
  const auto typed_planes = planes_.size() - 1;
  for (std::size_t i = 0; i < nuclei.size(); ++i) {
    const double dx = nuclei.centroids[2 * i] - area_.x;
    const double dy = nuclei.centroids[2 * i + 1] - area_.y;
    const std::int64_t column = cell_of(dx, area_.width, area_.cell_x, width_);
    const std::int64_t row = cell_of(dy, area_.height, area_.cell_y, height_);
    if (column < 0 || row < 0) continue;
    const auto cell = static_cast<std::size_t>(row * width_ + column);
    ++plane_for_counting(kAllTypes)[cell];
    ++counts_[0];
    if (!nuclei.typed() || nuclei.types[i] >= typed_planes) continue;
    ++plane_for_counting(nuclei.types[i])[cell];
    ++counts_[nuclei.types[i] + std::size_t{1}];
  }
}

std::uint64_t DensityGrid::count(int type) const {
  plane(type);
  return counts_[static_cast<std::size_t>(type + 1)];
}

std::vector<float> DensityGrid::values(int type, double sigma_x, double sigma_y, const CancelToken& cancel) const {
  check_sigma("sigma_x", sigma_x);
  check_sigma("sigma_y", sigma_y);
  const std::vector<std::uint32_t>& counted = plane(type);
  if (counted.empty()) return std::vector<float>(static_cast<std::size_t>(width_ * height_));
  std::vector<float> result(counted.begin(), counted.end());
  const Gaussian across(sigma_x), down(sigma_y);
  across.smooth_rows(result, width_, cancel);
  down.smooth_columns(result, width_, cancel);
  std::vector<double> widths = cell_lengths(width_, area_.width, area_.cell_x);
  std::vector<double> heights = cell_lengths(height_, area_.height, area_.cell_y);
  across.smooth(widths);
  down.smooth(heights);
  const double square_um = area_.mpp_x * area_.mpp_y;
  for (std::int64_t y = 0; y < height_; ++y) {
    for (std::int64_t x = 0; x < width_; ++x) {
      float& value = result[y * width_ + x];
      value = static_cast<float>(value * (kSquareUmPerMm2 / (widths[x] * heights[y] * square_um)));
    }
  }
  return result;
}

}  // namespace histojet::nuclei
