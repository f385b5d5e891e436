#include "kernels/token_similarity/unit_rows_vector.hpp"

namespace histojet::kernels::avx512 {

void unit_rows(const UnitRowsArgs& args) {
  UnitRows(args).run();
}

}  // namespace histojet::kernels::avx512
