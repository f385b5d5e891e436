#pragma once

#include "kernels/rms_norm/rms_norm.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

/// Sum of the squares of a row; four sums at once hide the latency of the additions.
template <Storage In>
inline float sum_of_squares(const RmsNormArgs& args, const std::byte* in) {
  Floats sums[4] = {all(0.0f), all(0.0f), all(0.0f), all(0.0f)};
  const std::int64_t channels = args.channels;
  std::int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Floats value = load<In>(in, args.in.plane_bytes, c + i * kLanes);
      sums[i] = fma(value, value, sums[i]);
    }
  }
  for (; c < channels; c += kLanes) {
    const Floats value = select(first_lanes(channels - c), load<In>(in, args.in.plane_bytes, c), all(0.0f));
    sums[0] = fma(value, value, sums[0]);
  }
  return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <Storage In, Storage Out>
void rms_rows(const RmsNormArgs& args) {
  const std::int64_t padded = (args.channels + 15) / 16 * 16;
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const std::byte* in = args.in.pixels + y * args.in_row_bytes;
    std::byte* out = args.out.pixels + y * args.out_row_bytes;
    const float mean = sum_of_squares<In>(args, in) / static_cast<float>(args.channels);
    const Floats factor = all(1.0f / __builtin_sqrtf(mean + args.epsilon));
    for (std::int64_t c = 0; c < padded; c += kLanes) {
      Floats value = load<In>(in, args.in.plane_bytes, c) * factor;
      if (args.gamma != nullptr) value = value * load(args.gamma + c);
      const std::int64_t left = args.channels > c ? args.channels - c : 0;
      if (left < kLanes) value = select(first_lanes(left), value, all(0.0f));
      store<Out>(out, args.out.plane_bytes, c, value);
    }
  }
}

template <Storage In>
void rms_from(const RmsNormArgs& args) {
  if (args.out_storage == Storage::kFloat32) return rms_rows<In, Storage::kFloat32>(args);
  if (args.out_storage == Storage::kBfloat16) return rms_rows<In, Storage::kBfloat16>(args);
  rms_rows<In, Storage::kSplit>(args);
}

inline void rms_any(const RmsNormArgs& args) {
  if (args.in_storage == Storage::kFloat32) return rms_from<Storage::kFloat32>(args);
  if (args.in_storage == Storage::kBfloat16) return rms_from<Storage::kBfloat16>(args);
  rms_from<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
