#pragma once

#include <cstddef>

#include "slide/slide.hpp"

namespace histojet::slide {

/// Bytes of the pixels that a request asks for. @throws Error kInvalidArgument for sides below 1 or above 2^31 - 1 and
/// channels other than 3 and 4.
std::size_t region_bytes(const RegionRequest& request);

}  // namespace histojet::slide
