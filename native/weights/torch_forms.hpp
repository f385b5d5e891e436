#pragma once

#include <memory>

#include "base/byte_source.hpp"
#include "weights/table_dict.hpp"

namespace histojet::weights {

// The three file forms of `torch.save`; all run the pickle program on a machine that never executes anything.

/// ZIP archive of stored records (PyTorch since 1.6).
/// @throws Error kCorruptFile, or kUnsupportedFormat for TorchScript, compressed and big-endian archives.
std::shared_ptr<const StateDict> open_torch_zip(const std::shared_ptr<const ByteSource>& source,
                                                const OpenOptions& options, PrefixRule rule);

/// Five pickles followed by the raw storages (PyTorch 0.1.10 to 1.5).
std::shared_ptr<const StateDict> open_torch_legacy(const std::shared_ptr<const ByteSource>& source,
                                                   const OpenOptions& options, PrefixRule rule);

/// Tar archive with the members "storages", "tensors" and "pickle" (before PyTorch 0.1.10).
std::shared_ptr<const StateDict> open_torch_tar(const std::shared_ptr<const ByteSource>& source,
                                                const OpenOptions& options, PrefixRule rule);

}  // namespace histojet::weights
