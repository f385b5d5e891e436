#pragma once

#include <cstdint>

#include "kernels/pointwise/pointwise.hpp"

namespace histojet::kernels {

/// Functions of one value.
enum class Activation {
  kNone,
  kRelu,      ///< max(x, 0)
  kGeluErf,   ///< x Phi(x) = 0.5 x (1 + erf(x / sqrt 2)), PyTorch's default GELU
  kGeluTanh,  ///< 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x³))), PyTorch's GELU with approximate="tanh"
  kSilu,      ///< x / (1 + e^-x)
  kSigmoid,   ///< 1 / (1 + e^-x)
  kSoftplus,  ///< log(1 + e^x)
};

/// out[row][i] = function(in[row][i]) in float32, rounded to the storage at the end, for i below `count`, a multiple of
/// 16. `in` may be `out` when the storages agree. The scalar variant computes in double precision; the vector variants
/// differ from it by the bounds of kernels/vector/math.hpp (relative 1e-6; for kGeluTanh 5e-6 above
/// -5.5 and 2e-5 below; what is smaller than 1e-36 may be 0). NaN stays NaN.
struct ActivationArgs {
  RowIn in;    ///< row 0
  RowOut out;  ///< row 0
  std::int64_t in_row_bytes;
  std::int64_t out_row_bytes;
  std::int64_t rows;
  std::int64_t count;
  Activation function;
  Storage in_storage;
  Storage out_storage;
};

extern const KernelTable<ActivationArgs> kActivation;

namespace scalar {
/// In double precision.
double apply(Activation function, double x);
void activation(const ActivationArgs& args);
}  // namespace scalar
namespace avx2 {
void activation(const ActivationArgs& args);
}
namespace avx512 {
void activation(const ActivationArgs& args);
}
namespace avx512bf16 {
void activation(const ActivationArgs& args);
}

}  // namespace histojet::kernels
