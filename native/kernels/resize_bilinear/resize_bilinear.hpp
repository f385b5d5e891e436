#pragma once

#include <cstdint>
#include <vector>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Where an output position of a bilinear resize lies between two input positions.
struct ResizeTap {
  std::int64_t first;
  std::int64_t second;
  float second_share;  ///< the first one has the rest
};

/// Taps of one axis from `in` to `out` positions, as torch.nn.functional.interpolate(mode="bilinear"): without
/// `align_corners` output position i lies at (i + 0.5) in / out - 0.5, the border repeated; with it the first and last
/// positions of both coincide. No antialiasing, as there.
std::vector<ResizeTap> resize_taps(std::int64_t in, std::int64_t out, bool align_corners);

/// One output row of a bilinear resize to any size: rows mix by the tap of the output row, pixels by `columns`.
/// Channels last, pixels side by side, `channels` a multiple of 16; float32, rounded to the storage at the end. Inputs
/// and output must not overlap.
struct ResizeBilinearArgs {
  RowIn first;  ///< input row `tap.first` of the output row's tap
  RowIn second;
  float second_share;
  RowOut out;
  const ResizeTap* columns;  ///< [out_width]
  std::int64_t out_width;
  std::int64_t channels;
  Storage storage;
};

extern const KernelTable<ResizeBilinearArgs> kResizeBilinear;

namespace scalar {
void resize_bilinear(const ResizeBilinearArgs& args);
}
namespace avx2 {
void resize_bilinear(const ResizeBilinearArgs& args);
}
namespace avx512 {
void resize_bilinear(const ResizeBilinearArgs& args);
}
namespace avx512bf16 {
void resize_bilinear(const ResizeBilinearArgs& args);
}

}  // namespace histojet::kernels
