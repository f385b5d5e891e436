#pragma once

#include <string>

#include "tensor/tensor.hpp"

namespace histojet::scan {

/// @throws Error kShapeMismatch "name has shape [...], expected ..."
[[noreturn]] void refuse_shape(const char* name, const Tensor& tensor, const std::string& expected);

/// @throws Error kShapeMismatch unless the shapes are equal.
void expect_shape(const char* name, const Tensor& tensor, const Shape& expected);

/// The tensor as float32, itself where it is. @throws Error kInvalidArgument for a type that is not floating.
Tensor floats_of(const char* name, const Tensor& tensor);

}  // namespace histojet::scan
