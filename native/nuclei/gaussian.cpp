#include "nuclei/gaussian.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::nuclei {
namespace {

/// Columns that are smoothed together: a row of them is one cache line.
constexpr std::int64_t kColumns = 16;

/// Index into a line of `length` samples that is mirrored again and again.
std::int64_t mirrored(std::int64_t index, std::int64_t length) {
  const std::int64_t period = 2 * length;
  index = ((index % period) + period) % period;
  return index < length ? index : period - 1 - index;
}

/// `lanes` lines at once, interleaved: padded holds length + 2 * reach samples of each, out length.
void convolve(const std::vector<double>& half, std::span<const double> padded, std::span<double> out,
              std::int64_t length, std::int64_t lanes) {
  const auto reach = static_cast<std::int64_t>(half.size()) - 1;
  for (std::int64_t i = 0; i < length; ++i) {
    const double* centre = padded.data() + (i + reach) * lanes;
    double* sum = out.data() + i * lanes;
    for (std::int64_t lane = 0; lane < lanes; ++lane) sum[lane] = half[0] * centre[lane];
    for (std::int64_t k = 1; k <= reach; ++k) {
      const double weight = half[static_cast<std::size_t>(k)];
      const double* before = centre - k * lanes;
      const double* after = centre + k * lanes;
      for (std::int64_t lane = 0; lane < lanes; ++lane) sum[lane] += weight * (before[lane] + after[lane]);
    }
  }
}

}  // namespace

Gaussian::Gaussian(double sigma) {
  half_.push_back(1);
  double sum = 1;
  for (std::int64_t k = 1; sigma > 0 && static_cast<double>(k) <= std::ceil(4 * sigma); ++k) {
    const double distance = static_cast<double>(k) / sigma;
    half_.push_back(std::exp(-0.5 * distance * distance));
    sum += 2 * half_.back();
  }
  for (double& weight : half_) weight /= sum;
}

void Gaussian::smooth(std::span<double> line) const {
  const auto length = static_cast<std::int64_t>(line.size());
  const auto reach = static_cast<std::int64_t>(half_.size()) - 1;
  if (length == 0 || reach == 0) return;
  std::vector<double> padded(static_cast<std::size_t>(length + 2 * reach));
  for (std::int64_t i = -reach; i < length + reach; ++i) padded[i + reach] = line[mirrored(i, length)];
  convolve(half_, padded, line, length, 1);
}

void Gaussian::smooth_rows(std::span<float> plane, std::int64_t width, const CancelToken& cancel) const {
  if (half_.size() == 1) return;
  std::vector<double> line(static_cast<std::size_t>(width));
  for (std::size_t start = 0; start < plane.size(); start += line.size()) {
    cancel.throw_if_cancelled();
    const auto row = plane.subspan(start, line.size());
    if (std::ranges::all_of(row, [](float value) { return value == 0; })) continue;
    std::ranges::copy(row, line.begin());
    smooth(line);
    std::ranges::transform(line, row.begin(), [](double value) { return static_cast<float>(value); });
  }
}

void Gaussian::smooth_columns(std::span<float> plane, std::int64_t width, const CancelToken& cancel) const {
  const auto reach = static_cast<std::int64_t>(half_.size()) - 1;
  if (reach == 0 || plane.empty()) return;
  const std::int64_t height = static_cast<std::int64_t>(plane.size()) / width;
  std::vector<double> padded(static_cast<std::size_t>((height + 2 * reach) * kColumns));
  std::vector<double> smoothed(static_cast<std::size_t>(height * kColumns));
  for (std::int64_t x = 0; x < width; x += kColumns) {
    cancel.throw_if_cancelled();
    const std::int64_t lanes = std::min(kColumns, width - x);
    for (std::int64_t i = -reach; i < height + reach; ++i) {
      const float* row = plane.data() + mirrored(i, height) * width + x;
      std::copy_n(row, lanes, padded.data() + (i + reach) * lanes);
    }
    convolve(half_, padded, smoothed, height, lanes);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t lane = 0; lane < lanes; ++lane) {
        plane[y * width + x + lane] = static_cast<float>(smoothed[y * lanes + lane]);
      }
    }
  }
}

}  // namespace histojet::nuclei
