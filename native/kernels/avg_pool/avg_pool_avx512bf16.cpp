// For CPUs whose vector units convert bfloat16.
#include "kernels/avg_pool/avg_pool_vector.hpp"

namespace histojet::kernels::avx512bf16 {

void avg_pool(const AvgPoolArgs& args) {
  pool_any(args);
}

}  // namespace histojet::kernels::avx512bf16
