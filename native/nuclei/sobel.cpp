#include "nuclei/sobel.hpp"

#include <string>

#include "base/error.hpp"
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

/// out = centre[x] * taps[0] + sum over k of (left[k][x] + right[k][x]) * taps[k].
template <int kRadius, class Tap>
void smooth(Tap tap, const double* taps, std::int64_t width, double* out) {
  const double* left[kRadius];
  const double* right[kRadius];
  for (int k = 0; k < kRadius; ++k) {
    left[k] = tap(-k - 1);
    right[k] = tap(k + 1);
  }
  const double* centre = tap(0);
  for (std::int64_t x = 0; x < width; ++x) {
    double sum = centre[x] * taps[0];
    for (int k = 0; k < kRadius; ++k) sum += (left[k][x] + right[k][x]) * taps[k + 1];
    out[x] = sum;
  }
}

/// out = sum over k of (right[k][x] - left[k][x]) * taps[k].
template <int kRadius, class Tap>
void derive(Tap tap, const double* taps, std::int64_t width, double* out) {
  const double* left[kRadius];
  const double* right[kRadius];
  for (int k = 0; k < kRadius; ++k) {
    left[k] = tap(-k - 1);
    right[k] = tap(k + 1);
  }
  for (std::int64_t x = 0; x < width; ++x) {
    double sum = 0;
    for (int k = 0; k < kRadius; ++k) sum += (right[k][x] - left[k][x]) * taps[k];
    out[x] = sum;
  }
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
  across_.assign(smooth_taps.begin() + radius_, smooth_taps.end());
  padded_.resize(static_cast<std::size_t>(width + 2 * radius_));
  ring_.resize(static_cast<std::size_t>((2 * radius_ + 1) * width));
}

void SobelRows::feed(const float* row) {
  double* middle = padded_.data() + radius_;
  for (std::int64_t x = 0; x < width_; ++x) middle[x] = row[x];
  for (std::int64_t i = 1; i <= radius_; ++i) {
    middle[-i] = row[reflect101(-i, width_)];
    middle[width_ - 1 + i] = row[reflect101(width_ - 1 + i, width_)];
  }
  double* out = ring_.data() + fed_ % (2 * radius_ + 1) * width_;
  const auto tap = [&](std::int64_t k) { return middle + k; };
  if (axis_ == Axis::kX) {
    radius_ == 10 ? derive<10>(tap, along_.data(), width_, out) : derive<2>(tap, along_.data(), width_, out);
  } else {
    radius_ == 10 ? smooth<10>(tap, across_.data(), width_, out) : smooth<2>(tap, across_.data(), width_, out);
  }
  ++fed_;
}

const double* SobelRows::filtered_row(std::int64_t y) const {
  return ring_.data() + reflect101(y, height_) % (2 * radius_ + 1) * width_;
}

void SobelRows::derivative(std::int64_t y, double* out) const {
  const auto tap = [&](std::int64_t k) { return filtered_row(y + k); };
  if (axis_ == Axis::kY) {
    radius_ == 10 ? derive<10>(tap, along_.data(), width_, out) : derive<2>(tap, along_.data(), width_, out);
  } else {
    radius_ == 10 ? smooth<10>(tap, across_.data(), width_, out) : smooth<2>(tap, across_.data(), width_, out);
  }
}

}  // namespace histojet::nuclei
