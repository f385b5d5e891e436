#pragma once

#include "kernels/combine_rows/combine_rows.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// The arithmetic of a vector, and of one value for the end of a row.
struct Wide {
  using Value = Floats;
  static constexpr std::int64_t kCount = kLanes;
  static Floats load(const float* from) { return kernels::load(from); }
  static Floats all(float value) { return kernels::all(value); }
  static void store(float* to, Floats value) { kernels::store(to, value); }
  static Floats fma(Floats a, Floats b, Floats c) { return kernels::fma(a, b, c); }
  /// The larger one; NaN when either is.
  static Floats larger(Floats value, Floats so_far) {
    // max() gives its second argument where either is NaN.
    const Floats candidate = kernels::max(so_far, value);
#if defined(__AVX512F__)
    return select(_mm512_cmp_ps_mask(so_far, so_far, _CMP_UNORD_Q), so_far, candidate);
#else
    return select(_mm256_cmp_ps(so_far, so_far, _CMP_UNORD_Q), so_far, candidate);
#endif
  }
};
struct Single {
  using Value = float;
  static constexpr std::int64_t kCount = 1;
  static float load(const float* from) { return *from; }
  static float all(float value) { return value; }
  static void store(float* to, float value) { *to = value; }
  static float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
  static float larger(float value, float so_far) { return so_far != so_far || so_far > value ? so_far : value; }
};

template <Combination How>
class CombinedRow {
 public:
  CombinedRow(const CombineRowsArgs& args, const std::int32_t* first, const std::int32_t* end)
      : rows_(args.rows), row_floats_(args.row_floats), weights_(args.weights), first_(first), end_(end) {
    total_ = static_cast<float>(end - first);
    if constexpr (How == Combination::kWeighted) {
      total_ = weights_[*first];
      for (const std::int32_t* member = first + 1; member != end; ++member) total_ += weights_[*member];
    }
  }

  void run(float* out, std::int64_t channels) const {
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes) write<Wide, 4>(c, out);
    for (; c + kLanes <= channels; c += kLanes) write<Wide, 1>(c, out);
    for (; c < channels; ++c) write<Single, 1>(c, out);
  }

 private:
  template <class L, int Count>
  void write(std::int64_t c, float* out) const {
    typename L::Value sums[Count];
    const float* row = rows_ + *first_ * row_floats_ + c;
    for (int i = 0; i < Count; ++i) {
      sums[i] = L::load(row + i * L::kCount);
      if constexpr (How == Combination::kWeighted) sums[i] = sums[i] * L::all(weights_[*first_]);
    }
    for (const std::int32_t* member = first_ + 1; member != end_; ++member) {
      row = rows_ + *member * row_floats_ + c;
      for (int i = 0; i < Count; ++i) {
        const typename L::Value value = L::load(row + i * L::kCount);
        if constexpr (How == Combination::kWeighted) {
          sums[i] = L::fma(L::all(weights_[*member]), value, sums[i]);
        } else if constexpr (How == Combination::kMax) {
          sums[i] = L::larger(value, sums[i]);
        } else {
          sums[i] = sums[i] + value;
        }
      }
    }
    for (int i = 0; i < Count; ++i) {
      if constexpr (How == Combination::kMean || How == Combination::kWeighted) sums[i] = sums[i] / L::all(total_);
      L::store(out + c + i * L::kCount, sums[i]);
    }
  }

  const float* rows_;
  std::int64_t row_floats_;
  const float* weights_;
  const std::int32_t* first_;
  const std::int32_t* end_;
  float total_;
};

template <Combination How>
void combine_rows_as(const CombineRowsArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    const std::int32_t* first = args.members + args.starts[i];
    const std::int32_t* end = args.members + args.starts[i + 1];
    float* out = args.out + i * args.channels;
    if (end - first == 1) {
      __builtin_memcpy(out, args.rows + *first * args.row_floats,
                       static_cast<std::size_t>(args.channels) * sizeof(float));
    } else {
      CombinedRow<How>(args, first, end).run(out, args.channels);
    }
  }
}

inline void combine_rows_any(const CombineRowsArgs& args) {
  if (args.combination == Combination::kSum) return combine_rows_as<Combination::kSum>(args);
  if (args.combination == Combination::kMean) return combine_rows_as<Combination::kMean>(args);
  if (args.combination == Combination::kMax) return combine_rows_as<Combination::kMax>(args);
  combine_rows_as<Combination::kWeighted>(args);
}

}  // namespace
}  // namespace histojet::kernels
