#pragma once

#include <cstdint>

#include "kernels/selective_scan/selective_scan.hpp"
#include "tokens/mamba_mixer.hpp"
#include "tokens/scan2d_mixer.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {

/// Floats that a column of a grid keeps for the row below.
std::int64_t scan2d_column_floats(const MambaMixer::Compiled& mixer);

/// The recurrence over neighbouring cells of a grid in raster order, for `channels` of them (from a multiple of 16 on):
/// along the rows and down the columns. `args` are those of the selective scan of all channels over the same cells as a
/// sequence, with `state` as what came along the row; `column` is that of the first cell.
void scan_cells(const kernels::SelectiveScanArgs& args, Range channels, std::int64_t column, Scan2dState& state,
                Isa isa);

}  // namespace histojet::tokens
