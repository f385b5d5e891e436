#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/storage.hpp"

namespace histojet::tokens {

/// Tokens in the caller's memory, float32, the values of a token side by side. Token t of a run lies at data +
/// (order == nullptr ? t : order[t]) * step; a negative entry of `order` is a token of zeros.
struct TokensIn {
  const float* data = nullptr;
  std::int64_t step = 0;  ///< floats between two tokens; may be negative
  const std::int32_t* order = nullptr;

  /// Null for a token of zeros.
  const float* token(std::int64_t t) const {
    if (order == nullptr) return data + t * step;
    return order[t] < 0 ? nullptr : data + order[t] * step;
  }
};

/// Likewise for results; those with a negative entry of `order` are dropped.
struct TokensOut {
  float* data = nullptr;
  std::int64_t step = 0;
  const std::int32_t* order = nullptr;

  float* token(std::int64_t t) const {
    if (order == nullptr) return data + t * step;
    return order[t] < 0 ? nullptr : data + order[t] * step;
  }
};

/// Rows of values as the kernels want them: on cache lines, an odd number of lines apart, with room for what matrix
/// products read beyond a row and beyond the last one. Holds zeros where nothing was written.
class RowBuffer {
 public:
  /// Room for `rows` rows of `values` values. Memory grows and is kept; what it held before is lost, and zero again
  /// when the form changes.
  void reshape(std::int64_t rows, std::int64_t values, kernels::Storage storage = kernels::Storage::kFloat32);

  kernels::Storage storage() const { return storage_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t row_bytes() const { return row_bytes_; }
  /// Floats between two rows (kFloat32 only).
  std::int64_t step() const { return row_bytes_ / static_cast<std::int64_t>(sizeof(float)); }
  float* row(std::int64_t i) { return reinterpret_cast<float*>(data_.get() + i * row_bytes_); }
  const float* row(std::int64_t i) const { return reinterpret_cast<const float*>(data_.get() + i * row_bytes_); }
  kernels::RowIn in(std::int64_t i) const { return {data_.get() + i * row_bytes_, plane_bytes_}; }
  kernels::RowOut out(std::int64_t i) { return {data_.get() + i * row_bytes_, plane_bytes_}; }
  std::int64_t byte_size() const { return capacity_; }

 private:
  AlignedBuffer<std::byte> data_;
  std::int64_t capacity_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t values_ = 0;
  std::int64_t row_bytes_ = 0;
  std::int64_t plane_bytes_ = 0;
  kernels::Storage storage_ = kernels::Storage::kFloat32;
};

/// Rows of `values` floats, `step` floats apart, into rows [first, first + count) of `to` in its storage; the rest of
/// each row of `to`, up to a multiple of 32 values, becomes zero. Reads nothing beyond `values`.
void store_rows(const TokensIn& from, std::int64_t from_first, std::int64_t values, Isa isa, RowBuffer& to,
                std::int64_t first, std::int64_t count);

}  // namespace histojet::tokens
