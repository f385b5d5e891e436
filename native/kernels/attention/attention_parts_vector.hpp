#pragma once

#include "kernels/attention/attention_parts.hpp"
#include "kernels/vector/math.hpp"

namespace histojet::kernels {
namespace {

constexpr float kMinusInfinity = -__builtin_inff();

/// e^x for x that is not positive, to 2e-7, or for bfloat16 to 8e-5; 0 below -87.
template <Storage S>
inline Floats weight(Floats x) {
  constexpr float kFine[] = {1.0f,
                             1.0f,
                             0.49999991059303284f,
                             0.16666419804096222f,
                             0.04166822507977486f,
                             0.008374815806746483f,
                             0.0013836842262437113f};
  constexpr float kCoarse[] = {0.9999280571937561f, 1.0001641511917114f, 0.5049632787704468f, 0.1656682938337326f};
  x = max(all(-150.0f), x);
  const Floats n = round(x * all(1.44269504088896341f));
  if constexpr (S == Storage::kBfloat16) return scale(polynomial(fma(n, all(-0.69314718f), x), kCoarse), n);
  const Floats rest = fma(n, all(-0.693359375f), x);
  return scale(polynomial(fma(n, all(2.12194440e-4f), rest), kFine), n);
}

template <Storage S>
class SoftmaxBlock {
 public:
  explicit SoftmaxBlock(const SoftmaxBlockArgs& args) : args_(args) {}

  void query(std::int64_t q) const {
    float* scores = args_.scores + q * args_.scores_row_floats;
    const float* bias = args_.bias == nullptr ? nullptr : args_.bias + q * args_.bias_row_floats;
    const float before = args_.largest[q];
    const float here = bias == nullptr ? largest(scores) : largest_with(scores, bias);
    const float now = here > before ? here : before;
    // Whatever is subtracted from -infinity, its exponential is 0.
    const float shift = now == kMinusInfinity ? 0.0f : now;
    const float factor = first_lane(exponential(all(before - shift)));
    args_.factor[q] = factor;
    args_.largest[q] = now;
    const float sum = weights(scores, all(bias == nullptr ? args_.scale : 1.0f), all(-shift),
                              args_.weights.pixels + q * args_.weights_row_bytes);
    args_.sum[q] = args_.sum[q] * factor + sum;
  }

 private:
  Mask mask(std::int64_t k) const { return first_lanes(args_.keys > k ? args_.keys - k : 0); }

  float largest(const float* scores) const {
    Floats most[2] = {all(kMinusInfinity), all(kMinusInfinity)};
    const Floats scale = all(args_.scale);
    std::int64_t k = 0;
    for (; k + 2 * kLanes <= args_.keys; k += 2 * kLanes) {
      most[0] = max(most[0], load(scores + k) * scale);
      most[1] = max(most[1], load(scores + k + kLanes) * scale);
    }
    for (; k < args_.keys; k += kLanes) {
      most[0] = max(most[0], select(mask(k), load(scores + k) * scale, all(kMinusInfinity)));
    }
    return max_of_lanes(max(most[0], most[1]));
  }
  /// Leaves the sums in `scores`.
  float largest_with(float* scores, const float* bias) const {
    Floats most = all(kMinusInfinity);
    const Floats scale = all(args_.scale);
    std::int64_t k = 0;
    for (; k + kLanes <= args_.keys; k += kLanes) {
      const Floats value = fma(load(scores + k), scale, load(bias + k));
      store(scores + k, value);
      most = max(most, value);
    }
    float last = kMinusInfinity;  // the bias may end here
    for (; k < args_.keys; ++k) {
      scores[k] = __builtin_fmaf(scores[k], args_.scale, bias[k]);
      last = scores[k] > last ? scores[k] : last;
    }
    const float others = max_of_lanes(most);
    return others > last ? others : last;
  }
  float weights(const float* scores, Floats scale, Floats minus_shift, std::byte* out) const {
    const std::int64_t plane = args_.weights.plane_bytes;
    Floats sums[4] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
    std::int64_t k = 0;
    for (; k + 4 * kLanes <= args_.keys; k += 4 * kLanes) {
      Floats value[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        value[i] = weight<S>(fma(load(scores + k + i * kLanes), scale, minus_shift));
        sums[i] = sums[i] + value[i];
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) store<S>(out, plane, k + i * kLanes, value[i]);
    }
    for (; k < (args_.keys + 31) / 32 * 32; k += kLanes) {
      const Floats value = select(mask(k), weight<S>(fma(load(scores + k), scale, minus_shift)), all(0.0f));
      sums[0] = sums[0] + value;
      store<S>(out, plane, k, value);
    }
    return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }

  const SoftmaxBlockArgs args_;  // a copy: stores cannot change it
};

template <Storage S>
void softmax_queries(const SoftmaxBlockArgs& args) {
  const SoftmaxBlock<S> block(args);
  for (std::int64_t q = 0; q < args.queries; ++q) block.query(q);
}

inline void softmax_block_any(const SoftmaxBlockArgs& args) {
  if (args.storage == Storage::kFloat32) return softmax_queries<Storage::kFloat32>(args);
  if (args.storage == Storage::kBfloat16) return softmax_queries<Storage::kBfloat16>(args);
  softmax_queries<Storage::kSplit>(args);
}

inline void merge_block_any(const MergeBlockArgs& args) {
  for (std::int64_t q = 0; q < args.queries; ++q) {
    const float* part = args.part + q * args.dim;
    float* sums = args.sums + q * args.dim;
    const Floats factor = all(args.first ? 0.0f : args.factor[q]);
    const Floats share = all(args.sum[q] == 0.0f ? 0.0f : 1.0f / args.sum[q]);
    std::byte* out = args.out.pixels + q * args.out_row_bytes;
    for (std::int64_t d = 0; d < args.dim; d += kLanes) {
      const Floats value = args.first ? load(part + d) : fma(load(sums + d), factor, load(part + d));
      if (args.last) {
        store(args.storage, out, args.out.plane_bytes, d, value * share);
      } else {
        store(sums + d, value);
      }
    }
  }
}

}  // namespace
}  // namespace histojet::kernels
