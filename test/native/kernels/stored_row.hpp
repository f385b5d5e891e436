#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "available_isas.hpp"
#include "base/aligned_buffer.hpp"
#include "base/bfloat16.hpp"
#include "kernels/storage.hpp"

namespace histojet::test {

/// A row of any storage on a 32-byte boundary, which is no cache line's, in the middle of poisoned memory.
class StoredRow {
 public:
  StoredRow(kernels::Storage storage, std::int64_t count)
      : storage_(storage),
        count_(count),
        plane_bytes_(count * kernels::element_bytes(storage) + 96),
        size_(static_cast<std::size_t>(kLead + kernels::plane_count(storage) * plane_bytes_)),
        bytes_(make_aligned<std::byte>(size_)) {
    std::memset(bytes_.get(), kPoison, size_);
  }
  StoredRow(kernels::Storage storage, const std::vector<float>& values)
      : StoredRow(storage, static_cast<std::int64_t>(values.size())) {
    for (std::size_t i = 0; i < values.size(); ++i) set(static_cast<std::int64_t>(i), values[i]);
  }

  std::byte* pixels() const { return bytes_.get() + kLead; }
  std::int64_t plane_bytes() const { return plane_bytes_; }
  std::int64_t count() const { return count_; }

  float value(std::int64_t i) const {
    if (storage_ == kernels::Storage::kFloat32) return read<float>(0, i);
    const SplitFloat halves{read<Bfloat16>(0, i),
                            storage_ == kernels::Storage::kSplit ? read<Bfloat16>(1, i) : Bfloat16{0}};
    return storage_ == kernels::Storage::kSplit ? joined(halves) : from_bfloat16(halves.high);
  }
  void set(std::int64_t i, float value) {
    if (storage_ == kernels::Storage::kFloat32) return write(0, i, value);
    const SplitFloat halves = split_float(value);
    write(0, i, halves.high);
    if (storage_ == kernels::Storage::kSplit) write(1, i, halves.low);
  }
  /// All bytes, the poison included, with one pattern for all NaN (which operand's NaN an instruction keeps depends on
  /// the order that the compiler chose).
  std::vector<std::byte> bytes() const {
    StoredRow copy(storage_, count_);
    std::memcpy(copy.bytes_.get(), bytes_.get(), size_);
    for (std::int64_t i = 0; i < count_; ++i) {
      if (std::isnan(value(i))) copy.set(i, std::nanf(""));
    }
    return {copy.bytes_.get(), copy.bytes_.get() + size_};
  }
  /// Whether nothing was written outside of the row.
  bool is_poison_intact() const {
    std::vector<bool> inside(size_);
    const std::int64_t row_bytes = count_ * kernels::element_bytes(storage_);
    for (std::int64_t plane = 0; plane < kernels::plane_count(storage_); ++plane) {
      for (std::int64_t i = 0; i < row_bytes; ++i) {
        inside[static_cast<std::size_t>(kLead + plane * plane_bytes_ + i)] = true;
      }
    }
    for (std::size_t i = 0; i < size_; ++i) {
      if (!inside[i] && bytes_[i] != std::byte{kPoison}) return false;
    }
    return true;
  }

 private:
  static constexpr std::int64_t kLead = 96;
  static constexpr unsigned char kPoison = 0x5a;

  template <class T>
  T read(std::int64_t plane, std::int64_t i) const {
    T value;
    std::memcpy(&value, pixels() + plane * plane_bytes_ + i * static_cast<std::int64_t>(sizeof(T)), sizeof(T));
    return value;
  }
  template <class T>
  void write(std::int64_t plane, std::int64_t i, T value) {
    std::memcpy(pixels() + plane * plane_bytes_ + i * static_cast<std::int64_t>(sizeof(T)), &value, sizeof(T));
  }

  kernels::Storage storage_;
  std::int64_t count_;
  std::int64_t plane_bytes_;
  std::size_t size_;
  AlignedBuffer<std::byte> bytes_;
};

}  // namespace histojet::test
