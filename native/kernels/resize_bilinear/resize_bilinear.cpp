#include "kernels/resize_bilinear/resize_bilinear.hpp"

#include <algorithm>
#include <cmath>

namespace histojet::kernels {

const KernelTable<ResizeBilinearArgs> kResizeBilinear{.scalar = scalar::resize_bilinear,
                                                      .avx2 = avx2::resize_bilinear,
                                                      .avx512 = avx512::resize_bilinear,
                                                      .avx512bf16 = avx512bf16::resize_bilinear};

std::vector<ResizeTap> resize_taps(std::int64_t in, std::int64_t out, bool align_corners) {
  const double scale = !align_corners ? static_cast<double>(in) / static_cast<double>(out)
                       : out > 1      ? static_cast<double>(in - 1) / static_cast<double>(out - 1)
                                      : 0.0;
  std::vector<ResizeTap> taps;
  taps.reserve(static_cast<std::size_t>(out));
  for (std::int64_t i = 0; i < out; ++i) {
    const auto position = static_cast<double>(i);
    const double source = align_corners ? position * scale : std::max((position + 0.5) * scale - 0.5, 0.0);
    const std::int64_t first = std::min(static_cast<std::int64_t>(std::floor(source)), in - 1);
    const std::int64_t second = std::min(first + 1, in - 1);
    taps.push_back({first, second, static_cast<float>(source - static_cast<double>(first))});
  }
  return taps;
}

}  // namespace histojet::kernels
