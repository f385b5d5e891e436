#include <cmath>

#include "token_data.hpp"

// A block of a vision transformer with proportional attention and merging between attention and perceptron, written
// out in double precision: what a network around the merging has to do with sizes and features.

using namespace histojet;
using namespace histojet::merging;
using namespace histojet::test;

namespace {

using Rows = std::vector<std::vector<double>>;

Rows rows_of(const Tensor& tensor, std::int64_t columns) {
  Rows rows(static_cast<std::size_t>(tensor.size() / columns));
  for (std::size_t i = 0; i < static_cast<std::size_t>(tensor.size()); ++i) {
    rows[i / static_cast<std::size_t>(columns)].push_back(tensor.values<float>()[i]);
  }
  return rows;
}

class Block {
 public:
  explicit Block(const SafetensorsFile& file) : file_(file) {}

  Rows norm(const Rows& x, const std::string& name) const {
    const Rows gamma = rows_of(weight(name + ".weight"), 16), beta = rows_of(weight(name + ".bias"), 16);
    Rows out = x;
    for (auto& row : out) {
      double mean = 0, variance = 0;
      for (const double value : row) mean += value / 16;
      for (const double value : row) variance += (value - mean) * (value - mean) / 16;
      for (std::size_t c = 0; c < 16; ++c) {
        row[c] = (row[c] - mean) / std::sqrt(variance + 1e-6) * gamma[0][c] + beta[0][c];
      }
    }
    return out;
  }
  Rows linear(const Rows& x, const std::string& name) const {
    const auto depth = static_cast<std::int64_t>(x[0].size());
    const Rows matrix = rows_of(weight(name + ".weight"), depth);
    const auto bias = weight(name + ".bias").values<float>();
    Rows out;
    for (const auto& row : x) {
      auto& sums = out.emplace_back(bias.begin(), bias.end());
      for (std::size_t n = 0; n < sums.size(); ++n) {
        for (std::size_t c = 0; c < row.size(); ++c) sums[n] += row[c] * matrix[n][c];
      }
    }
    return out;
  }
  /// Also gives the mean of the heads' keys, the features that tokens are compared by.
  Rows attention(const Rows& x, const std::vector<float>& bias, Tensor& metric) const {
    const Rows qkv = linear(x, "attn.qkv");
    Rows out(x.size(), std::vector<double>(16));
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t c = 0; c < 16; ++c) {
        metric.values<float>()[i * 4 + c % 4] += static_cast<float>(qkv[i][16 + c] / 4);
      }
      for (std::size_t head = 0; head < 4; ++head) attend(qkv, bias, i, head * 4, out[i]);
    }
    return linear(out, "attn.proj");
  }

 private:
  const Tensor& weight(const std::string& name) const { return file_.at("weights." + name); }

  static void attend(const Rows& qkv, const std::vector<float>& bias, std::size_t i, std::size_t c0,
                     std::vector<double>& out) {
    double total = 0;
    for (std::size_t j = 0; j < qkv.size(); ++j) {
      double logit = bias[j];
      for (std::size_t c = c0; c < c0 + 4; ++c) logit += qkv[i][c] * qkv[j][16 + c] / 2;
      total += std::exp(logit);
      for (std::size_t c = c0; c < c0 + 4; ++c) out[c] += std::exp(logit) * qkv[j][32 + c];
    }
    for (std::size_t c = c0; c < c0 + 4; ++c) out[c] /= total;
  }

  const SafetensorsFile& file_;
};

void add(Rows& to, const Rows& what) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::size_t c = 0; c < to[i].size(); ++c) to[i][c] += what[i][c];
  }
}

Tensor tensor_of(const Rows& rows) {
  Tensor tensor(DType::kF32, {1, static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(rows[0].size())});
  std::size_t i = 0;
  for (const auto& row : rows) {
    for (const double value : row) tensor.values<float>()[i++] = static_cast<float>(value);
  }
  return tensor;
}

}  // namespace

TEST(TokenMerging, WorksInABlockWithProportionalAttention) {
  const SafetensorsFile file = mamba_fixture("tome_vit_block");
  const Block block(file);
  TokenState state = TokenState::initial(1, 21);
  std::copy_n(file.at("size").values<float>().data(), 21, state.sizes.data());
  Rows x = rows_of(file.at("x"), 16);
  Tensor metric(DType::kF32, {1, 21, 4});
  add(x, block.attention(block.norm(x, "norm1"), state.attention_bias(), metric));
  EXPECT_LE(relative_difference(metric.values<float>(), file.at("metric").values<float>(), 1), 1e-5);

  const TokenMerging merging(bipartite_matching(metric_of(metric), {.r = 5, .class_token = true}), state);
  x = rows_of(merging.merge(tensor_of(x), MergeMode::kWeighted), 16);
  Rows hidden = block.linear(block.norm(x, "norm2"), "mlp.fc1");
  for (auto& row : hidden) {
    for (double& value : row) value *= 0.5 * std::erfc(-value / std::sqrt(2.0));
  }
  add(x, block.linear(hidden, "mlp.fc2"));
  EXPECT_LE(relative_difference(tensor_of(x).values<float>(), file.at("y").values<float>(), 1), 1e-5);
  const auto sizes = file.at("size_out").values<float>();
  EXPECT_TRUE(std::equal(sizes.begin(), sizes.end(), merging.state().sizes.begin(), merging.state().sizes.end()));
}
