#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"

namespace histojet::kernels {

/// One input of a (multi-input) convolution as the tile kernel sees it.
struct TileInput {
  std::int64_t channels = 0;       ///< that count, from `first_channel` on
  std::int64_t pixel_bytes = 0;    ///< of one plane: 8 (images), 32 or a multiple of 64
  std::int64_t planes = 1;         ///< 2: a split input; its two planes are rows of the table one after the other
  std::int64_t first_channel = 0;  ///< a multiple of 32 with wide pixels, else 0
  std::int64_t stride = 1;         ///< of the window, in pixels of this input
};

/// The form of a convolution on tiles.
struct TileForm {
  std::int64_t kernel = 1;
  std::int64_t pixels = 1;     ///< output pixels per position
  bool split_weights = false;  ///< three products instead of one: high x high, low x high, high x low
  /// Rounds weights so that each output channel's sum of them keeps; for inputs behind a ReLU, with whole weights only.
  bool keep_sums = false;
};

/// How many neighbouring pixels make one position: 2 when an input has pixels of less than a cache line.
std::int64_t pixels_per_position(std::span<const TileInput> inputs);

/// Pixels of an input row that a position reads from its window's left border on, those with zero weights included.
std::int64_t pixels_read(const TileInput& input, const TileForm& form);

/// Weights for the kernel and the walk over K. Row pointers of input i: [dy][plane], after those of the inputs before
/// it. Owns its memory; shared by all plans of a network.
struct PackedTiles {
  std::vector<TileStep> steps;
  StepOrder order = StepOrder::kPlain;
  AlignedBuffer<Bfloat16> tiles;
  AlignedBuffer<float> bias;
  std::int64_t columns = 0;
  std::int64_t rows = 0;  ///< row pointers of an output row

  /// Weight tiles of 16 columns.
  std::int64_t tile_count() const { return weight_tile(order, static_cast<std::int64_t>(steps.size())); }
  std::int64_t byte_size() const { return columns * (tile_count() * 64 + static_cast<std::int64_t>(sizeof(float))); }
};

/// weight: [out][sum of the inputs' channels][kernel][kernel] as in PyTorch's Conv2d, times `scale`; an output pixel
/// has `pixel_columns` columns, of which `bias.size()` are real. Columns of a position: its pixels one after the other.
PackedTiles pack_conv2d_tiles(std::span<const float> weight, std::span<const float> bias,
                              std::span<const TileInput> inputs, const TileForm& form, std::int64_t pixel_columns,
                              double scale = 1);

/// weight: [in][out][2][2] as in PyTorch's ConvTranspose2d with stride 2, for output rows of parity 0 and 1. A position
/// has twice as many output pixels as input pixels.
std::array<PackedTiles, 2> pack_conv_transpose2x2_tiles(std::span<const float> weight, std::span<const float> bias,
                                                        const TileInput& input, const TileForm& form,
                                                        std::int64_t pixel_columns);

}  // namespace histojet::kernels
