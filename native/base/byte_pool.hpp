#pragma once

#include <cstdint>
#include <vector>

namespace histojet {

// Results of some hundred kilobytes come and go by the thousand. Fresh memory for each costs a page fault per 4 KiB,
// which is a tenth of the time that decoding it takes, so that a few buffers are kept.

/// `size` bytes of any content: zeros or what an earlier user left. Fill all of them. @throws std::bad_alloc.
std::vector<std::uint8_t> take_bytes(std::size_t size);

/// Gives a buffer back for the next take_bytes, or to the system when enough are kept (8 of 32 MiB in all).
void give_bytes(std::vector<std::uint8_t>&& bytes) noexcept;

}  // namespace histojet
