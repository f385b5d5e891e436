#include "kernels/combine_rows/combine_rows_vector.hpp"

namespace histojet::kernels::avx512 {

void combine_rows(const CombineRowsArgs& args) {
  combine_rows_any(args);
}

}  // namespace histojet::kernels::avx512
