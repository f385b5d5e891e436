#pragma once

#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// Four sums at once hide the latency of the additions.
struct FourSums {
  Floats sums[4] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
  float total() const { return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3])); }
};

template <Storage In, Storage Out>
class NormRow {
 public:
  explicit NormRow(const LayerNormArgs& args) : args_(args) {}

  void run(const std::byte* in, std::byte* out) const {
    const std::int64_t channels = args_.channels;
    const auto count = static_cast<float>(channels);
    const float mean = sum(in) / count;
    const float variance = squares(in, all(mean)) / count;
    const Floats factor = all(1.0f / __builtin_sqrtf(variance + args_.epsilon));
    const std::int64_t padded = (channels + 15) / 16 * 16;
    for (std::int64_t c = 0; c < padded; c += kLanes) {
      Floats value = (value_at(in, c) - all(mean)) * factor;
      if (args_.gamma != nullptr) value = value * load(args_.gamma + c);
      if (args_.beta != nullptr) value = value + load(args_.beta + c);
      if (c + kLanes > channels) value = select(first_lanes(left(c)), value, all(0.0f));
      store<Out>(out, args_.out.plane_bytes, c, value);
    }
  }

 private:
  Floats value_at(const std::byte* in, std::int64_t c) const { return load<In>(in, args_.in.plane_bytes, c); }
  std::int64_t left(std::int64_t c) const { return args_.channels > c ? args_.channels - c : 0; }

  float sum(const std::byte* in) const {
    FourSums four;
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= args_.channels; c += 4 * kLanes) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) four.sums[i] = four.sums[i] + value_at(in, c + i * kLanes);
    }
    for (; c < args_.channels; c += kLanes) {
      four.sums[0] = four.sums[0] + select(first_lanes(left(c)), value_at(in, c), all(0.0f));
    }
    return four.total();
  }
  float squares(const std::byte* in, Floats mean) const {
    FourSums four;
    std::int64_t c = 0;
    for (; c + 4 * kLanes <= args_.channels; c += 4 * kLanes) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const Floats difference = value_at(in, c + i * kLanes) - mean;
        four.sums[i] = fma(difference, difference, four.sums[i]);
      }
    }
    for (; c < args_.channels; c += kLanes) {
      const Floats difference = select(first_lanes(left(c)), value_at(in, c) - mean, all(0.0f));
      four.sums[0] = fma(difference, difference, four.sums[0]);
    }
    return four.total();
  }

  const LayerNormArgs args_;  // a copy: stores cannot change it
};

template <Storage In, Storage Out>
void norm_rows(const LayerNormArgs& args) {
  const NormRow<In, Out> row(args);
  for (std::int64_t y = 0; y < args.rows; ++y) {
    row.run(args.in.pixels + y * args.in_row_bytes, args.out.pixels + y * args.out_row_bytes);
  }
}

template <Storage In>
void norm_from(const LayerNormArgs& args) {
  if (args.out_storage == Storage::kFloat32) return norm_rows<In, Storage::kFloat32>(args);
  if (args.out_storage == Storage::kBfloat16) return norm_rows<In, Storage::kBfloat16>(args);
  norm_rows<In, Storage::kSplit>(args);
}

inline void norm_any(const LayerNormArgs& args) {
  if (args.in_storage == Storage::kFloat32) return norm_from<Storage::kFloat32>(args);
  if (args.in_storage == Storage::kBfloat16) return norm_from<Storage::kBfloat16>(args);
  norm_from<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
