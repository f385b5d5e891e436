#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "readers/json_scanner.hpp"

namespace histojet::readers {

/// Reads any value as a colour: [red, green, blue] with or without alpha, or QuPath's packed integer
/// (alpha << 24 | red << 16 | green << 8 | blue, signed or not). Nothing for other values.
std::optional<std::array<std::uint8_t, 3>> read_color(JsonScanner& json);

}  // namespace histojet::readers
