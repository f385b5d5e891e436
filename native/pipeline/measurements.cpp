#include "pipeline/measurements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "tiles/stain_matrix.hpp"

namespace histojet::pipeline {
namespace {

using Densities = std::array<double, 2>;

/// Densities of haematoxylin and of the other stain by colour: three look-ups a pixel.
class Unmixing {
 public:
  explicit Unmixing(Stain stain) {
    const tiles::StainMatrix unmix = tiles::inverse(tiles::kHed);
    const std::array<int, 2> columns{0, stain == Stain::kIhcDab ? 2 : 1};
    for (int c = 0; c < 3; ++c) {
      for (int v = 0; v < 256; ++v) {
        const double density = -std::log10(std::max(v, 1) / 255.0);
        for (std::size_t s = 0; s < 2; ++s) share_[c][v][s] = density * unmix[c][columns[s]];
      }
    }
  }

  Densities of(const std::uint8_t* rgb) const {
    const Densities &red = share_[0][rgb[0]], &green = share_[1][rgb[1]], &blue = share_[2][rgb[2]];
    return {red[0] + green[0] + blue[0], red[1] + green[1] + blue[1]};
  }

 private:
  std::array<std::array<Densities, 256>, 3> share_;
};

/// Sums over the pixels of one nucleus. Counted from the first pixel's densities, so that squares keep their digits and
/// an even colour has no deviation.
struct Sums {
  std::int64_t count = 0;
  Densities first{}, sum{}, squares{};

  void add(const Densities& densities) {
    if (count++ == 0) first = densities;
    for (std::size_t s = 0; s < 2; ++s) {
      const double above = densities[s] - first[s];
      sum[s] += above;
      squares[s] += above * above;
    }
  }
  double mean(std::size_t s) const {
    return count > 0 ? first[s] + sum[s] / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
  }
  double deviation(std::size_t s) const {
    if (count == 0) return std::numeric_limits<double>::quiet_NaN();
    const double above = sum[s] / static_cast<double>(count);
    return std::sqrt(std::max(0.0, squares[s] / static_cast<double>(count) - above * above));
  }
};

/// By label; those of no nucleus stay unused.
std::vector<Sums> sums_by_label(const nuclei::PostprocessResult& found, ImageView rgb, Stain stain) {
  const Unmixing unmixing(stain);
  const std::int32_t most = found.ids.empty() ? 0 : std::ranges::max(found.ids);
  std::vector<Sums> sums(static_cast<std::size_t>(most) + 1);
  for (std::int64_t y = 0; y < rgb.height; ++y) {
    const std::uint8_t* pixel = rgb.row(y);
    const std::int32_t* label = found.labels.data() + y * rgb.width;
    for (std::int64_t x = 0; x < rgb.width; ++x, ++label, pixel += rgb.channels) {
      if (*label > 0 && *label <= most) sums[static_cast<std::size_t>(*label)].add(unmixing.of(pixel));
    }
  }
  return sums;
}

}  // namespace

std::vector<nuclei::MeasurementColumn> stain_columns(const nuclei::PostprocessResult& found, ImageView rgb,
                                                     Stain stain) {
  if (static_cast<std::int64_t>(found.labels.size()) != rgb.width * rgb.height && !found.ids.empty()) {
    throw Error(ErrorCode::kInternal, "stain_columns: the picture does not have the size of the labels");
  }
  const std::vector<Sums> sums = found.ids.empty() ? std::vector<Sums>{} : sums_by_label(found, rgb, stain);
  std::vector<nuclei::MeasurementColumn> columns;
  const std::string names[] = {"hematoxylin", stain == Stain::kIhcDab ? "dab" : "eosin"};
  for (std::size_t s = 0; s < 2; ++s) {
    nuclei::MeasurementColumn mean{names[s] + "_od_mean", {}}, deviation{names[s] + "_od_std", {}};
    for (const std::int32_t id : found.ids) {
      mean.values.push_back(static_cast<float>(sums[static_cast<std::size_t>(id)].mean(s)));
      deviation.values.push_back(static_cast<float>(sums[static_cast<std::size_t>(id)].deviation(s)));
    }
    columns.push_back(std::move(mean));
    columns.push_back(std::move(deviation));
  }
  return columns;
}

void measure_nuclei(nuclei::PostprocessResult& found, ImageView rgb, Stain stain, const nuclei::LengthUnit& unit) {
  found.nuclei.measurements = nuclei::shape_columns(found.nuclei, unit);
  for (auto& column : stain_columns(found, rgb, stain)) found.nuclei.measurements.push_back(std::move(column));
}

}  // namespace histojet::pipeline
