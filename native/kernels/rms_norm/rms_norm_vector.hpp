#pragma once

#include "kernels/rms_norm/rms_norm.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

// Rows whose factors are computed together: roots and quotients of a vector take as long as those of one value.
constexpr std::int64_t kMostRows = 16;
// The rows of a group are read twice, the second time from the first-level cache.
constexpr std::int64_t kGroupValues = 4096;

/// Sum of the squares of a row; four sums at once hide the latency of the additions. `last`: lanes that count of the
/// vector at the end.
template <Storage In>
inline float sum_of_squares(const RmsNormArgs& args, const std::byte* in, Mask last) {
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
    Floats value = load<In>(in, args.in.plane_bytes, c);
    if (c + kLanes > channels) value = select(last, value, all(0.0f));
    sums[0] = fma(value, value, sums[0]);
  }
  return sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

/// Sums of squares become the factors of their rows.
inline void to_factors(const RmsNormArgs& args, float* sums) {
  for (std::int64_t i = 0; i < kMostRows; i += kLanes) {
    const Floats mean = load(sums + i) / all(static_cast<float>(args.channels));
    store(sums + i, all(1.0f) / square_root(mean + all(args.epsilon)));
  }
}

template <Storage In, Storage Out>
inline void scale_row(const RmsNormArgs& args, const std::byte* in, std::byte* out, Floats factor, Mask last) {
  const std::int64_t padded = (args.channels + 15) / 16 * 16;
  for (std::int64_t c = 0; c < padded; c += kLanes) {
    Floats value = load<In>(in, args.in.plane_bytes, c) * factor;
    if (args.gamma != nullptr) value = value * load(args.gamma + c);
    if (c >= args.channels) {
      value = all(0.0f);
    } else if (c + kLanes > args.channels) {
      value = select(last, value, all(0.0f));
    }
    store<Out>(out, args.out.plane_bytes, c, value);
  }
}

template <Storage In, Storage Out>
void rms_rows(const RmsNormArgs& arguments) {
  const RmsNormArgs args = arguments;  // a copy: stores cannot change it
  const Mask last = first_lanes((args.channels - 1) % kLanes + 1);
  const std::int64_t fitting = kGroupValues / args.channels;
  const std::int64_t group = fitting < 1 ? 1 : fitting < kMostRows ? fitting : kMostRows;
  for (std::int64_t first = 0; first < args.rows; first += group) {
    const std::int64_t rows = args.rows - first < group ? args.rows - first : group;
    const std::byte* in = args.in.pixels + first * args.in_row_bytes;
    std::byte* out = args.out.pixels + first * args.out_row_bytes;
    alignas(64) float factors[kMostRows] = {};
    for (std::int64_t i = 0; i < rows; ++i) factors[i] = sum_of_squares<In>(args, in + i * args.in_row_bytes, last);
    to_factors(args, factors);
    for (std::int64_t i = 0; i < rows; ++i) {
      scale_row<In, Out>(args, in + i * args.in_row_bytes, out + i * args.out_row_bytes, all(factors[i]), last);
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
