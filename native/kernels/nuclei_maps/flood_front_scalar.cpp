#include "kernels/nuclei_maps/flood_front.hpp"

namespace histojet::kernels::scalar {

void flood_front(const FloodFrontArgs& args) {
  for (std::int64_t first = 0; first < args.count; first += 64) {
    const std::int64_t count = args.count - first < 64 ? args.count - first : 64;
    std::uint64_t word = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int32_t* label = args.labels + first + i;
      const bool open = (label[-args.stride] == 0) | (label[-1] == 0) | (label[1] == 0) | (label[args.stride] == 0);
      word |= static_cast<std::uint64_t>((*label > 0) & open) << i;
    }
    args.out[first / 64] = word;
  }
}

}  // namespace histojet::kernels::scalar
