// No tile registers here: the variant belongs to the CPUs that have them, whose vector units convert bfloat16.
#include "kernels/avg_pool/avg_pool_vector.hpp"

namespace histojet::kernels::amx {

void avg_pool(const AvgPoolArgs& args) {
  pool_any(args);
}

}  // namespace histojet::kernels::amx
