#pragma once

#include "kernels/add_rows/add_rows.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

inline void add_vectors(const AddRowArgs& args) {
  const Floats weight = all(args.weight);
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* in = args.in + row * args.in_step;
    float* out = args.out + row * args.out_step;
    std::int64_t i = 0;
    for (; i + kLanes <= args.count; i += kLanes) store(out + i, fma(weight, load(in + i), load(out + i)));
    for (; i < args.count; ++i) out[i] = __builtin_fmaf(args.weight, in[i], out[i]);
  }
}

inline void multiply_vectors(const MultiplyRowArgs& args) {
  std::int64_t i = 0;
  for (; i + kLanes <= args.count; i += kLanes) store(args.out + i, load(args.in + i) * load(args.out + i));
  for (; i < args.count; ++i) args.out[i] *= args.in[i];
}

}  // namespace
}  // namespace histojet::kernels
