#include "merging/patch_merging.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "kernels/layer_norm/layer_norm.hpp"

namespace histojet::merging {
namespace {

/// Merged tokens of a part: their rows stay in the second-level cache between the three steps.
constexpr std::int64_t kPartBytes = 256 << 10;

std::vector<float> scaled(std::span<const float> reduction, std::span<const float> gamma) {
  std::vector<float> weight(reduction.begin(), reduction.end());
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= gamma[i % gamma.size()];
  return weight;
}

std::vector<float> offsets(std::span<const float> reduction, std::span<const float> beta, std::int64_t outputs) {
  std::vector<float> bias;
  for (std::int64_t n = 0; n < outputs; ++n) {
    double sum = 0;
    for (std::size_t c = 0; c < beta.size(); ++c) {
      sum += static_cast<double>(reduction[static_cast<std::size_t>(n) * beta.size() + c]) * beta[c];
    }
    bias.push_back(static_cast<float>(sum));
  }
  return bias;
}

std::byte* bytes_of(float* values) {
  return reinterpret_cast<std::byte*>(values);
}

}  // namespace

PatchMerging::PatchMerging(std::span<const float> reduction, std::span<const float> gamma, std::span<const float> beta,
                           std::int64_t outputs, float epsilon, Isa isa)
    : depth_(static_cast<std::int64_t>(gamma.size())), outputs_(outputs), epsilon_(epsilon), isa_(isa) {
  if (depth_ == 0 || depth_ % 4 != 0 || beta.size() != gamma.size() || outputs < 1 ||
      checked_mul(gamma.size(), static_cast<std::uint64_t>(outputs)) != reduction.size()) {
    throw Error(ErrorCode::kShapeMismatch,
                "patch merging: norm.weight has " + std::to_string(gamma.size()) + " values, norm.bias " +
                    std::to_string(beta.size()) + ", reduction.weight " + std::to_string(reduction.size()) +
                    ", expected 4 x channels, 4 x channels and " + std::to_string(outputs) + " x 4 x channels");
  }
  weights_ = kernels::pack_gemm(scaled(reduction, gamma), offsets(reduction, beta, outputs), depth_,
                                kernels::Storage::kFloat32, isa);
}

template <class Gather>
void PatchMerging::run_rows(std::int64_t rows, const Run& run, float* out, const Gather& gather) const {
  const std::int64_t row_floats = kernels::gemm_row_bytes(depth_, kernels::Storage::kFloat32) / 4;
  const std::int64_t part = std::clamp<std::int64_t>(kPartBytes / 4 / row_floats, 32, 512);
  Executor::instance().parallel_for(ceil_div(rows, part), run.threads, [&](std::int64_t i) {
    run.cancel.throw_if_cancelled();
    const std::int64_t first = i * part;
    const std::int64_t count = std::min(part, rows - first);
    const auto in = make_aligned<float>(static_cast<std::size_t>(count * row_floats));
    for (std::int64_t row = 0; row < count; ++row) gather(first + row, in.get() + row * row_floats);
    kernels::kLayerNorm.pick(isa_)({.in = {bytes_of(in.get()), 0},
                                    .out = {bytes_of(in.get()), 0},
                                    .in_row_bytes = row_floats * 4,
                                    .out_row_bytes = row_floats * 4,
                                    .rows = count,
                                    .channels = depth_,
                                    .gamma = nullptr,
                                    .beta = nullptr,
                                    .epsilon = epsilon_,
                                    .in_storage = kernels::Storage::kFloat32,
                                    .out_storage = kernels::Storage::kFloat32});
    // The product writes rows of a multiple of 16 values.
    const bool direct = weights_.columns == outputs_;
    const auto wide = make_aligned<float>(direct ? 0 : static_cast<std::size_t>(count * weights_.columns));
    float* target = direct ? out + first * outputs_ : wide.get();
    kernels::GemmScratch scratch(weights_);
    kernels::gemm({.a = {bytes_of(in.get()), 0},
                   .a_row_bytes = row_floats * 4,
                   .out = {bytes_of(target), 0},
                   .out_row_bytes = weights_.columns * 4,
                   .rows = count,
                   .weights = &weights_,
                   .scratch = &scratch});
    for (std::int64_t row = 0; row < count && !direct; ++row) {
      std::copy_n(wide.get() + row * weights_.columns, outputs_, out + (first + row) * outputs_);
    }
  });
}

void PatchMerging::forward(const float* x, const TokenGrid& grid, float* out, const Run& run) const {
  const std::int64_t channels = this->channels();
  if (grid.channels != channels) {
    throw Error(ErrorCode::kShapeMismatch, "patch merging: tokens have " + std::to_string(grid.channels) +
                                               " channels, expected " + std::to_string(channels));
  }
  const std::int64_t height = ceil_div(grid.height, 2);
  const std::int64_t width = ceil_div(grid.width, 2);
  run_rows(grid.batch * height * width, run, out, [&](std::int64_t row, float* to) {
    const std::int64_t sample = row / (height * width);
    for (int part = 0; part < 4; ++part, to += channels) {
      const std::int64_t token_y = row / width % height * 2 + part % 2;
      const std::int64_t token_x = row % width * 2 + part / 2;
      if (token_y < grid.height && token_x < grid.width) {
        std::copy_n(x + ((sample * grid.height + token_y) * grid.width + token_x) * channels, channels, to);
      } else {
        std::fill_n(to, channels, 0.0f);
      }
    }
  });
}

void PatchMerging::forward_z_order(const float* x, std::int64_t merged_tokens, float* out, const Run& run) const {
  const std::int64_t channels = this->channels();
  run_rows(merged_tokens, run, out, [&](std::int64_t row, float* to) {
    const float* from = x + row * depth_;
    for (const int part : {0, 2, 1, 3}) to = std::copy_n(from + part * channels, channels, to);
  });
}

void average_patches(const float* x, const TokenGrid& grid, float* out, const Run& run) {
  const std::int64_t height = ceil_div(grid.height, 2);
  const std::int64_t width = ceil_div(grid.width, 2);
  Executor::instance().parallel_for(grid.batch * height, run.threads, [&](std::int64_t i) {
    run.cancel.throw_if_cancelled();
    const std::int64_t first_y = i / height * grid.height + i % height * 2;
    const std::int64_t rows = std::min<std::int64_t>(2, grid.height - i % height * 2);
    for (std::int64_t column = 0; column < width; ++column) {
      const std::int64_t columns = std::min<std::int64_t>(2, grid.width - column * 2);
      float* to = out + (i * width + column) * grid.channels;
      std::fill_n(to, grid.channels, 0.0f);
      for (std::int64_t part = 0; part < rows * columns; ++part) {
        const std::int64_t token = (first_y + part / columns) * grid.width + column * 2 + part % columns;
        for (std::int64_t c = 0; c < grid.channels; ++c) to[c] += x[token * grid.channels + c];
      }
      const float share = 1.0f / static_cast<float>(rows * columns);
      for (std::int64_t c = 0; c < grid.channels; ++c) to[c] *= share;
    }
  });
}

}  // namespace histojet::merging
