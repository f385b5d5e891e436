#include "kernels/token_similarity/nearest_rows_vector.hpp"

namespace histojet::kernels::avx2 {

void nearest_rows(const NearestRowsArgs& args) {
  NearestRows(args).run();
}

}  // namespace histojet::kernels::avx2
