#pragma once

#include <cstdint>
#include <cstdlib>

#include "kernels/selective_scan/selective_scan.hpp"
#include "kernels/transpose_tile/transpose_tile.hpp"

namespace histojet::scan {

/// Rows of floats that belong to consecutive steps of a scan; `step` is negative where the scan goes back in time.
struct ConstRows {
  const float* data = nullptr;
  std::int64_t step = 0;
};
struct Rows {
  float* data = nullptr;
  std::int64_t step = 0;
};

/// A piece of a strided matrix: element (time, column) is data[time * time_step + column * column_step].
struct Piece {
  const float* data = nullptr;
  std::int64_t time_step = 0;
  std::int64_t column_step = 0;
  std::int64_t steps = 0;
  std::int64_t columns = 0;
};

/// The memory of a piece of at most 32 steps of which each column is a run of its own: too many runs for the CPU to
/// follow by itself. Of a piece of another kind its first element.
inline kernels::StepsAhead lines_of(const Piece& piece) {
  constexpr std::int64_t kLineFloats = 16;
  if (piece.column_step == 1 || std::abs(piece.time_step) != 1) return {piece.data, 0, 0};
  return {piece.data, piece.column_step, kLineFloats * piece.time_step};
}

/// The piece with columns side by side: itself where it already is so, else a copy in `scratch`, which must hold
/// steps * columns floats.
inline ConstRows gather_rows(const Piece& piece, float* scratch,
                             const kernels::KernelTable<kernels::TransposeTileArgs>::Function transpose) {
  if (piece.column_step == 1) return {piece.data, piece.time_step};
  const std::int64_t steps = piece.steps, columns = piece.columns;
  if (piece.time_step == 1) {
    transpose({piece.data, scratch, piece.column_step, columns, columns, steps});
  } else if (piece.time_step == -1) {
    transpose({piece.data - (steps - 1), scratch, piece.column_step, columns, columns, steps});
    return {scratch + (steps - 1) * columns, -columns};
  } else {
    for (std::int64_t t = 0; t < steps; ++t) {
      const float* row = piece.data + t * piece.time_step;
      for (std::int64_t i = 0; i < columns; ++i) scratch[t * columns + i] = row[i * piece.column_step];
    }
  }
  return {scratch, columns};
}

/// Where a kernel may write the piece's rows: the piece itself, or `scratch`, from which `scatter_rows` takes them.
inline Rows target_rows(const Piece& piece, float* data, float* scratch) {
  if (piece.column_step == 1) return {data, piece.time_step};
  if (piece.time_step == -1) return {scratch + (piece.steps - 1) * piece.columns, -piece.columns};
  return {scratch, piece.columns};
}

inline void scatter_rows(const Piece& piece, float* data, const float* scratch, bool stream,
                         const kernels::KernelTable<kernels::TransposeTileArgs>::Function transpose) {
  const std::int64_t steps = piece.steps, columns = piece.columns;
  if (piece.column_step == 1) return;
  if (piece.time_step == 1) return transpose({scratch, data, columns, piece.column_step, steps, columns, stream});
  if (piece.time_step == -1) {
    return transpose({scratch, data - (steps - 1), columns, piece.column_step, steps, columns, stream});
  }
  for (std::int64_t t = 0; t < steps; ++t) {
    float* row = data + t * piece.time_step;
    for (std::int64_t i = 0; i < columns; ++i) row[i * piece.column_step] = scratch[t * columns + i];
  }
}

}  // namespace histojet::scan
