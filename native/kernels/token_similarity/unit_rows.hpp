#pragma once

#include <cstdint>

#include "kernels/dispatch.hpp"

namespace histojet::kernels {

/// Rows of one side of a product of tokens lie in groups, value by value: [group][channel][row of the group].
constexpr std::int64_t kRowGroup = 8;       ///< of the side whose rows look for a partner
constexpr std::int64_t kPanelColumns = 48;  ///< of the side that is looked through; a multiple of kRowGroup

/// Rows shorter than this count as zero: they are similar to nothing.
constexpr double kSmallestNorm = 1e-12;

/// Copies rows, scaled to unit length, into groups of `group` rows. Rows that are zero (norm below kSmallestNorm) give
/// zeros; a row with NaN or infinities gives NaN, and so do the places of rows that are left out or beyond the last
/// one: no comparison ever prefers NaN. All variants give identical bits.
struct UnitRowsArgs {
  const float* rows;           ///< row 0
  std::int64_t row_floats;     ///< from row to row
  const std::int32_t* chosen;  ///< [count] which rows to take, -1: leave this place out
  std::int64_t count;
  std::int64_t channels;
  std::int64_t group;  ///< kRowGroup or kPanelColumns
  float* out;          ///< [unit_groups(count, group)][channels][group]
};

constexpr std::int64_t unit_groups(std::int64_t count, std::int64_t group) {
  return (count + group - 1) / group;
}

extern const KernelTable<UnitRowsArgs> kUnitRows;

namespace scalar {
void unit_rows(const UnitRowsArgs& args);
}
namespace avx2 {
void unit_rows(const UnitRowsArgs& args);
}
namespace avx512 {
void unit_rows(const UnitRowsArgs& args);
}

}  // namespace histojet::kernels
