#pragma once

#include "kernels/nuclei_maps/relief_box.hpp"

namespace histojet::kernels {
// One body for every instruction set, which the compiler makes vectors of. Unnamed, so that each file that includes it
// keeps a copy of its own: a shared one could end up with the widest instructions for the whole program.
namespace {

constexpr std::int64_t kReliefColumns = 64;

/// Up to kReliefColumns columns from `x0` on; the row pass of the last three rows is kept.
template <class T>
void relief_columns(const ReliefArgs& args, std::int64_t x0, std::int64_t columns) {
  T blurred[3][kReliefColumns];
  for (std::int64_t i = -1; i <= args.rows; ++i) {
    const float* strength = args.strength + i * args.stride + x0;
    T* here = blurred[(i + 1) % 3];
    for (std::int64_t x = 0; x < columns; ++x) {
      const T left = T{1} - static_cast<T>(strength[x - 1]), right = T{1} - static_cast<T>(strength[x + 1]);
      here[x] = (left + right) * T{0.25} + (T{1} - static_cast<T>(strength[x])) * T{0.5};
    }
    if (i < 1) continue;
    const T *first = blurred[(i - 1) % 3], *middle = blurred[i % 3];
    double* out = args.out + (i - 1) * args.out_stride + x0;
    for (std::int64_t x = 0; x < columns; ++x) out[x] = -((first[x] + here[x]) * T{0.25} + middle[x] * T{0.5});
  }
}

template <class T>
void relief_of(const ReliefArgs& args) {
  for (std::int64_t x = 0; x < args.columns; x += kReliefColumns) {
    const std::int64_t left = args.columns - x;
    relief_columns<T>(args, x, left < kReliefColumns ? left : kReliefColumns);
  }
}

inline void relief_with(const ReliefArgs& args) {
  args.in_double ? relief_of<double>(args) : relief_of<float>(args);
}

}  // namespace
}  // namespace histojet::kernels
