#include <cmath>

#include "kernels/add_rows/add_rows.hpp"

namespace histojet::kernels::scalar {

void add_row(const AddRowArgs& args) {
  for (std::int64_t row = 0; row < args.rows; ++row) {
    const float* in = args.in + row * args.in_step;
    float* out = args.out + row * args.out_step;
    for (std::int64_t i = 0; i < args.count; ++i) out[i] = std::fma(args.weight, in[i], out[i]);
  }
}

void multiply_row(const MultiplyRowArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) args.out[i] *= args.in[i];
}

}  // namespace histojet::kernels::scalar
