#pragma once

#include <cstdint>

namespace histojet {

/// Resident memory of the process in bytes; 0 where the system does not tell.
std::int64_t resident_bytes();

}  // namespace histojet
