#pragma once

#include "kernels/nuclei_maps/edge_strength_row.hpp"

namespace histojet::kernels {
// One body for every instruction set. Unnamed, so that each file that includes it keeps a copy of its own: a shared one
// could end up with the widest instructions for the whole program.
namespace {

/// Keeps the compiler from fusing a product with the sum that follows, which would round once instead of twice.
template <class Register>
Register rounded(Register product) {
  asm("" : "+v"(product));
  return product;
}

template <class V>
typename V::Floats edge(const double* values, typename V::Doubles scale, typename V::Doubles shift) {
  const typename V::Doubles product = rounded(V::multiply(V::load(values), scale));
  return V::subtract(V::set(1.0f), V::narrow(V::add(product, shift)));
}

/// `V`: `Doubles` and `Floats`, registers of `kLanes` each; of doubles load, set, add and multiply, `narrow` to floats;
/// of floats set, store, add, subtract, multiply, max (the second operand where one is NaN) and root.
template <class V>
void edge_strength_with(const EdgeStrengthArgs& args) {
  using Doubles = typename V::Doubles;
  using Floats = typename V::Floats;
  const Doubles across_scale = V::set(double{args.across_scale}), across_shift = V::set(double{args.across_shift});
  const Doubles down_scale = V::set(double{args.down_scale}), down_shift = V::set(double{args.down_shift});
  std::int64_t i = 0;
  for (; i + V::kLanes <= args.count; i += V::kLanes) {
    const Floats across = edge<V>(args.across + i, across_scale, across_shift);
    const Floats down = edge<V>(args.down + i, down_scale, down_shift);
    const Floats both = args.maximum
                            ? V::max(down, across)
                            : V::root(V::add(rounded(V::multiply(across, across)), rounded(V::multiply(down, down))));
    V::store(args.out + i, V::max(both, V::set(0.0f)));
  }
  EdgeStrengthArgs rest = args;
  rest.across += i;
  rest.down += i;
  rest.out += i;
  rest.count -= i;
  scalar::edge_strength(rest);
}

}  // namespace
}  // namespace histojet::kernels
