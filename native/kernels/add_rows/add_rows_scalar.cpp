#include <cmath>

#include "kernels/add_rows/add_rows.hpp"

namespace histojet::kernels::scalar {

void add_row(const AddRowArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) args.out[i] = std::fma(args.weight, args.in[i], args.out[i]);
}

void multiply_row(const MultiplyRowArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) args.out[i] *= args.in[i];
}

}  // namespace histojet::kernels::scalar
