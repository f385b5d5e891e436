#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/bfloat16.hpp"
#include "kernels/stored_row.hpp"

namespace histojet::test {

/// Rows of any storage, a distance apart, on cache lines, in the middle of poisoned memory. The low plane of all rows
/// follows the high one.
class StoredMatrix {
 public:
  StoredMatrix(kernels::Storage storage, std::int64_t rows, std::int64_t columns, std::int64_t row_bytes)
      : storage_(storage),
        rows_(rows),
        columns_(columns),
        row_bytes_(row_bytes),
        plane_bytes_(rows * row_bytes + 64),
        size_(static_cast<std::size_t>(kLead + kernels::plane_count(storage) * plane_bytes_)),
        bytes_(make_aligned<std::byte>(size_)) {
    std::memset(bytes_.get(), kPoison, size_);
  }
  StoredMatrix(kernels::Storage storage, std::int64_t rows, std::int64_t columns, const std::vector<float>& values)
      : StoredMatrix(storage, rows, columns, (columns * kernels::element_bytes(storage) + 63) / 64 * 64 + 64) {
    for (std::int64_t y = 0; y < rows; ++y) {
      for (std::int64_t x = 0; x < columns; ++x) set(y, x, values[static_cast<std::size_t>(y * columns + x)]);
    }
  }

  std::byte* row(std::int64_t y) const { return bytes_.get() + kLead + y * row_bytes_; }
  std::int64_t row_bytes() const { return row_bytes_; }
  std::int64_t plane_bytes() const { return plane_bytes_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t columns() const { return columns_; }
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> copy(size_);
    std::memcpy(copy.data(), bytes_.get(), size_);
    return copy;
  }

  float value(std::int64_t y, std::int64_t x) const {
    if (storage_ == kernels::Storage::kFloat32) return read<float>(y, x, 0);
    const float high = from_bfloat16(read<Bfloat16>(y, x, 0));
    return storage_ == kernels::Storage::kSplit ? high + from_bfloat16(read<Bfloat16>(y, x, plane_bytes_)) : high;
  }
  void set(std::int64_t y, std::int64_t x, float value) {
    if (storage_ == kernels::Storage::kFloat32) return write(y, x, 0, value);
    const SplitFloat halves = split_float(value);
    write(y, x, 0, halves.high);
    if (storage_ == kernels::Storage::kSplit) write(y, x, plane_bytes_, halves.low);
  }
  /// Whether nothing was written outside of the rows.
  bool is_poison_intact() const {
    std::vector<bool> inside(size_);
    const std::int64_t used = columns_ * kernels::element_bytes(storage_);
    for (std::int64_t plane = 0; plane < kernels::plane_count(storage_); ++plane) {
      for (std::int64_t y = 0; y < rows_; ++y) {
        const auto begin = inside.begin() + kLead + plane * plane_bytes_ + y * row_bytes_;
        std::fill(begin, begin + used, true);
      }
    }
    for (std::size_t i = 0; i < size_; ++i) {
      if (!inside[i] && bytes_[i] != std::byte{kPoison}) return false;
    }
    return true;
  }

 private:
  static constexpr std::int64_t kLead = 64;
  static constexpr unsigned char kPoison = 0x5a;

  template <class T>
  T read(std::int64_t y, std::int64_t x, std::int64_t plane) const {
    T value;
    std::memcpy(&value, row(y) + plane + x * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  template <class T>
  void write(std::int64_t y, std::int64_t x, std::int64_t plane, T value) {
    std::memcpy(row(y) + plane + x * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
  }

  kernels::Storage storage_;
  std::int64_t rows_;
  std::int64_t columns_;
  std::int64_t row_bytes_;
  std::int64_t plane_bytes_;
  std::size_t size_;
  AlignedBuffer<std::byte> bytes_;
};

}  // namespace histojet::test
