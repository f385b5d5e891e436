#include "kernels/combine_rows/combine_rows_vector.hpp"

namespace histojet::kernels::avx2 {

void combine_rows(const CombineRowsArgs& args) {
  combine_rows_any(args);
}

}  // namespace histojet::kernels::avx2
