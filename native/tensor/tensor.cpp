#include "tensor/tensor.hpp"

#include <algorithm>
#include <cstring>

#include "base/aligned_buffer.hpp"
#include "base/error.hpp"

namespace histojet {

std::string shape_text(const Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

std::int64_t element_count(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t side : shape) {
    if (side < 0 || __builtin_mul_overflow(count, side, &count)) {
      throw Error(ErrorCode::kInvalidArgument, "shape " + shape_text(shape) + " has no valid number of elements");
    }
  }
  return count;
}

Tensor::Tensor(DType dtype, Shape shape) : dtype_(dtype), shape_(std::move(shape)), size_(element_count(shape_)) {
  std::int64_t bytes;
  if (__builtin_mul_overflow(size_, static_cast<std::int64_t>(dtype_size(dtype)), &bytes)) {
    throw Error(ErrorCode::kInvalidArgument, "shape " + shape_text(shape_) + " is too large");
  }
  try {
    data_ = std::shared_ptr<std::uint8_t[]>(make_aligned<std::uint8_t>(static_cast<std::size_t>(bytes)));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory,
                "cannot allocate " + std::to_string(bytes) + " bytes for a tensor of shape " + shape_text(shape_));
  }
  std::memset(data_.get(), 0, static_cast<std::size_t>(bytes));
}

Tensor Tensor::from_f32(std::span<const float> values, Shape shape) {
  Tensor tensor(DType::kF32, std::move(shape));
  if (tensor.size() != static_cast<std::int64_t>(values.size())) {
    throw Error(ErrorCode::kShapeMismatch, "shape " + shape_text(tensor.shape()) + " needs " +
                                               std::to_string(tensor.size()) + " values, got " +
                                               std::to_string(values.size()));
  }
  std::copy(values.begin(), values.end(), tensor.values<float>().begin());
  return tensor;
}

namespace {

template <class T, class Convert>
void convert(const Tensor& from, Tensor& to, Convert one) {
  const auto in = from.values<T>();
  std::transform(in.begin(), in.end(), to.values<float>().begin(), one);
}

template <class T>
void convert(const Tensor& from, Tensor& to) {
  convert<T>(from, to, [](T value) { return static_cast<float>(value); });
}

}  // namespace

Tensor Tensor::to_f32() const {
  if (dtype_ == DType::kF32) return *this;
  Tensor result(DType::kF32, shape_);
  switch (dtype_) {
    case DType::kBool:
      convert<std::uint8_t>(*this, result, [](std::uint8_t v) { return v != 0 ? 1.0f : 0.0f; });
      break;
    case DType::kU8:
      convert<std::uint8_t>(*this, result);
      break;
    case DType::kI8:
      convert<std::int8_t>(*this, result);
      break;
    case DType::kI16:
      convert<std::int16_t>(*this, result);
      break;
    case DType::kU16:
      convert<std::uint16_t>(*this, result);
      break;
    case DType::kI32:
      convert<std::int32_t>(*this, result);
      break;
    case DType::kU32:
      convert<std::uint32_t>(*this, result);
      break;
    case DType::kI64:
      convert<std::int64_t>(*this, result);
      break;
    case DType::kU64:
      convert<std::uint64_t>(*this, result);
      break;
    case DType::kF64:
      convert<double>(*this, result);
      break;
    case DType::kF16:
      convert<std::uint16_t>(*this, result, half_to_float);
      break;
    case DType::kBF16:
      convert<std::uint16_t>(*this, result, bfloat16_to_float);
      break;
    case DType::kF8E4M3:
      convert<std::uint8_t>(*this, result, float8_e4m3_to_float);
      break;
    case DType::kF8E5M2:
      convert<std::uint8_t>(*this, result, float8_e5m2_to_float);
      break;
    case DType::kF32:
      break;
  }
  return result;
}

}  // namespace histojet
