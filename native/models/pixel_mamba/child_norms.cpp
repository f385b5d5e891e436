#include <algorithm>
#include <cmath>

#include "models/pixel_mamba/layers.hpp"

namespace histojet::models {
namespace {

using Sources = std::span<const std::array<std::int32_t, 4>>;

constexpr std::int64_t kSourcesAtOnce = 16;

float length(const float* values, std::int64_t count) {
  double squares = 0;
  for (std::int64_t i = 0; i < count; ++i) squares += static_cast<double>(values[i]) * values[i];
  return static_cast<float>(std::sqrt(squares));
}

/// Tokens that merge side by side in each row, zeros for those that are none, and a row of zeros behind the last.
void concatenate(const float* in, std::int64_t dim, std::int64_t parts, Sources sources, tokens::RowBuffer& rows) {
  const auto count = static_cast<std::int64_t>(sources.size());
  std::fill_n(rows.row(count), parts * dim, 0.0F);
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t k = 0; k < parts; ++k) {
      const std::int32_t source = sources[static_cast<std::size_t>(i)][static_cast<std::size_t>(k)];
      float* part = rows.row(i) + k * dim;
      if (source < 0) {
        std::fill_n(part, dim, 0.0F);
      } else {
        std::copy_n(in + source * token_step(dim), dim, part);
      }
    }
  }
}

}  // namespace

void TokenMerge::child_norms(const float* in, Sources sources, std::array<float, 4>* norms,
                             PixelScratch& scratch) const {
  const bool average = kind_ == MergeKind::kAverage2x2;
  const std::int64_t values = average ? in_ : parts_ * in_, out_step = token_step(out_);
  tokens::RowBuffer whole, parts, stored;
  whole.reshape(kSourcesAtOnce + 1, parts_ * in_);
  parts.reshape(parts_ * kSourcesAtOnce, values);
  stored.reshape(parts_ * kSourcesAtOnce, values, reduction_.storage());
  std::vector<float> out(static_cast<std::size_t>(parts_ * kSourcesAtOnce * out_step));
  for (std::size_t first = 0; first < sources.size(); first += kSourcesAtOnce) {
    const Sources some = sources.subspan(first, std::min<std::size_t>(kSourcesAtOnce, sources.size() - first));
    const auto count = static_cast<std::int64_t>(some.size());
    concatenate(in, in_, parts_, some, whole);
    std::fill_n(norms + first, some.size(), std::array<float, 4>{});
    if (concatenates()) {
      norm_.run_floats(whole.row(0), whole.step(), whole.row(0), whole.step(), count + 1);
    }
    // Zeros come out of the norm as its bias, which is nobody's part.
    const float* bias = whole.row(count);
    for (std::int64_t i = 0; i < parts_ * count; ++i) {
      const std::int64_t begin = i % parts_ * in_;
      const float* row = whole.row(i / parts_) + begin;
      std::fill_n(parts.row(i), values, 0.0F);
      float* part = parts.row(i) + (average ? 0 : begin);
      for (std::int64_t c = 0; c < in_; ++c) part[c] = (average ? 0.25F : 1.0F) * (row[c] - bias[begin + c]);
    }
    tokens::store_rows({.data = parts.row(0), .step = parts.step()}, 0, values, isa_, stored, 0, parts_ * count);
    reduction_.run(stored, 0, parts_ * count, out.data(), out_step, scratch.linear);
    for (std::int64_t i = 0; i < parts_ * count; ++i) {
      const auto source = static_cast<std::size_t>(i / parts_), k = static_cast<std::size_t>(i % parts_);
      norms[first + source][k] = some[source][k] < 0 ? 0.0F : length(out.data() + i * out_step, out_);
    }
  }
}

}  // namespace histojet::models
