#pragma once

#include "kernels/softmax/softmax.hpp"
#include "kernels/vector/math.hpp"

namespace histojet::kernels {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

class SoftmaxRow {
 public:
  explicit SoftmaxRow(const SoftmaxArgs& args) : args_(args) {}

  template <Storage Out>
  void run(const float* in, std::byte* out) const {
    const float largest = max_of_lanes(largest_of(in));
    // Whatever is subtracted from -infinity, its exponential is 0.
    const Floats shift = all(largest == kMinusInfinity ? 0.0f : largest);
    Floats sums = all(0.0f);
    std::int64_t i = 0;
    for (; i + kLanes <= args_.columns; i += kLanes) {
      const Floats value = exponential(scaled(in, i) - shift);
      sums = sums + value;
      if constexpr (Out == Storage::kFloat32) store<Out>(out, 0, i, value);
    }
    if (i < args_.columns) {
      const Floats value = last(in, i, shift);
      sums = sums + value;
      if constexpr (Out == Storage::kFloat32) store<Out>(out, 0, i, value);
    }
    const float sum = sum_of_lanes(sums);
    finish<Out>(in, out, shift, all(sum == 0.0f ? 0.0f : 1.0f / sum));
  }

 private:
  Floats scaled(const float* in, std::int64_t i) const { return load(in + i) * all(args_.scale); }
  Mask mask(std::int64_t i) const { return first_lanes(args_.columns > i ? args_.columns - i : 0); }
  /// Exponentials of the last, incomplete vector; zeros behind the row.
  Floats last(const float* in, std::int64_t i, Floats shift) const {
    return select(mask(i), exponential(scaled(in, i) - shift), all(0.0f));
  }
  Floats largest_of(const float* in) const {
    Floats largest = all(kMinusInfinity);
    std::int64_t i = 0;
    for (; i + kLanes <= args_.columns; i += kLanes) largest = max(largest, scaled(in, i));
    if (i < args_.columns) largest = max(largest, select(mask(i), scaled(in, i), all(kMinusInfinity)));
    return largest;
  }
  template <Storage Out>
  void finish(const float* in, std::byte* out, Floats shift, Floats factor) const {
    const std::int64_t padded = (args_.columns + 15) / 16 * 16;
    for (std::int64_t i = 0; i < padded; i += kLanes) {
      if (i >= args_.columns) {
        store<Out>(out, args_.out.plane_bytes, i, all(0.0f));
      } else if constexpr (Out == Storage::kFloat32) {
        store<Out>(out, 0, i, load<Out>(out, 0, i) * factor);
      } else if (i + kLanes <= args_.columns) {
        // Again, which is cheaper than a row of floats in between that would have to be somewhere.
        store<Out>(out, args_.out.plane_bytes, i, exponential(scaled(in, i) - shift) * factor);
      } else {
        store<Out>(out, args_.out.plane_bytes, i, last(in, i, shift) * factor);
      }
    }
  }

  const SoftmaxArgs args_;  // a copy: stores cannot change it
};

template <Storage Out>
void softmax_rows(const SoftmaxArgs& args) {
  const SoftmaxRow row(args);
  for (std::int64_t y = 0; y < args.rows; ++y) {
    row.run<Out>(args.in + y * args.in_row_floats, args.out.pixels + y * args.out_row_bytes);
  }
}

inline void softmax_any(const SoftmaxArgs& args) {
  if (args.out_storage == Storage::kFloat32) return softmax_rows<Storage::kFloat32>(args);
  if (args.out_storage == Storage::kBfloat16) return softmax_rows<Storage::kBfloat16>(args);
  softmax_rows<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
