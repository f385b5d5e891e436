#include "kernels/avg_pool/avg_pool_vector.hpp"

namespace histojet::kernels::avx2 {

void avg_pool(const AvgPoolArgs& args) {
  pool_any(args);
}

}  // namespace histojet::kernels::avx2
