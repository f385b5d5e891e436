#pragma once

#include "kernels/add_rows/add_rows.hpp"
#include "kernels/vector/floats.hpp"

namespace histojet::kernels {
namespace {

inline void add_vectors(const AddRowArgs& args) {
  const Floats weight = all(args.weight);
  std::int64_t i = 0;
  for (; i + kLanes <= args.count; i += kLanes) {
    store(args.out + i, fma(weight, load(args.in + i), load(args.out + i)));
  }
  for (; i < args.count; ++i) args.out[i] = __builtin_fmaf(args.weight, args.in[i], args.out[i]);
}

inline void multiply_vectors(const MultiplyRowArgs& args) {
  std::int64_t i = 0;
  for (; i + kLanes <= args.count; i += kLanes) store(args.out + i, load(args.in + i) * load(args.out + i));
  for (; i < args.count; ++i) args.out[i] *= args.in[i];
}

}  // namespace
}  // namespace histojet::kernels
