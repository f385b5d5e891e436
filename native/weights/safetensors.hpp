#pragma once

#include <memory>

#include "base/byte_source.hpp"
#include "weights/table_dict.hpp"

namespace histojet::weights {

/// Reads the safetensors layout (header length, JSON header, packed little-endian data) with every check of the
/// format's reference reader, plus: no duplicate keys, bounded nesting, exact 64-bit integers. Reads the header only.
/// @throws Error kCorruptFile with the offset or the tensor's name.
std::shared_ptr<const StateDict> open_safetensors(const std::shared_ptr<const ByteSource>& source, PrefixRule rule);

}  // namespace histojet::weights
