#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/aligned_buffer.hpp"
#include "weights/state_dict.hpp"

namespace histojet::tokens {

/// What layers share when they read a checkpoint.

/// The dimensions of a tensor that tells a configuration. @throws Error kMissingWeight; kShapeMismatch naming the key,
/// its shape and what was `expected` unless there are `rank` of them, all positive and below 2^24.
const Shape& shape_of(const weights::WeightScope& scope, std::string_view name, std::size_t rank,
                      const std::string& expected);

/// The shape of a matrix that some checkpoints store as a convolution of 1 x 1.
Shape matrix_shape(const weights::WeightScope& scope, std::string_view name, std::int64_t out, std::int64_t in);

/// Zeros on a 64-byte boundary.
AlignedBuffer<float> zero_values(std::int64_t count);

/// The values on a 64-byte boundary, followed by zeros up to `count`; null for no values.
AlignedBuffer<float> padded_copy(std::span<const float> values, std::int64_t count);

/// [rows][columns] as [columns][stride], `rows` values each.
AlignedBuffer<float> transposed(std::span<const float> values, std::int64_t rows, std::int64_t columns,
                                std::int64_t stride);

/// A log2(e) with A = -exp(A_log), [channels][states] as [states][stride]: what the scan's kernel takes. Computed in
/// double precision.
AlignedBuffer<float> scaled_decay(std::span<const float> a_log, std::int64_t channels, std::int64_t states,
                                  std::int64_t stride);

}  // namespace histojet::tokens
