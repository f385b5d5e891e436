#pragma once

#include <cstdint>

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

/// Asks for the piece that comes after this one in time, of which each column is a run of its own in memory: too many
/// runs for the CPU to follow by itself.
inline void prefetch_next(const Piece& piece) {
  constexpr std::int64_t kLineFloats = 16;
  for (std::int64_t i = 0; i < piece.columns; ++i) {
    const float* next = piece.data + i * piece.column_step + piece.steps * piece.time_step;
    for (std::int64_t t = 0; t < piece.steps; t += kLineFloats) __builtin_prefetch(next + t * piece.time_step);
  }
}

/// The piece with columns side by side: itself where it already is so, else a copy in `scratch`, which must hold
/// steps * columns floats.
inline ConstRows gather_rows(const Piece& piece, float* scratch,
                             const kernels::KernelTable<kernels::TransposeTileArgs>::Function transpose) {
  if (piece.column_step == 1) return {piece.data, piece.time_step};
  const std::int64_t steps = piece.steps, columns = piece.columns;
  if (piece.time_step == 1 || piece.time_step == -1) prefetch_next(piece);
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

inline void scatter_rows(const Piece& piece, float* data, const float* scratch,
                         const kernels::KernelTable<kernels::TransposeTileArgs>::Function transpose) {
  const std::int64_t steps = piece.steps, columns = piece.columns;
  if (piece.column_step == 1) return;
  if (piece.time_step == 1) return transpose({scratch, data, columns, piece.column_step, steps, columns});
  if (piece.time_step == -1) {
    return transpose({scratch, data - (steps - 1), columns, piece.column_step, steps, columns});
  }
  for (std::int64_t t = 0; t < steps; ++t) {
    float* row = data + t * piece.time_step;
    for (std::int64_t i = 0; i < columns; ++i) row[i * piece.column_step] = scratch[t * columns + i];
  }
}

}  // namespace histojet::scan
