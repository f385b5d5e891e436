#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tensor/dtype.hpp"

namespace histojet::weights {

/// What a global name of a pickle means to the reader. Nothing is ever imported or called: a name that is not in the
/// table is an error, or an inert placeholder in inert mode.
enum class SymbolKind {
  kRebuildTensor,   ///< torch._utils._rebuild_tensor, _v2, _v3: a view of a storage
  kFirstArgument,   ///< parameters: stand for their first argument
  kDict,            ///< collections.OrderedDict, Counter
  kSet,             ///< set
  kStorageType,     ///< torch.FloatStorage, …: the storage's element type is `dtype`
  kUntypedStorage,  ///< torch.storage.UntypedStorage: counts bytes
  kTensorType,      ///< torch.FloatTensor, …: only in the oldest (tar) form
  kDType,           ///< torch.float32, …
  kTorchSize,       ///< torch.Size: a tuple
  kTorchDevice,     ///< torch.device: ignored
  kEncode,          ///< _codecs.encode: bytes written as latin-1 text
  kRefused,         ///< known to be no dense tensor that histojet can hold; `reason` says what it is
};

struct Symbol {
  std::string_view module;
  std::string_view name;
  SymbolKind kind;
  std::optional<DType> dtype = std::nullopt;
  std::string_view reason = "";
};

/// The entry for `module.name`, or nullptr.
const Symbol* find_symbol(const std::string& module, const std::string& name);

}  // namespace histojet::weights
