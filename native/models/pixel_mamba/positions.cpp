#include "models/pixel_mamba/positions.hpp"

#include <cmath>

namespace histojet::models {

SincosPositions::SincosPositions(std::int64_t dim) {
  const std::int64_t count = dim / 4;
  for (std::int64_t i = 0; i < count; ++i) {
    frequencies_.push_back(std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(count)));
  }
}

std::vector<float> SincosPositions::waves(std::int64_t first, std::int64_t count) const {
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(count) * 2 * frequencies_.size());
  for (std::int64_t i = first; i < first + count; ++i) {
    const auto place = static_cast<double>(i);
    for (const double frequency : frequencies_) values.push_back(static_cast<float>(std::sin(place * frequency)));
    for (const double frequency : frequencies_) values.push_back(static_cast<float>(std::cos(place * frequency)));
  }
  return values;
}

void SincosPositions::add(const StageForm& form, tokens::GridCell cell, float* tokens, std::int64_t step) const {
  const auto half = static_cast<std::int64_t>(2 * frequencies_.size());
  const std::vector<float> rows = waves(cell.row * form.grid.rows, form.grid.rows);
  const std::vector<float> columns = waves(cell.column * form.grid.columns, form.grid.columns);
  for (std::int64_t i = 0; i < form.tokens; ++i) {
    const std::int64_t place = form.places[static_cast<std::size_t>(i)];
    const float* column = columns.data() + place % form.grid.columns * half;
    const float* row = rows.data() + place / form.grid.columns * half;
    float* token = tokens + i * step;
    for (std::int64_t c = 0; c < half; ++c) token[c] += column[c];
    for (std::int64_t c = 0; c < half; ++c) token[half + c] += row[c];
  }
}

}  // namespace histojet::models
