#include "scan/checked_tensors.hpp"

#include "base/error.hpp"

namespace histojet::scan {

namespace {

bool is_floating(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kF16 || dtype == DType::kBF16;
}

}  // namespace

void refuse_shape(const char* name, const Tensor& tensor, const std::string& expected) {
  throw Error(ErrorCode::kShapeMismatch,
              std::string(name) + " has shape " + shape_text(tensor.shape()) + ", expected " + expected);
}

void expect_shape(const char* name, const Tensor& tensor, const Shape& expected) {
  if (tensor.shape() != expected) refuse_shape(name, tensor, shape_text(expected));
}

Tensor floats_of(const char* name, const Tensor& tensor) {
  if (!is_floating(tensor.dtype())) {
    throw Error(ErrorCode::kInvalidArgument,
                std::string(name) + " holds " + std::string(dtype_name(tensor.dtype())) + ", expected real floats");
  }
  return tensor.dtype() == DType::kF32 ? tensor : tensor.to_f32();
}

}  // namespace histojet::scan
