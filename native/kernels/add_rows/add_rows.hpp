#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// A row added to another, and multiplied into another: element by element in float32, any count and alignment, nothing
/// beyond `count` is touched. Variants agree bit for bit (the sum is a fused multiply-add in all of them).
struct AddRowArgs {
  const float* in;
  float* out;  ///< out[i] += weight * in[i]
  std::int64_t count;
  float weight;
  std::int64_t rows = 1;
  std::int64_t in_step = 0;   ///< floats between two rows
  std::int64_t out_step = 0;  ///< may be negative
};
struct MultiplyRowArgs {
  const float* in;
  float* out;  ///< out[i] *= in[i]
  std::int64_t count;
};

extern const KernelTable<AddRowArgs> kAddRow;
extern const KernelTable<MultiplyRowArgs> kMultiplyRow;

namespace scalar {
void add_row(const AddRowArgs& args);
void multiply_row(const MultiplyRowArgs& args);
}  // namespace scalar
namespace avx2 {
void add_row(const AddRowArgs& args);
void multiply_row(const MultiplyRowArgs& args);
}  // namespace avx2
namespace avx512 {
void add_row(const AddRowArgs& args);
void multiply_row(const MultiplyRowArgs& args);
}  // namespace avx512

}  // namespace histojet::kernels
