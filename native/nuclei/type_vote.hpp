#pragma once

#include <cstdint>
#include <span>

#include "nuclei/components.hpp"

namespace histojet::nuclei {

/// The class of one object and the share of its pixels that carry it.
struct TypeVote {
  std::uint8_t type = 0;
  float probability = 0;
};

/// The most frequent class of the object's pixels, the smaller one of a tie; background (0) gives way to the next if
/// there is any. probability = count / (area + 1e-6) (spec section 5.1; hover_net infer/tile.py).
/// types: [height, width] of rows of `width`.
TypeVote vote(const std::uint8_t* types, std::int64_t width, std::span<const Run> runs);

}  // namespace histojet::nuclei
