#include "kernels/conv2d_bf16/conv2d_bf16_pack.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace histojet::kernels {
namespace {

constexpr std::int64_t kStepElements = 32;
constexpr std::int64_t kStepBytes = 64;
constexpr std::int64_t kLargePixelBytes = 1024;  // a block of 32 positions then reads more than 32 KiB

std::int64_t window_pixels(const TileInput& input, const TileForm& form) {
  return form.kernel + input.stride * (form.pixels - 1);
}

/// Which weight multiplies an element of a step.
struct TileElement {
  std::int32_t input;
  std::int32_t channel;  ///< of the input, `first_channel` included; -1: none, the weight is 0
  std::int32_t dy;
  std::int32_t pixel;  ///< column of the window, [0, kernel + stride * (pixels - 1))
};
using StepElements = std::array<TileElement, 32>;

struct TileWalk {
  std::vector<TileStep> steps;
  StepOrder order = StepOrder::kPlain;
  std::vector<StepElements> elements;    ///< one entry for all products of the same elements
  std::vector<std::size_t> elements_of;  ///< by step
  std::vector<bool> low_weights;         ///< by step: takes the low half of the split weights
  std::int64_t rows = 0;
};

class Walker {
 public:
  Walker(std::span<const TileInput> inputs, const TileForm& form) : form_(form) {
    const bool split = std::ranges::all_of(inputs, [](const TileInput& input) { return input.planes == 2; });
    if (split && form.split_weights) walk_.order = StepOrder::kSplit;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      for (std::int64_t dy = 0; dy < form.kernel; ++dy, walk_.rows += inputs[i].planes) {
        add_row(inputs[i], static_cast<std::int32_t>(i), static_cast<std::int32_t>(dy));
      }
    }
  }
  TileWalk take() { return std::move(walk_); }

 private:
  void add_row(const TileInput& input, std::int32_t index, std::int32_t dy) {
    const std::int64_t pixel_elements = input.pixel_bytes / 2;
    const std::int64_t end = input.first_channel + input.channels;
    const auto element = [&](std::int64_t at) {
      const std::int64_t channel = at % pixel_elements;
      const bool real =
          channel >= input.first_channel && channel < end && at / pixel_elements < window_pixels(input, form_);
      return TileElement{index, real ? static_cast<std::int32_t>(channel) : -1, dy,
                         static_cast<std::int32_t>(at / pixel_elements)};
    };
    // The window of a block is read pixel by pixel or, when it does not fit into the first-level cache, all pixels for
    // one line of channels, then the next line: neighbouring positions read the same lines.
    const bool by_line = input.pixel_bytes >= kLargePixelBytes;
    const std::int64_t pitch = by_line ? pixel_elements : kStepElements;
    for (std::int64_t line = 0; line < pitch; line += kStepElements) {
      for (std::int64_t at = line; at < pixels_read(input, form_) * pixel_elements; at += pitch) {
        StepElements elements;
        for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = element(at + static_cast<std::int64_t>(i));
        const bool any = std::ranges::any_of(elements, [](const TileElement& e) { return e.channel >= 0; });
        if (any) add_steps(input, at * 2, elements);
      }
    }
  }

  void add_steps(const TileInput& input, std::int64_t offset, const StepElements& elements) {
    const auto add = [&](std::int64_t plane, bool low_weights) {
      walk_.steps.push_back({static_cast<std::int32_t>(walk_.rows + plane), static_cast<std::int32_t>(offset),
                             static_cast<std::int32_t>(form_.pixels * input.stride * input.pixel_bytes)});
      walk_.elements_of.push_back(walk_.elements.size() - 1);
      walk_.low_weights.push_back(low_weights);
    };
    walk_.elements.push_back(elements);
    if (input.planes == 2) add(1, false);
    add(0, false);
    if (form_.split_weights) add(0, true);
  }

  TileForm form_;
  TileWalk walk_;
};

/// A rounded weight that could as well be rounded to its other neighbour.
struct OtherNeighbour {
  std::size_t index;
  Bfloat16 value;
  float change;  ///< of the sum
  float cost;    ///< squared error that it adds, by |change|
};

/// The distance of the two bfloat16 around a value; 0 for the smallest numbers.
float spacing(float value) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & 0x7f800000U) * 0x1p-7f;
}

/// The bfloat16 on the other side of `value`, which is not zero.
Bfloat16 other_neighbour(float value, Bfloat16 rounded) {
  const bool shrank = std::fabs(from_bfloat16(rounded)) < std::fabs(value);
  return static_cast<Bfloat16>(shrank ? rounded + 1 : rounded - 1);
}

/// Rounds the weights of one output channel so that their sum keeps. Inputs behind a ReLU are positive: what rounding
/// adds to the sum of the weights shifts the channel by as many times the mean input, the same everywhere in the
/// picture. Of the weights that lie almost in the middle between two bfloat16, as many as it takes go to the other one;
/// their squared error hardly grows.
void round_keeping_sum(std::span<float> row, std::vector<OtherNeighbour>& candidates) {
  double missing = 0.0;
  for (const float value : row) missing += static_cast<double>(value) - from_bfloat16(to_bfloat16(value));
  // The sum loses about a third of the square root of the row's length, in roundings: so many candidates are enough.
  const float near_middle = std::max(0.3f, 0.5f - 2.5f / std::sqrt(static_cast<float>(row.size())));
  const float limit = std::isfinite(missing) ? near_middle : std::numeric_limits<float>::infinity();
  const float sign = missing > 0.0 ? 1.0f : -1.0f;
  candidates.clear();
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float value = row[i];
    const Bfloat16 rounded = to_bfloat16(value);
    row[i] = from_bfloat16(rounded);
    const float error = value - row[i];
    // One rare branch: millions of weights pass here while a network loads.
    if (!(error * sign > limit * spacing(value))) continue;
    const Bfloat16 other = other_neighbour(value, rounded);
    const float change = from_bfloat16(other) - row[i];
    candidates.push_back({i, other, change, std::fabs(change) - 2.0f * std::fabs(error)});
  }
  std::ranges::sort(candidates, [](const OtherNeighbour& a, const OtherNeighbour& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.index < b.index;
  });
  for (const OtherNeighbour& candidate : candidates) {
    if (std::fabs(missing - candidate.change) >= std::fabs(missing)) continue;
    row[candidate.index] = from_bfloat16(candidate.value);
    missing -= candidate.change;
  }
}

/// Weights as bfloat16 numbers, times `scale`; rows are those of the output channels.
std::vector<float> rounded_weights(std::span<const float> weight, std::size_t rows, double scale) {
  std::vector<float> rounded(weight.size());
  std::ranges::transform(weight, rounded.begin(), [&](float value) { return static_cast<float>(value * scale); });
  std::vector<OtherNeighbour> candidates;
  const std::size_t length = weight.size() / rows;
  for (std::size_t n = 0; n < rows; ++n) round_keeping_sum(std::span(rounded).subspan(n * length, length), candidates);
  return rounded;
}

/// Where the weights of a matrix lie: that of element e and column n of output pixel q at `element(e, q) + n * column`,
/// nowhere (0) when `element` is negative.
template <class ElementOffset>
struct WeightLayout {
  std::span<const float> weight;
  std::span<const float> bias;
  ElementOffset element;
  std::int64_t column;
  std::int64_t pixel_columns;  ///< columns of an output pixel, a multiple of 16; those after `bias` are zeros
  double scale;
};

/// Whether step s uses the weight tile of the step before.
bool shares_weights(const TileWalk& walk, std::size_t s) {
  const auto step = static_cast<std::int64_t>(s);
  return s > 0 && weight_tile(walk.order, step) == weight_tile(walk.order, step - 1);
}

template <class ElementOffset>
PackedTiles pack_tiles(const TileWalk& walk, std::int64_t pixels, const WeightLayout<ElementOffset>& layout) {
  PackedTiles packed;
  packed.steps = walk.steps;
  packed.order = walk.order;
  packed.columns = pixels * layout.pixel_columns;
  packed.rows = walk.rows;
  packed.tiles = make_aligned<Bfloat16>(static_cast<std::size_t>(packed.tile_count() * packed.columns) * 32);
  packed.bias = make_aligned<float>(static_cast<std::size_t>(packed.columns));
  const auto real_columns = static_cast<std::int64_t>(layout.bias.size());
  Bfloat16* out = packed.tiles.get();
  std::array<SplitFloat, 512> values;  // [16 pairs of elements][16 columns][2]
  for (std::int64_t first = 0; first < packed.columns; first += 16) {
    const std::int64_t pixel = first / layout.pixel_columns;
    const std::int64_t n0 = first % layout.pixel_columns;
    for (std::size_t s = 0; s < walk.steps.size(); ++s) {
      if (s == 0 || walk.elements_of[s] != walk.elements_of[s - 1]) {
        const StepElements& elements = walk.elements[walk.elements_of[s]];
        for (std::size_t e = 0; e < elements.size(); ++e) {
          const std::int64_t offset = elements[e].channel < 0 ? -1 : layout.element(elements[e], pixel);
          for (std::int64_t n = 0; n < 16; ++n) {
            const bool real = offset >= 0 && n0 + n < real_columns;
            const auto index = static_cast<std::size_t>(offset + (n0 + n) * layout.column);
            const float value = real ? static_cast<float>(layout.weight[index] * layout.scale) : 0.0f;
            values[e / 2 * 32 + static_cast<std::size_t>(n) * 2 + e % 2] = split_float(value);
          }
        }
      }
      if (shares_weights(walk, s)) continue;
      for (const SplitFloat& value : values) *out++ = walk.low_weights[s] ? value.low : value.high;
    }
  }
  for (std::int64_t column = 0; column < packed.columns; ++column) {
    const std::int64_t n = column % layout.pixel_columns;
    packed.bias[static_cast<std::size_t>(column)] = n < real_columns ? layout.bias[static_cast<std::size_t>(n)] : 0.0f;
  }
  return packed;
}

}  // namespace

std::int64_t pixels_per_position(std::span<const TileInput> inputs) {
  for (const TileInput& input : inputs) {
    if (input.pixel_bytes < kStepBytes) return 2;
  }
  return 1;
}

std::int64_t pixels_read(const TileInput& input, const TileForm& form) {
  if (input.pixel_bytes >= kStepBytes) return window_pixels(input, form);
  const std::int64_t bytes = window_pixels(input, form) * input.pixel_bytes;
  return (bytes + kStepBytes - 1) / kStepBytes * kStepBytes / input.pixel_bytes;
}

PackedTiles pack_conv2d_tiles(std::span<const float> weight, std::span<const float> bias,
                              std::span<const TileInput> inputs, const TileForm& form, std::int64_t pixel_columns,
                              double scale) {
  std::vector<std::int64_t> first;  // channel of each input in the weights
  std::int64_t channels = 0;
  for (const TileInput& input : inputs) {
    first.push_back(channels - input.first_channel);
    channels += input.channels;
  }
  const auto element = [&](const TileElement& e, std::int64_t pixel) {
    const std::int64_t dx = e.pixel - pixel * inputs[static_cast<std::size_t>(e.input)].stride;
    if (dx < 0 || dx >= form.kernel) return std::int64_t{-1};
    const std::int64_t channel = first[static_cast<std::size_t>(e.input)] + e.channel;
    return (channel * form.kernel + e.dy) * form.kernel + dx;
  };
  const std::int64_t column = channels * form.kernel * form.kernel;
  using Layout = WeightLayout<decltype(element)>;
  const TileWalk walk = Walker(inputs, form).take();
  if (!form.keep_sums) {
    return pack_tiles(walk, form.pixels, Layout{weight, bias, element, column, pixel_columns, scale});
  }
  const std::vector<float> rounded = rounded_weights(weight, bias.size(), scale);
  return pack_tiles(walk, form.pixels, Layout{rounded, bias, element, column, pixel_columns, 1.0});
}

std::array<PackedTiles, 2> pack_conv_transpose2x2_tiles(std::span<const float> weight, std::span<const float> bias,
                                                        const TileInput& input, const TileForm& form,
                                                        std::int64_t pixel_columns) {
  const auto out = static_cast<std::int64_t>(bias.size());
  const TileWalk walk = Walker({&input, 1}, form).take();
  const auto pack = [&](std::int64_t row) {
    const auto element = [&](const TileElement& e, std::int64_t pixel) {
      return e.pixel == pixel / 2 ? e.channel * out * 4 + row * 2 + pixel % 2 : std::int64_t{-1};
    };
    return pack_tiles(walk, 2 * form.pixels,
                      WeightLayout<decltype(element)>{weight, bias, element, 4, pixel_columns, 1.0});
  };
  return {pack(0), pack(1)};
}

}  // namespace histojet::kernels
