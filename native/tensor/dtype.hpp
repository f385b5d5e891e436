#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace histojet {

/// Element types that tensors can hold. Names follow safetensors ("F32", "BF16", …).
enum class DType { kBool, kU8, kI8, kI16, kU16, kI32, kU32, kI64, kU64, kF16, kBF16, kF32, kF64, kF8E4M3, kF8E5M2 };

std::string_view dtype_name(DType dtype);
std::size_t dtype_size(DType dtype);

/// IEEE half precision, bfloat16 and the two 8-bit floats of safetensors as float; exact.
float half_to_float(std::uint16_t bits);
float bfloat16_to_float(std::uint16_t bits);
float float8_e4m3_to_float(std::uint8_t bits);
float float8_e5m2_to_float(std::uint8_t bits);

}  // namespace histojet
