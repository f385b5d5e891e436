#pragma once

#include <memory>

#include "base/byte_source.hpp"
#include "weights/table_dict.hpp"

namespace histojet::weights {

/// Opens one file, whose format is recognised by content; the name only decides what an unrecognisable file was meant
/// to be. Shard indexes and folders are handled by open_shards and StateDict::open.
/// @throws Error kUnsupportedFormat saying what the file is, and the errors of the readers.
std::shared_ptr<const StateDict> open_source(const std::shared_ptr<const ByteSource>& source,
                                             const OpenOptions& options, PrefixRule rule);

/// True when the content is a JSON text, as shard indexes are.
bool looks_like_json(const ByteSource& source);

/// Opens the shards that a `*.index.json` names; all must lie in its folder. The names and metadata of all shards
/// together; the weight map must agree with what the shards hold.
/// @throws Error kCorruptFile for maps that point elsewhere or to tensors that do not exist.
std::shared_ptr<const StateDict> open_shards(const std::shared_ptr<const ByteSource>& index,
                                             const OpenOptions& options);

}  // namespace histojet::weights
