#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace histojet::slide {

/// `text` with every byte sequence that is no UTF-8 replaced by U+FFFD; what properties and messages may hold.
std::string to_utf8(std::string_view text);

/// Without white space (space, tab, CR, LF) at both ends.
std::string_view trim(std::string_view text);

/// The whole of `text` as a number; a comma counts as the decimal point. Nothing for rest, NaN or infinity.
std::optional<double> parse_number(std::string_view text);

/// Up to 17 significant digits, as glib writes doubles: "0.499", "0.46500000000000002".
std::string format_number(double value);

}  // namespace histojet::slide
