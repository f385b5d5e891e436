#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::nuclei {

/// Appends a list to `bytes`, bit for bit: counts, then the arrays of NucleusList in their order
/// (at most 255 measurements). The form belongs to
/// this version and this machine's byte order; it is for files that the same program reads again.
void append_bytes(const NucleusList& list, std::vector<std::uint8_t>& bytes);

/// Takes one list from the front of `bytes`. @throws Error kCorruptFile when they hold no list.
NucleusList take_list(std::span<const std::uint8_t>& bytes);

}  // namespace histojet::nuclei
