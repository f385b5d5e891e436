#include "models/tile_sides.hpp"

#include <algorithm>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::models {

std::string allowed_sides(const NetworkInfo& network) {
  const std::string offset = network.side_offset_px > 0 ? " plus " + std::to_string(network.side_offset_px) : "";
  return "multiples of " + std::to_string(network.side_multiple) + offset + " from " +
         std::to_string(network.min_side_px) + " on";
}

bool is_allowed_side(const NetworkInfo& network, std::int64_t side_px) {
  return side_px >= network.min_side_px && (side_px - network.side_offset_px) % network.side_multiple == 0;
}

std::int64_t largest_side_up_to(const NetworkInfo& network, std::int64_t side_px) {
  if (side_px < network.min_side_px) {
    throw Error(ErrorCode::kInvalidArgument, network.architecture + ": no tile has at most " + std::to_string(side_px) +
                                                 " px a side; sides are " + allowed_sides(network));
  }
  return side_px - (side_px - network.side_offset_px) % network.side_multiple;
}

std::int64_t smallest_side_from(const NetworkInfo& network, std::int64_t side_px) {
  const std::int64_t least = std::max(side_px, network.min_side_px) - network.side_offset_px;
  return network.side_offset_px + ceil_div(least, network.side_multiple) * network.side_multiple;
}

}  // namespace histojet::models
