#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "weights/state_dict.hpp"

namespace histojet::models {

/// Where a network's keys start: the `wrappers` ("module.", …) that all names of the checkpoint share are taken off,
/// one after the other in the given order.
weights::WeightScope checkpoint_root(std::shared_ptr<const weights::StateDict> dict,
                                     std::initializer_list<std::string_view> wrappers);

}  // namespace histojet::models
