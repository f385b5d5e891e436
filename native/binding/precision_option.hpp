#pragma once

#include <string>

#include "histojet/base.hpp"
#include "histojet/model.hpp"

namespace histojet::binding {

/// @throws Error kInvalidArgument naming the three.
inline models::Precision precision_named(const std::string& name) {
  for (const auto precision : {models::Precision::kFloat32, models::Precision::kHigh, models::Precision::kFast}) {
    if (models::precision_name(precision) == name) return precision;
  }
  throw Error(ErrorCode::kInvalidArgument, "precision: expected 'float32', 'high' or 'fast', got '" + name + "'");
}

}  // namespace histojet::binding
