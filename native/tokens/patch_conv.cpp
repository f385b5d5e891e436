#include "tokens/patch_conv.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tokens/share_rows.hpp"

namespace histojet::tokens {
namespace {

constexpr std::int64_t kRows = 128;
constexpr std::int64_t kGranule = 32;

}  // namespace

PatchConv PatchConv::load(const weights::WeightScope& scope, const PatchConvConfig& config,
                          const LayerOptions& options) {
  const std::int64_t k = config.kernel;
  const Tensor weight = scope.f32("weight", {config.out, config.in, k, k});
  const auto values = weight.values<float>();
  std::vector<float> rows(values.size());
  std::size_t to = 0;
  for (std::int64_t n = 0; n < config.out; ++n) {
    for (std::int64_t at = 0; at < k * k; ++at) {
      for (std::int64_t c = 0; c < config.in; ++c) {
        rows[to++] = values[static_cast<std::size_t>((n * config.in + c) * k * k + at)];
      }
    }
  }
  const Tensor bias = scope.has("bias") ? scope.f32("bias", {config.out}) : Tensor();
  PatchConv conv;
  conv.config_ = config;
  conv.linear_ = Linear::pack(rows, bias.values<float>(), config.in * k * k, options);
  return conv;
}

/// The window whose first pixel is (top, left), as [row][column][channel].
void PatchConv::gather(const PictureIn& picture, std::int64_t top, std::int64_t left, float* row) const {
  const std::int64_t k = config_.kernel, channels = config_.in;
  const bool side_by_side = picture.channel_step == 1;
  for (std::int64_t y = top; y < top + k; ++y) {
    for (std::int64_t x = left; x < left + k; ++x, row += channels) {
      if (y < 0 || y >= picture.height || x < 0 || x >= picture.width) {
        std::fill_n(row, channels, 0.0F);
        continue;
      }
      const float* pixel = picture.data + y * picture.row_step + x * picture.pixel_step;
      if (side_by_side) {
        std::copy_n(pixel, channels, row);
      } else {
        for (std::int64_t c = 0; c < channels; ++c) row[c] = pixel[c * picture.channel_step];
      }
    }
  }
}

void PatchConv::run(const PictureIn& picture, float* out, std::int64_t step, ProductScratch& scratch,
                    int threads) const {
  const auto text = [](std::int64_t value) { return std::to_string(value); };
  if (picture.channels != config_.in) {
    throw Error(ErrorCode::kShapeMismatch, "patch convolution: the picture has " + text(picture.channels) +
                                               " channels, expected " + text(config_.in));
  }
  const std::int64_t height = out_side(picture.height), width = out_side(picture.width);
  if (std::min(picture.height, picture.width) + 2 * config_.padding < config_.kernel) {
    throw Error(ErrorCode::kShapeMismatch, "patch convolution: a picture of " + text(picture.width) + " x " +
                                               text(picture.height) + " px is smaller than its window of " +
                                               text(config_.kernel) + " px");
  }
  threads = resolved_threads(threads);
  auto& all_rows = scratch.of(threads);
  share_rows({0, height * width}, kGranule, threads, [&](Range range, int thread) {
    ProductScratch::Rows& rows = all_rows[static_cast<std::size_t>(thread)];
    rows.wide.reshape(kRows, linear_.in());
    rows.in.reshape(kRows, linear_.in(), linear_.storage());
    rows.out.reshape(kRows, linear_.columns());
    for (std::int64_t first = range.begin; first < range.end; first += kRows) {
      const std::int64_t count = std::min(kRows, range.end - first);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t token = first + i;
        gather(picture, token / width * config_.stride - config_.padding,
               token % width * config_.stride - config_.padding, rows.wide.row(i));
      }
      store_rows({rows.wide.row(0), rows.wide.step()}, 0, linear_.in(), linear_.isa(), rows.in, 0, count);
      linear_.run(rows.in, 0, count, rows.out.row(0), rows.out.step(), rows.linear);
      for (std::int64_t i = 0; i < count; ++i) std::copy_n(rows.out.row(i), config_.out, out + (first + i) * step);
    }
  });
}

}  // namespace histojet::tokens
