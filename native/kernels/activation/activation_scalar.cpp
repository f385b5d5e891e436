#include <cmath>

#include "kernels/activation/activation.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

double apply(Activation function, double x) {
  switch (function) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kGeluErf:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluTanh:
      // 0.5 (1 + tanh(u)) = 1 / (1 + e^-2u), without the loss of digits for negative u
      return x / (1 + std::exp(-2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kSoftplus:
      return (x > 0 ? x : 0) + std::log1p(std::exp(-std::abs(x)));
  }
  return x;
}

void activation(const ActivationArgs& args) {
  for (std::int64_t y = 0; y < args.rows; ++y) {
    const RowIn in{args.in.pixels + y * args.in_row_bytes, args.in.plane_bytes};
    const RowOut out{args.out.pixels + y * args.out_row_bytes, args.out.plane_bytes};
    for (std::int64_t i = 0; i < args.count; ++i) {
      store(out, args.out_storage, i, static_cast<float>(apply(args.function, load(in, args.in_storage, i))));
    }
  }
}

}  // namespace histojet::kernels::scalar
