#pragma once

#include "kernels/resize_bilinear/resize_bilinear.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

inline Floats between(Floats first, Floats second, Floats first_share, Floats second_share) {
  return fma(second, second_share, first * first_share);
}

template <Storage S>
void resize_row(const ResizeBilinearArgs& args) {
  const Floats bottom = all(args.second_share);
  const Floats top = all(1.0f - args.second_share);
  for (std::int64_t x = 0; x < args.out_width; ++x) {
    const ResizeTap& tap = args.columns[x];
    const Floats right = all(tap.second_share);
    const Floats left = all(1.0f - tap.second_share);
    const std::int64_t first = tap.first * args.channels;
    const std::int64_t second = tap.second * args.channels;
    for (std::int64_t c = 0; c < args.channels; c += kLanes) {
      const Floats above = between(load<S>(args.first.pixels, args.first.plane_bytes, first + c),
                                   load<S>(args.first.pixels, args.first.plane_bytes, second + c), left, right);
      const Floats below = between(load<S>(args.second.pixels, args.second.plane_bytes, first + c),
                                   load<S>(args.second.pixels, args.second.plane_bytes, second + c), left, right);
      store<S>(args.out.pixels, args.out.plane_bytes, x * args.channels + c, between(above, below, top, bottom));
    }
  }
}

inline void resize_any(const ResizeBilinearArgs& args) {
  if (args.storage == Storage::kFloat32) return resize_row<Storage::kFloat32>(args);
  if (args.storage == Storage::kBfloat16) return resize_row<Storage::kBfloat16>(args);
  resize_row<Storage::kSplit>(args);
}

}  // namespace
}  // namespace histojet::kernels
