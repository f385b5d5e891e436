#include "kernels/transpose_tile/transpose_tile.hpp"

namespace histojet::kernels::scalar {

void transpose_tile(const TransposeTileArgs& args) {
  for (std::int64_t row = 0; row < args.rows; ++row) {
    for (std::int64_t column = 0; column < args.columns; ++column) {
      args.out[column * args.out_step + row] = args.in[row * args.in_step + column];
    }
  }
}

}  // namespace histojet::kernels::scalar
