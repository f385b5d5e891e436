#pragma once

#include "kernels/selective_scan/selective_scan.hpp"

namespace histojet::kernels {

/// Neighbouring cells of one row of a grid, for the selective scan in two dimensions (2DMamba): as SelectiveScanArgs,
/// but with `row.state` as what came along the row, per channel, state and cell
///
///     row.state = 2^(dt * a2) * row.state + dt * u * b
///     above     = 2^(dt * a2) * above + row.state         and y from `above` in place of `row.state`
///
/// so that the state of a cell holds that of the cell above once and that of the row once. `row.state` is zero at the
/// start of a row, `above` at the start of the grid. The bits do not depend on how a row is cut into calls.
struct Scan2dArgs {
  SelectiveScanArgs row;
  float* above;             ///< [steps][states][channel_stride], read and written
  std::int64_t above_step;  ///< floats between cells of `above`
};

extern const KernelTable<Scan2dArgs> kScan2d;

namespace scalar {
void scan_2d(const Scan2dArgs& args);
}
namespace avx2 {
void scan_2d(const Scan2dArgs& args);
}
namespace avx512 {
void scan_2d(const Scan2dArgs& args);
}

}  // namespace histojet::kernels
