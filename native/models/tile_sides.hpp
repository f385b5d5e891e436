#pragma once

#include <cstdint>
#include <string>

#include "models/nuclei_network.hpp"

namespace histojet::models {

/// The sides that tiles of a network may have, for messages: "multiples of 8 plus 6 from 198 on".
std::string allowed_sides(const NetworkInfo& network);

/// Whether tiles of the network may have this side.
bool is_allowed_side(const NetworkInfo& network, std::int64_t side_px);

/// The largest allowed side that is not above `side_px`. @throws Error kInvalidArgument when there is none, naming the
/// sides that are allowed.
std::int64_t largest_side_up_to(const NetworkInfo& network, std::int64_t side_px);

/// The smallest allowed side that is not below `side_px`.
std::int64_t smallest_side_from(const NetworkInfo& network, std::int64_t side_px);

}  // namespace histojet::models
