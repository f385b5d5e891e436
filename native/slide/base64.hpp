#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace histojet::slide {

/// The bytes of base64 text (RFC 4648, section 4). White space and everything else that is no digit is skipped; the
/// first '=' ends the text.
std::vector<std::uint8_t> decode_base64(std::string_view text);

}  // namespace histojet::slide
