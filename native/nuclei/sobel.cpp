#include "nuclei/sobel.hpp"

#include <string>

#include "base/error.hpp"
#include "kernels/fused_normalize/symmetric_filter.hpp"
#include "nuclei/reflect.hpp"

namespace histojet::nuclei {
namespace {

std::vector<double> binomial(int n) {
  std::vector<double> row{1};
  for (int i = 0; i < n; ++i) {
    row.push_back(0);
    for (std::size_t k = row.size() - 1; k > 0; --k) row[k] += row[k - 1];
  }
  return row;
}

constexpr int kLargestRadius = 10;

/// One row of the filter of which `tap(k)` gives the row or the shifted row at distance k from the centre.
template <class Tap>
void filter_row(Tap tap, const double* centre, const std::vector<double>& taps, double centre_tap, std::int64_t width,
                double* out, double* range) {
  const double* left[kLargestRadius];
  const double* right[kLargestRadius];
  const int radius = static_cast<int>(taps.size());
  for (int k = 0; k < radius; ++k) {
    left[k] = tap(-k - 1);
    right[k] = tap(k + 1);
  }
  kernels::kSymmetricFilter.pick(active_isa())(
      {centre, left, right, taps.data(), centre_tap, radius, width, out, range});
}

}  // namespace

SobelRows::SobelRows(int taps, Axis axis, std::int64_t height, std::int64_t width)
    : axis_(axis), radius_(taps / 2), height_(height), width_(width) {
  if (taps != 5 && taps != 21) {
    throw Error(ErrorCode::kInvalidArgument, "nuclei: Sobel of " + std::to_string(taps) + " taps, expected 5 or 21");
  }
  const std::vector<double> smooth_taps = binomial(taps - 1), derived = binomial(taps - 3);
  const auto derived_at = [&](int i) { return i < 0 || i >= taps - 2 ? 0.0 : derived[static_cast<std::size_t>(i)]; };
  // Tap i of binomial * (-1, 0, 1), centre at i = radius.
  for (int i = taps / 2 + 1; i < taps; ++i) along_.push_back(derived_at(i - 2) - derived_at(i));
  across_.assign(smooth_taps.begin() + radius_ + 1, smooth_taps.end());
  centre_tap_ = smooth_taps[static_cast<std::size_t>(radius_)];
  padded_.resize(static_cast<std::size_t>(width + 2 * radius_));
  ring_.resize(static_cast<std::size_t>((2 * radius_ + 1) * width));
}

template <class Tap>
void SobelRows::filter(Tap tap, bool derive, double* out, double* range) const {
  if (derive) {
    filter_row(tap, nullptr, along_, 0, width_, out, range);
  } else {
    filter_row(tap, tap(0), across_, centre_tap_, width_, out, range);
  }
}

void SobelRows::feed() {
  double* middle = input();
  for (std::int64_t i = 1; i <= radius_; ++i) {
    middle[-i] = middle[reflect101(-i, width_)];
    middle[width_ - 1 + i] = middle[reflect101(width_ - 1 + i, width_)];
  }
  double* out = ring_.data() + fed_ % (2 * radius_ + 1) * width_;
  const auto tap = [&](std::int64_t k) { return middle + k; };
  filter(tap, axis_ == Axis::kX, out, nullptr);
  ++fed_;
}

const double* SobelRows::filtered_row(std::int64_t y) const {
  return ring_.data() + reflect101(y, height_) % (2 * radius_ + 1) * width_;
}

void SobelRows::derivative(std::int64_t y, double* out, double* range) const {
  const auto tap = [&](std::int64_t k) { return filtered_row(y + k); };
  filter(tap, axis_ == Axis::kY, out, range);
}

}  // namespace histojet::nuclei
