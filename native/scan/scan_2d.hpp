#pragma once

#include "scan/selective_scan.hpp"

namespace histojet::scan {

/// A selective scan over a grid of height x width cells in row-major order (2DMamba), so that scan.length is their
/// product. With a = exp(dt * A) of each cell, per channel and state:
///
///     row[i][j]  = a[i][j] * row[i][j - 1]   + dt * B * u      along the row, from 0
///     cell[i][j] = a[i][j] * cell[i - 1][j]  + row[i][j]       down the column, from 0
///     y[i][j]    = sum over n of C * cell + D * u, gated as in SelectiveScan
///
/// With `reverse` from the last cell, to the left and upwards. Memory: for each thread the states of 512 cells of a row
/// and of one cell of each row, for 16 channels.
/// @throws as selective_scan(); Error kShapeMismatch if the sizes do not fit, kInvalidArgument if there is an initial
/// or
///   last state, which a grid does not have.
void scan_2d(const SelectiveScan& scan, std::int64_t height, std::int64_t width, const ScanRun& run = {});

}  // namespace histojet::scan
