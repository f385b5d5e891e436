#pragma once

#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "engine/plan.hpp"

namespace histojet::engine {

/// The memory that a run works on.
struct RunMemory {
  const Plan* plan = nullptr;
  ImageView rgb;
  std::byte* arena = nullptr;
  const std::byte* zeros = nullptr;              ///< `zero_row_bytes()` zeros
  const std::vector<float*>* outputs = nullptr;  ///< by id
};

/// Computes coarse rows [begin, end) of a chain; `scratch` holds the rings. Checks `cancel` before each turn.
void run_band(const RunMemory& memory, const Chain& chain, std::byte* scratch, std::int64_t begin, std::int64_t end,
              const CancelToken& cancel);

}  // namespace histojet::engine
