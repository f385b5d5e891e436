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
};

/// The form of a convolution on tiles.
struct TileForm {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t pixels = 1;     ///< input pixels (times `stride`) per position
  bool split_weights = false;  ///< three products instead of one: high x high, low x high, high x low
};

/// How many neighbouring pixels make one position: 2 when an input has pixels of less than a cache line.
std::int64_t pixels_per_position(std::span<const TileInput> inputs);

/// Which weight multiplies an element of a step.
struct TileElement {
  std::int32_t input;
  std::int32_t channel;  ///< of the input, `first_channel` included; -1: none, the weight is 0
  std::int32_t dy;
  std::int32_t pixel;  ///< column of the window, [0, kernel + stride * (pixels - 1))
};

/// The walk over K. Row pointers of input i: [dy][plane], after those of the inputs before it.
struct TileWalk {
  std::vector<TileStep> steps;
  std::vector<std::array<TileElement, 32>> elements;  ///< by step
  std::vector<bool> low_weights;                      ///< by step: takes the low half of the split weights
  std::int64_t rows = 0;                              ///< row pointers of an output row
};
TileWalk tile_walk(std::span<const TileInput> inputs, const TileForm& form);

/// Pixels of an input row that a position reads from its window's left border on, those with zero weights included.
std::int64_t pixels_read(const TileInput& input, const TileForm& form);

/// Weights for the kernel. Owns its memory; shared by all plans of a network.
struct PackedTiles {
  std::vector<TileStep> steps;
  AlignedBuffer<Bfloat16> tiles;
  AlignedBuffer<float> bias;
  std::int64_t columns = 0;
  std::int64_t rows = 0;

  std::int64_t byte_size() const {
    return columns * (static_cast<std::int64_t>(steps.size()) * 64 + static_cast<std::int64_t>(sizeof(float)));
  }
};

/// `value(element, column)` and `bias(column)` for `columns` (a multiple of 16) columns of a position.
template <class Value, class Bias>
PackedTiles pack_tiles(const TileWalk& walk, std::int64_t columns, Value value, Bias bias) {
  PackedTiles packed;
  packed.steps = walk.steps;
  packed.columns = columns;
  packed.rows = walk.rows;
  packed.tiles = make_aligned<Bfloat16>(walk.steps.size() * static_cast<std::size_t>(columns) * 32);
  packed.bias = make_aligned<float>(static_cast<std::size_t>(columns));
  Bfloat16* out = packed.tiles.get();
  for (std::int64_t first = 0; first < columns; first += 16) {
    for (std::size_t s = 0; s < walk.steps.size(); ++s) {
      for (std::size_t pair = 0; pair < 16; ++pair) {
        for (std::int64_t column = first; column < first + 16; ++column) {
          for (std::size_t j = 0; j < 2; ++j) {
            const TileElement& element = walk.elements[s][2 * pair + j];
            const SplitFloat weight = split_float(element.channel < 0 ? 0.0f : value(element, column));
            *out++ = walk.low_weights[s] ? weight.low : weight.high;
          }
        }
      }
    }
  }
  for (std::int64_t n = 0; n < columns; ++n) packed.bias[static_cast<std::size_t>(n)] = bias(n);
  return packed;
}

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
