#include "tokens/load_parts.hpp"

#include <cmath>
#include <numbers>

#include "base/error.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 24;

}  // namespace

const Shape& shape_of(const weights::WeightScope& scope, std::string_view name, std::size_t rank,
                      const std::string& expected) {
  const std::string key = scope.full_name(name);
  const Shape& shape = scope.dict().entry(key).shape;
  const bool fits = shape.size() == rank &&
                    std::ranges::all_of(shape, [](std::int64_t side) { return side > 0 && side < kMostValues; });
  if (fits) return shape;
  throw Error(ErrorCode::kShapeMismatch,
              scope.dict().path() + ": tensor '" + key + "' has shape " + shape_text(shape) + ", expected " + expected);
}

Shape matrix_shape(const weights::WeightScope& scope, std::string_view name, std::int64_t out, std::int64_t in) {
  const bool as_convolution = scope.has(name) && scope.dict().entry(scope.full_name(name)).shape.size() == 4;
  return as_convolution ? Shape{out, in, 1, 1} : Shape{out, in};
}

AlignedBuffer<float> zero_values(std::int64_t count) {
  auto values = make_aligned<float>(static_cast<std::size_t>(count));
  std::fill_n(values.get(), count, 0.0F);
  return values;
}

AlignedBuffer<float> padded_copy(std::span<const float> values, std::int64_t count) {
  if (values.empty()) return nullptr;
  auto copy = make_aligned<float>(static_cast<std::size_t>(count));
  std::fill(std::ranges::copy(values, copy.get()).out, copy.get() + count, 0.0F);
  return copy;
}

AlignedBuffer<float> transposed(std::span<const float> values, std::int64_t rows, std::int64_t columns,
                                std::int64_t stride) {
  auto out = zero_values(columns * stride);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      out[static_cast<std::size_t>(column * stride + row)] = values[static_cast<std::size_t>(row * columns + column)];
    }
  }
  return out;
}

AlignedBuffer<float> scaled_decay(std::span<const float> a_log, std::int64_t channels, std::int64_t states,
                                  std::int64_t stride) {
  auto out = transposed(a_log, channels, states, stride);
  for (std::int64_t n = 0; n < states; ++n) {
    for (std::int64_t c = 0; c < channels; ++c) {
      float& value = out[static_cast<std::size_t>(n * stride + c)];
      value = static_cast<float>(-std::exp(static_cast<double>(value)) * std::numbers::log2e);
    }
  }
  return out;
}

}  // namespace histojet::tokens
