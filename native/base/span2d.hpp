#pragma once

#include <cstdint>

namespace histojet {

/// A rectangle of values that somebody else owns; `stride` values lie between the starts of two rows.
template <class T>
struct Span2d {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  Span2d() = default;
  Span2d(T* data, std::int64_t rows, std::int64_t cols) : Span2d(data, rows, cols, cols) {}
  Span2d(T* data, std::int64_t rows, std::int64_t cols, std::int64_t stride)
      : data(data), rows(rows), cols(cols), stride(stride) {}

  T* row(std::int64_t y) const { return data + y * stride; }
  T& operator()(std::int64_t y, std::int64_t x) const { return data[y * stride + x]; }
};

}  // namespace histojet
