// Kernels of transformers and state-space models on one core: one JSON line per kernel, shape and precision, with the
// peak measured right before and after it, as the clock of a shared host jumps. `peak` is in the unit of the result.
//   kernels_bench [part of the case's name]

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernels/activation/activation.hpp"
#include "kernels/attention/attention.hpp"
#include "kernels/avg_pool/avg_pool.hpp"
#include "kernels/causal_conv1d/causal_conv1d.hpp"
#include "kernels/depthwise_conv2d/depthwise_conv2d.hpp"
#include "kernels/gemm/gemm.hpp"
#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/resize_bilinear/resize_bilinear.hpp"
#include "kernels/softmax/softmax.hpp"
#include "peaks.hpp"

using namespace histojet;
using namespace histojet::kernels;
using namespace histojet::bench;

namespace {

constexpr int kRepeats = 15;
constexpr std::int64_t kCacheBytes = 2 << 20;  // results beyond it are stored past the cache

const char* precision_name(Storage storage) {
  if (storage == Storage::kFloat32) return "float32";
  return storage == Storage::kSplit ? "split" : "bfloat16";
}

/// Rows of any storage with small random values, and room for 16 rows behind them.
class Matrix {
 public:
  Matrix(Storage storage, std::int64_t rows, std::int64_t columns)
      : storage_(storage), row_bytes_(gemm_row_bytes(columns, storage)), plane_bytes_((rows + 16) * row_bytes_) {
    const std::int64_t bytes = plane_count(storage) * plane_bytes_;
    bytes_ = make_aligned<std::byte>(static_cast<std::size_t>(bytes));
    std::uint32_t seed = 1;
    const auto next = [&] {
      return static_cast<float>((seed = seed * 1664525U + 1013904223U) >> 9) / (1 << 23) - 0.5f;
    };
    for (std::int64_t at = 0; at < bytes; at += element_bytes(storage)) {
      const float value = at < plane_bytes_ ? next() : next() / 256;
      const Bfloat16 half = to_bfloat16(value);
      if (storage == Storage::kFloat32) {
        std::memcpy(bytes_.get() + at, &value, sizeof value);
      } else {
        std::memcpy(bytes_.get() + at, &half, sizeof half);
      }
    }
  }
  RowIn in() const { return {bytes_.get(), plane_bytes_}; }
  RowOut out() const { return {bytes_.get(), plane_bytes_}; }
  float* floats() const { return reinterpret_cast<float*>(bytes_.get()); }
  std::int64_t row_bytes() const { return row_bytes_; }
  Storage storage() const { return storage_; }

 private:
  Storage storage_;
  std::int64_t row_bytes_;
  std::int64_t plane_bytes_;
  AlignedBuffer<std::byte> bytes_;
};

std::vector<float> random_floats(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::uint32_t seed = 7;
  for (float& value : values) {
    value = static_cast<float>((seed = seed * 1664525U + 1013904223U) >> 9) / (1 << 23) - 0.5f;
  }
  return values;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// GB/s of a copy between buffers of the size of the benchmark's, cache effects included.
double peak_copy(std::int64_t bytes) {
  static std::vector<char> from, to;
  from.resize(static_cast<std::size_t>(bytes), 1);
  to.resize(static_cast<std::size_t>(bytes), 1);
  std::memcpy(to.data(), from.data(), from.size());
  const double start = thread_seconds();
  std::memcpy(to.data(), from.data(), from.size());
  return 2.0 * static_cast<double>(bytes) / (thread_seconds() - start) / 1e9;
}

std::string wanted_cases;

struct Case {
  std::string name;
  Storage storage;
  double amount;  ///< floating-point operations, or bytes moved
  bool bytes;
  std::function<double()> peak;
};

bool is_wanted(const std::string& name) {
  return name.find(wanted_cases) != std::string::npos;
}

void measure(const Case& item, const std::function<void()>& run) {
  if (!is_wanted(item.name)) return;
  run();
  std::vector<double> seconds, peaks, shares;
  for (int i = 0; i < kRepeats; ++i) {
    const double before = item.peak();
    const double start = thread_seconds();
    run();
    seconds.push_back(thread_seconds() - start);
    peaks.push_back((before + item.peak()) / 2);
    shares.push_back(item.amount / seconds.back() / 1e9 / peaks.back());
  }
  const double time = median(seconds);
  std::printf(
      "{\"bench\":\"kernel\",\"case\":\"%s\",\"isa\":\"%s\",\"precision\":\"%s\",\"ms\":%.4f,\"%s\":%.1f,"
      "\"peak\":%.1f,\"share\":%.3f}\n",
      item.name.c_str(), std::string(isa_name(active_isa())).c_str(), precision_name(item.storage), 1e3 * time,
      item.bytes ? "gbps" : "gflops", item.amount / time / 1e9, median(peaks), median(shares));
  std::fflush(stdout);
}

std::vector<Storage> storages() {
  if (active_isa() < Isa::kAvx512Bf16) return {Storage::kFloat32};
  if (active_isa() < Isa::kAmx) return {Storage::kFloat32, Storage::kBfloat16};
  return {Storage::kFloat32, Storage::kSplit, Storage::kBfloat16};
}

/// Operations count as those of the plain product; the peak of split products is a third of the tiles'.
double product_peak(Storage storage) {
  if (storage == Storage::kFloat32) return peak_multiply_add();
  if (active_isa() < Isa::kAmx) return peak_pairs();
  return storage == Storage::kSplit ? peak_tiles() / 3 : peak_tiles();
}

void bench_gemm(std::int64_t rows, std::int64_t depth, std::int64_t columns, Activation activation,
                const std::string& suffix) {
  const std::string name =
      "gemm " + std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(columns) + suffix;
  if (!is_wanted(name)) return;
  const std::vector<float> weight = random_floats(columns * depth);
  const std::vector<float> bias = random_floats(columns);
  for (const Storage storage : storages()) {
    const GemmWeights weights = pack_gemm(weight, bias, depth, storage, active_isa());
    GemmScratch scratch(weights);
    const Matrix a(storage, rows, depth);
    const Matrix out(storage, rows, columns);
    measure({name, storage, 2.0 * static_cast<double>(rows * depth * columns), false,
             [&] { return product_peak(storage); }},
            [&] {
              gemm({.a = a.in(),
                    .a_row_bytes = a.row_bytes(),
                    .out = out.out(),
                    .out_row_bytes = out.row_bytes(),
                    .rows = rows,
                    .weights = &weights,
                    .activation = activation,
                    .out_storage = storage,
                    .stream = rows * columns * element_bytes(storage) > kCacheBytes,
                    .scratch = &scratch});
            });
  }
}

void bench_attention(std::int64_t heads, std::int64_t tokens, std::int64_t dim, bool biased) {
  const std::string name = "attention " + std::to_string(heads) + " heads of " + std::to_string(tokens) + "x" +
                           std::to_string(dim) + (biased ? " bias" : "");
  if (!is_wanted(name)) return;
  const std::vector<float> bias = random_floats(biased ? tokens * tokens : 0);
  for (const Storage storage : storages()) {
    const Matrix qkv(storage, tokens, 3 * heads * dim);
    const Matrix out(storage, tokens, heads * dim);
    AttentionKeys keys(tokens, dim, storage, active_isa());
    AttentionScratch scratch(dim, storage);
    const auto part = [&](std::int64_t index) {
      const RowIn rows = qkv.in();
      return TokensIn{{rows.pixels + index * dim * element_bytes(storage), rows.plane_bytes}, qkv.row_bytes()};
    };
    measure({name, storage, 4.0 * static_cast<double>(heads * tokens * tokens * dim), false,
             [&] { return product_peak(storage); }},
            [&] {
              for (std::int64_t head = 0; head < heads; ++head) {
                keys.pack(part(heads + head), part(2 * heads + head), tokens);
                std::byte* to = out.out().pixels + head * dim * element_bytes(storage);
                attention({.queries = part(head),
                           .out = {{to, out.out().plane_bytes}, out.row_bytes()},
                           .query_count = tokens,
                           .keys = &keys,
                           .scale = 1.0f / std::sqrt(static_cast<float>(dim)),
                           .bias = biased ? bias.data() : nullptr,
                           .bias_row_floats = tokens,
                           .scratch = &scratch});
              }
            });
  }
}

void bench_layer_norm() {
  constexpr std::int64_t kRows = 197;
  constexpr std::int64_t kChannels = 1024;
  const std::vector<float> gamma = random_floats(kChannels);
  const Matrix in(Storage::kFloat32, kRows, kChannels);
  for (const Storage storage : storages()) {
    const Matrix out(storage, kRows, kChannels);
    const std::int64_t bytes = kRows * kChannels * (4 + element_bytes(storage) * plane_count(storage));
    measure({"layer_norm 197x1024", storage, static_cast<double>(bytes), true, [&] { return peak_copy(bytes / 2); }},
            [&] {
              kLayerNorm.pick(active_isa())({.in = in.in(),
                                             .out = out.out(),
                                             .in_row_bytes = in.row_bytes(),
                                             .out_row_bytes = out.row_bytes(),
                                             .rows = kRows,
                                             .channels = kChannels,
                                             .gamma = gamma.data(),
                                             .beta = gamma.data(),
                                             .epsilon = 1e-5f,
                                             .in_storage = Storage::kFloat32,
                                             .out_storage = storage});
            });
  }
}

void bench_softmax() {
  constexpr std::int64_t kSide = 197;
  const Matrix in(Storage::kFloat32, kSide, kSide);
  for (const Storage storage : storages()) {
    const Matrix out(storage, kSide, kSide + 16);
    const std::int64_t bytes = kSide * kSide * (4 + element_bytes(storage) * plane_count(storage));
    measure({"softmax 197x197", storage, static_cast<double>(bytes), true, [&] { return peak_copy(bytes / 2); }}, [&] {
      kSoftmax.pick(active_isa())({.in = in.floats(),
                                   .out = out.out(),
                                   .in_row_floats = in.row_bytes() / 4,
                                   .out_row_bytes = out.row_bytes(),
                                   .rows = kSide,
                                   .columns = kSide,
                                   .scale = 0.125f,
                                   .out_storage = storage});
    });
  }
}

void bench_depthwise(std::int64_t kernel, std::int64_t stride, std::int64_t channels) {
  const std::string name = "depthwise " + std::to_string(kernel) + "x" + std::to_string(kernel) + " stride " +
                           std::to_string(stride) + " 56x56x" + std::to_string(channels);
  if (!is_wanted(name)) return;
  constexpr std::int64_t kSide = 56;  // output pixels
  const std::int64_t in_side = (kSide - 1) * stride + kernel;
  const std::vector<float> weights = random_floats((kernel * kernel + 1) * channels);
  for (const Storage storage : storages()) {
    const Matrix in(storage, in_side, in_side * channels);
    const Matrix out(storage, kSide, kSide * channels);
    std::vector<RowIn> rows;
    std::vector<RowOut> out_rows;
    for (std::int64_t y = 0; y < kSide; ++y) {
      out_rows.push_back({out.out().pixels + y * out.row_bytes(), out.out().plane_bytes});
      for (std::int64_t dy = 0; dy < kernel; ++dy) {
        rows.push_back({in.in().pixels + (y * stride + dy) * in.row_bytes(), in.in().plane_bytes});
      }
    }
    measure({name, storage, 2.0 * static_cast<double>(kSide * kSide * kernel * kernel * channels), false,
             peak_multiply_add},
            [&] {
              kDepthwiseConv2d.pick(active_isa())({.rows = rows.data(),
                                                   .out_rows = out_rows.data(),
                                                   .row_count = kSide,
                                                   .width = kSide,
                                                   .kernel = kernel,
                                                   .stride = stride,
                                                   .channels = channels,
                                                   .weights = weights.data() + channels,
                                                   .bias = weights.data(),
                                                   .activation = Activation::kNone,
                                                   .storage = storage});
            });
  }
}

void bench_causal_conv1d() {
  constexpr std::int64_t kTokens = 256;
  constexpr std::int64_t kChannels = 384;
  const std::vector<float> weights = random_floats(5 * kChannels);
  for (const Storage storage : storages()) {
    const Matrix in(storage, kTokens, kChannels);
    const Matrix out(storage, kTokens, kChannels);
    const std::int64_t bytes = kTokens * kChannels * element_bytes(storage) * plane_count(storage);
    measure({"causal_conv1d silu 256x384", storage, 2.0 * static_cast<double>(bytes), true,
             [&] { return peak_copy(bytes); }},
            [&] {
              kCausalConv1d.pick(active_isa())({.in = in.in(),
                                                .out = out.out(),
                                                .in_row_bytes = in.row_bytes(),
                                                .out_row_bytes = out.row_bytes(),
                                                .tokens = kTokens,
                                                .tokens_before = 0,
                                                .channels = kChannels,
                                                .weights = weights.data() + kChannels,
                                                .bias = weights.data(),
                                                .activation = Activation::kSilu,
                                                .storage = storage});
            });
  }
}

void bench_map_rows() {
  constexpr std::int64_t kSide = 56;
  constexpr std::int64_t kChannels = 96;
  const std::vector<ResizeTap> taps = resize_taps(kSide, 2 * kSide, false);
  for (const Storage storage : storages()) {
    const Matrix in(storage, kSide, kSide * kChannels);
    const Matrix out(storage, 2 * kSide, 2 * kSide * kChannels);
    const auto row = [&](std::int64_t y) { return RowIn{in.in().pixels + y * in.row_bytes(), in.in().plane_bytes}; };
    std::vector<RowIn> rows;
    for (std::int64_t y = 0; y < kSide; ++y) rows.push_back(row(y));
    const std::int64_t bytes = kSide * kSide * kChannels * element_bytes(storage) * plane_count(storage);
    measure({"avg_pool global 56x56x96", storage, static_cast<double>(bytes), true, [&] { return peak_copy(bytes); }},
            [&] {
              kAvgPool.pick(active_isa())({.rows = rows.data(),
                                           .row_count = kSide,
                                           .out = out.out(),
                                           .in_width = kSide,
                                           .out_width = 1,
                                           .window = kSide,
                                           .stride = 1,
                                           .padding = 0,
                                           .divisor = 0,
                                           .channels = kChannels,
                                           .in_storage = storage,
                                           .out_storage = storage});
            });
    measure(
        {"resize_bilinear 56x56x96 to 112x112", storage, 5.0 * static_cast<double>(bytes), true,
         [&] { return peak_copy(2 * bytes); }},
        [&] {
          for (std::int64_t y = 0; y < 2 * kSide; ++y) {
            const ResizeTap& tap = taps[static_cast<std::size_t>(y)];
            kResizeBilinear.pick(active_isa())({.first = row(tap.first),
                                                .second = row(tap.second),
                                                .second_share = tap.second_share,
                                                .out = {out.out().pixels + y * out.row_bytes(), out.out().plane_bytes},
                                                .columns = taps.data(),
                                                .out_width = 2 * kSide,
                                                .channels = kChannels,
                                                .storage = storage});
          }
        });
  }
}

void bench_activation(Activation function, const std::string& name) {
  constexpr std::int64_t kRows = 64;
  constexpr std::int64_t kCount = 1536;
  for (const Storage storage : storages()) {
    const Matrix in(storage, kRows, kCount);
    const Matrix out(storage, kRows, kCount);
    const std::int64_t bytes = kRows * kCount * element_bytes(storage) * plane_count(storage);
    measure({"activation " + name, storage, 2.0 * static_cast<double>(bytes), true, [&] { return peak_copy(bytes); }},
            [&] {
              kActivation.pick(active_isa())({.in = in.in(),
                                              .out = out.out(),
                                              .in_row_bytes = in.row_bytes(),
                                              .out_row_bytes = out.row_bytes(),
                                              .rows = kRows,
                                              .count = kCount,
                                              .function = function,
                                              .in_storage = storage,
                                              .out_storage = storage});
            });
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1) wanted_cases = arguments[1];
  bench_gemm(4096, 1024, 1024, Activation::kNone, "");
  bench_gemm(4096, 384, 1536, Activation::kNone, "");
  bench_gemm(4096, 384, 1536, Activation::kGeluErf, " gelu");
  bench_gemm(197, 768, 768, Activation::kNone, "");
  bench_attention(12, 197, 64, false);
  bench_attention(1, 4096, 64, false);
  bench_attention(16, 49, 32, true);
  bench_layer_norm();
  bench_softmax();
  bench_depthwise(3, 1, 96);
  bench_depthwise(5, 2, 96);
  bench_depthwise(7, 1, 96);
  bench_causal_conv1d();
  bench_map_rows();
  bench_activation(Activation::kGeluErf, "gelu");
  bench_activation(Activation::kGeluTanh, "gelu tanh");
  bench_activation(Activation::kSilu, "silu");
  bench_activation(Activation::kSoftplus, "softplus");
  return 0;
}
