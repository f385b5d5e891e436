#pragma once

#include <cstdint>
#include <span>

namespace histojet::weights {

/// CRC-32 of ZIP (reflected polynomial 0xEDB88320), continued from the checksum of what came before (0 at the start).
std::uint32_t crc32(std::uint32_t before, std::span<const std::uint8_t> bytes);

}  // namespace histojet::weights
