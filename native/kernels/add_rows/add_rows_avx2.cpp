#include "kernels/add_rows/add_rows_vector.hpp"

namespace histojet::kernels::avx2 {

void add_row(const AddRowArgs& args) {
  add_vectors(args);
}

void multiply_row(const MultiplyRowArgs& args) {
  multiply_vectors(args);
}

}  // namespace histojet::kernels::avx2
