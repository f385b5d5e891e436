#pragma once

#include <memory>

#include "weights/state_dict.hpp"

namespace histojet::models {

enum class Architecture { kUnknown, kHoverFast, kHoverNet };

/// Which network a checkpoint holds, by the names of its tensors.
Architecture recognise(const std::shared_ptr<const weights::StateDict>& dict);

/// @throws Error kMissingWeight naming the network when the checkpoint holds another one; an unknown one passes,
/// because its loader can say which tensor is missing.
void expect_architecture(const std::shared_ptr<const weights::StateDict>& dict, Architecture expected);

}  // namespace histojet::models
