#include "kernels/token_similarity/nearest_rows_vector.hpp"

namespace histojet::kernels::avx512 {

void nearest_rows(const NearestRowsArgs& args) {
  NearestRows(args).run();
}

}  // namespace histojet::kernels::avx512
