#include <algorithm>
#include <cmath>

#include "kernels/nuclei_maps/edge_strength_row.hpp"

namespace histojet::kernels::scalar {

void edge_strength(const EdgeStrengthArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    const float across = 1.0f - static_cast<float>(args.across[i] * args.across_scale + args.across_shift);
    const float down = 1.0f - static_cast<float>(args.down[i] * args.down_scale + args.down_shift);
    const float both = args.maximum ? std::max(across, down) : std::sqrt(across * across + down * down);
    args.out[i] = both > 0.0f ? both : 0.0f;
  }
}

}  // namespace histojet::kernels::scalar
