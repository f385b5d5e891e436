#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/dtype.hpp"

namespace histojet {

using Shape = std::vector<std::int64_t>;

/// "[2, 3, 256, 256]"
std::string shape_text(const Shape& shape);
/// Product of the dimensions; 1 for rank 0. @throws Error kInvalidArgument on overflow or a negative dimension.
std::int64_t element_count(const Shape& shape);

/// Where a tensor's memory lies.
enum class Device { kCpu, kCuda };

/// A dense, row-major tensor that shares its memory with its copies; immutable once handed out.
class Tensor {
 public:
  Tensor() = default;
  /// Zero-filled memory on the CPU, aligned to 64 bytes. @throws Error kOutOfMemory.
  Tensor(DType dtype, Shape shape);
  /// Takes a copy of `values`. @throws Error kShapeMismatch when the count does not fit the shape.
  static Tensor from_f32(std::span<const float> values, Shape shape);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  Device device() const { return Device::kCpu; }
  std::int64_t size() const { return size_; }
  std::size_t byte_size() const { return static_cast<std::size_t>(size_) * dtype_size(dtype_); }

  std::uint8_t* bytes() { return data_.get(); }
  const std::uint8_t* bytes() const { return data_.get(); }
  /// The values; T must be as wide as the dtype.
  template <class T>
  std::span<T> values() {
    return {reinterpret_cast<T*>(data_.get()), static_cast<std::size_t>(size_)};
  }
  template <class T>
  std::span<const T> values() const {
    return {reinterpret_cast<const T*>(data_.get()), static_cast<std::size_t>(size_)};
  }

  /// The same values as float32 (a copy unless they are). Doubles that overflow become infinite.
  Tensor to_f32() const;

 private:
  DType dtype_ = DType::kF32;
  Shape shape_{0};
  std::int64_t size_ = 0;
  std::shared_ptr<std::uint8_t[]> data_;
};

}  // namespace histojet
