#include "kernels/nuclei_maps/at_least.hpp"

namespace histojet::kernels::scalar {

void at_least(const AtLeastArgs& args) {
  for (std::int64_t first = 0; first < args.count; first += 64) {
    const std::int64_t count = args.count - first < 64 ? args.count - first : 64;
    std::uint64_t word = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      word |= static_cast<std::uint64_t>(args.in[first + i] >= args.threshold) << i;
    }
    args.out[first / 64] = word;
  }
}

}  // namespace histojet::kernels::scalar
