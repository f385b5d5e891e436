#pragma once

#include <cstdint>
#include <vector>

namespace histojet::nuclei {

/// Direction of a derivative.
enum class Axis { kX, kY };

/// cv2.Sobel of 5 or 21 taps from float to double, one row at a time (spec section 5.0): binomial smoothing across the
/// axis, binomial smoothing of two taps less and (-1, 0, 1) along it, not scaled, border reflected without repeating
/// the edge. The row pass of float values is exact in double unless their exponents lie far apart.
class SobelRows {
 public:
  /// `taps`: 5 or 21. @throws Error kInvalidArgument for another count.
  SobelRows(int taps, Axis axis, std::int64_t height, std::int64_t width);

  /// Rows that `derivative(y)` needs beyond y.
  std::int64_t radius() const { return radius_; }
  /// Where to put the next row of the image: `width` values, each a float.
  double* input() { return padded_.data() + radius_; }
  /// Takes the row that lies at `input()`.
  void feed();
  /// Row `y` of the derivative. Fed must be the rows up to min(y + radius, height - 1), and no more. `range` (smallest,
  /// largest value; may be null) is widened by the row.
  void derivative(std::int64_t y, double* out, double* range) const;

 private:
  const double* filtered_row(std::int64_t y) const;
  template <class Tap>
  void filter(Tap tap, bool derive, double* out, double* range) const;

  Axis axis_;
  std::int64_t radius_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t fed_ = 0;
  std::vector<double> along_;   ///< [radius] taps on the right of the centre; those on the left are their negatives
  std::vector<double> across_;  ///< [radius] taps on either side of the centre
  double centre_tap_ = 0;
  std::vector<double> padded_;  ///< one row with `radius` reflected values on either side
  std::vector<double> ring_;    ///< [2 radius + 1, width] rows after the row pass
};

}  // namespace histojet::nuclei
