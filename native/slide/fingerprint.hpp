#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

namespace histojet::slide {

/// "sha256:…" over the length (64 bits, little endian), the first and the last MiB of each file in the given order.
/// @throws Error kIo, kCorruptFile (a file became shorter).
std::string fingerprint_of(const std::vector<std::shared_ptr<const ByteSource>>& files);

}  // namespace histojet::slide
