#pragma once

#include "scan/selective_scan.hpp"

namespace histojet::scan {

/// @throws Error kInvalidArgument for sizes that make no sense or overflow, and for a value of A or delta_bias that is
///   not finite, with its name and position.
void check_scan(const SelectiveScan& scan);

}  // namespace histojet::scan
