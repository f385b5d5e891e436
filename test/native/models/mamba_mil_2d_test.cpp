#include <gtest/gtest.h>

#include <limits>

#include "models/mamba_mil.hpp"
#include "models/token_models.hpp"
#include "tokens/plain_grid_mixer.hpp"

namespace histojet::models {
namespace {

using test::failure_of;
using tokens::Precision;
using Matrix = std::vector<double>;

constexpr std::int64_t kIn = 20, kDim = 24, kHidden = 12, kClasses = 3;
constexpr TileGrid kGrid{.patch_size_px = 256, .max_width_px = 2300, .max_height_px = 1800};  // 9 x 8 cells

/// 2DMambaMIL with the published key names; `norms`: with those of dt, B and C.
std::shared_ptr<test::MemoryDict> small_mil(int depth, bool norms = false) {
  auto dict = std::make_shared<test::MemoryDict>();
  test::set_formula(*dict, "_fc1.0.weight", {kDim, kIn}, 0.4);
  test::set_formula(*dict, "_fc1.0.bias", {kDim}, 0.2);
  test::set_formula(*dict, "layers.pad_token", {kDim}, 0.5, 0.5);
  for (int i = 0; i < depth; ++i) {
    const std::string layer = "layers.layers." + std::to_string(i);
    test::set_formula(*dict, layer + ".norm.weight", {kDim}, 0.2, 1);
    test::set_mixer(*dict, layer + ".mixer.", kDim, 16, false);
    if (!norms) continue;
    test::set_formula(*dict, layer + ".mixer.dt_layernorm.weight", {(kDim + 15) / 16}, 0.2, 1);
    test::set_formula(*dict, layer + ".mixer.B_layernorm.weight", {16}, 0.2, 1);
    test::set_formula(*dict, layer + ".mixer.C_layernorm.weight", {16}, 0.2, 1);
  }
  test::set_formula(*dict, "norm.weight", {kDim}, 0.2, 1);
  test::set_formula(*dict, "norm.bias", {kDim}, 0.2);
  test::set_formula(*dict, "attention.0.weight", {kHidden, kDim}, 0.5);
  test::set_formula(*dict, "attention.0.bias", {kHidden}, 0.2);
  test::set_formula(*dict, "attention.2.weight", {1, kHidden}, 2);
  test::set_formula(*dict, "attention.2.bias", {1}, 0.2);
  test::set_formula(*dict, "classifier.weight", {kClasses, kDim}, 0.5);
  test::set_formula(*dict, "classifier.bias", {kClasses}, 0.2);
  return dict;
}

Matrix values(const weights::StateDict& dict, const std::string& key) {
  const Tensor tensor = dict.get(key);
  return {tensor.values<float>().begin(), tensor.values<float>().end()};
}

/// y = x Wᵀ + b.
Matrix linear(const weights::StateDict& dict, const std::string& key, const Matrix& x, std::size_t in) {
  const Matrix weight = values(dict, key + ".weight"), bias = values(dict, key + ".bias");
  Matrix y;
  for (std::size_t t = 0; t < x.size() / in; ++t) {
    for (std::size_t n = 0; n < bias.size(); ++n) {
      double sum = bias[n];
      for (std::size_t k = 0; k < in; ++k) sum += x[t * in + k] * weight[n * in + k];
      y.push_back(sum);
    }
  }
  return y;
}

/// RMSNorm without `bias`, LayerNorm with.
Matrix normalized(const weights::StateDict& dict, const std::string& key, const Matrix& x) {
  const Matrix weight = values(dict, key + ".weight");
  const bool centred = dict.contains(key + ".bias");
  const Matrix bias = centred ? values(dict, key + ".bias") : Matrix(kDim);
  Matrix y(x.size());
  for (std::size_t t = 0; t < x.size(); t += kDim) {
    double mean = 0, variance = 0;
    for (std::size_t c = 0; c < kDim && centred; ++c) mean += x[t + c] / kDim;
    for (std::size_t c = 0; c < kDim; ++c) variance += (x[t + c] - mean) * (x[t + c] - mean) / kDim;
    for (std::size_t c = 0; c < kDim; ++c) {
      y[t + c] = (x[t + c] - mean) / std::sqrt(variance + 1e-5) * weight[c] + bias[c];
    }
  }
  return y;
}

struct Expected {
  std::vector<float> logits;
  std::vector<float> attention;
  double empty_attention;
};

/// The network on its dense grid, as the published code builds it, in double precision.
Expected expected_mil(const std::shared_ptr<test::MemoryDict>& dict, int depth, const std::vector<float>& features,
                      const std::vector<TilePlace>& places, const TileGrid& grid) {
  Matrix tokens = linear(*dict, "_fc1.0", Matrix(features.begin(), features.end()), kIn);
  for (double& value : tokens) value *= 0.5 * (1 + std::erf(value / std::sqrt(2.0)));
  const Matrix pad = values(*dict, "layers.pad_token");
  const auto columns = static_cast<std::size_t>(grid.max_width_px / grid.patch_size_px + 1);
  const auto rows = static_cast<std::size_t>(grid.max_height_px / grid.patch_size_px + 1);
  Matrix h;
  for (std::size_t cell = 0; cell < columns * rows; ++cell) h.insert(h.end(), pad.begin(), pad.end());
  std::vector<std::size_t> cells;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto column = static_cast<std::size_t>(places[i].x_px) / static_cast<std::size_t>(grid.patch_size_px);
    const auto row = static_cast<std::size_t>(places[i].y_px) / static_cast<std::size_t>(grid.patch_size_px);
    cells.push_back(row * columns + column);
    for (std::size_t c = 0; c < kDim; ++c) h[cells[i] * kDim + c] = tokens[i * kDim + c];
  }
  for (int i = 0; i < depth; ++i) {
    const std::string layer = "layers.layers." + std::to_string(i);
    const test::PlainGridMixer mixer{weights::WeightScope(dict, layer + ".mixer")};
    const Matrix added = mixer(normalized(*dict, layer + ".norm", h), columns);
    for (std::size_t k = 0; k < h.size(); ++k) h[k] += added[k];
  }
  h = normalized(*dict, "norm", h);
  Matrix hidden = linear(*dict, "attention.0", h, kDim);
  for (double& value : hidden) value = std::tanh(value);
  Matrix scores = linear(*dict, "attention.2", hidden, kHidden);
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score);
  Matrix pooled(kDim);
  for (std::size_t t = 0; t < scores.size(); ++t) {
    scores[t] /= sum;
    for (std::size_t c = 0; c < kDim; ++c) pooled[c] += scores[t] * h[t * kDim + c];
  }
  const Matrix logits = linear(*dict, "classifier", pooled, kDim);
  Expected expected{.logits = {logits.begin(), logits.end()}, .attention = {}, .empty_attention = 1};
  for (const std::size_t cell : cells) {
    expected.attention.push_back(static_cast<float>(scores[cell]));
    expected.empty_attention -= scores[cell];
  }
  return expected;
}

/// Some tiles of a slide, not in the order of their cells, and none at the grid's border.
std::vector<TilePlace> some_places(const TileGrid& grid) {
  std::vector<TilePlace> places;
  const auto patch = static_cast<double>(grid.patch_size_px);
  for (std::int64_t column = grid.columns() - 2; column > 0; --column) {
    for (std::int64_t row = 1; row < grid.rows() - 1; ++row) {
      if ((3 * column + 5 * row) % 4 == 0) continue;
      places.push_back({static_cast<double>(column) * patch + 1, static_cast<double>(row + 1) * patch - 1});
    }
  }
  return places;
}

MambaMilOutput run_mil(const MambaMil& model, const std::vector<float>& features, const std::vector<TilePlace>& places,
                       int threads = 1) {
  MambaMil::Scratch scratch;
  return model.run({features.data(), kIn}, static_cast<std::int64_t>(places.size()), scratch, threads, {}, places);
}

std::vector<float> features_of(const std::vector<TilePlace>& places) {
  return test::picture_values(static_cast<std::int64_t>(places.size()) * kIn);
}

TEST(MambaMil2d, EqualsTheFormulasOnTheDenseGrid) {
  const std::vector<TilePlace> places = some_places(kGrid);
  const std::vector<float> features = features_of(places);
  for (const int depth : {1, 2}) {
    for (const bool norms : {false, true}) {
      const auto dict = small_mil(depth, norms);
      const Expected expected = expected_mil(dict, depth, features, places, kGrid);
      for (const Precision precision : test::kPrecisions) {
        const MambaMil model = MambaMil::load(dict, {.layers = {.precision = precision}, .grid = kGrid});
        EXPECT_EQ(model.config().mixer, MilMixer::kScan2d);
        EXPECT_EQ(model.config().activation, MilActivation::kGelu);
        EXPECT_EQ(model.config().depth, depth);
        const MambaMilOutput output = run_mil(model, features, places);
        EXPECT_LE(test::relative_distance(output.logits, expected.logits), test::allowed_distance(precision));
        if (precision != Precision::kFloat32) continue;
        test::expect_float32_parity(output.logits, expected.logits);
        test::expect_float32_parity(output.attention, expected.attention);
        EXPECT_NEAR(output.empty_attention, expected.empty_attention, 1e-5);
      }
    }
  }
}

TEST(MambaMil2d, BitsDependOnNeitherThreadsNorTheOrderOfTheTiles) {
  // More cells than are in memory at a time, in several tiles of the mixer.
  constexpr TileGrid kWide{.patch_size_px = 8, .max_width_px = 8 * 700, .max_height_px = 8 * 400};
  const std::vector<TilePlace> some = some_places(kWide), places(some.begin(), some.begin() + 5000);
  const std::vector<float> features = features_of(places);
  const MambaMil model = MambaMil::load(small_mil(1), {.grid = kWide});
  const MambaMilOutput output = run_mil(model, features, places);
  for (const int threads : {2, 3}) {
    const MambaMilOutput again = run_mil(model, features, places, threads);
    EXPECT_EQ(again.logits, output.logits);
    EXPECT_EQ(again.attention, output.attention);
    EXPECT_EQ(again.empty_attention, output.empty_attention);
  }
  std::vector<TilePlace> turned(places.rbegin(), places.rend());
  std::vector<float> turned_features;
  for (std::size_t i = places.size(); i-- > 0;) {
    turned_features.insert(turned_features.end(), features.begin() + static_cast<std::ptrdiff_t>(i * kIn),
                           features.begin() + static_cast<std::ptrdiff_t>((i + 1) * kIn));
  }
  const MambaMilOutput other = run_mil(model, turned_features, turned);
  EXPECT_EQ(other.logits, output.logits);
  EXPECT_EQ(other.attention, std::vector<float>(output.attention.rbegin(), output.attention.rend()));
}

TEST(MambaMil2d, TheGridCounts) {
  const std::vector<TilePlace> places = some_places(kGrid);
  const std::vector<float> features = features_of(places);
  const auto logits = [&](const TileGrid& grid) {
    return run_mil(MambaMil::load(small_mil(1), {.grid = grid}), features, places).logits;
  };
  TileGrid wider = kGrid, higher = kGrid;
  wider.max_width_px += 256;
  higher.max_height_px += 256;
  EXPECT_NE(logits(kGrid), logits(wider));
  EXPECT_NE(logits(kGrid), logits(higher));
}

TEST(MambaMil2d, GridsThatMakeNoSenseAreRefused) {
  const auto refused = [](const TileGrid& grid, const std::string& word) {
    const auto failure = failure_of([&] { MambaMil::load(small_mil(1), {.grid = grid}); });
    EXPECT_EQ(failure.first, ErrorCode::kInvalidArgument);
    EXPECT_NE(failure.second.find(word), std::string::npos) << failure.second;
  };
  refused({}, "mamba_2d_max_w");
  refused({.max_width_px = 1000, .max_height_px = -1}, "mamba_2d_max_h");
  refused({.patch_size_px = 0, .max_width_px = 1000, .max_height_px = 1000}, "mamba_2d_patch_size");
  refused({.patch_size_px = 1, .max_width_px = 1 << 20, .max_height_px = 1 << 20}, "1048577 x 1048577 cells");
  refused({.patch_size_px = 1, .max_width_px = std::int64_t{1} << 41, .max_height_px = 1}, "mamba_2d_max_w");
}

TEST(MambaMil2d, PlacesThatDoNotFitAreRefused) {
  const MambaMil model = MambaMil::load(small_mil(1), {.grid = kGrid});
  const auto refused = [&](const std::vector<TilePlace>& places, const std::string& words) {
    const auto failure = failure_of([&] { run_mil(model, features_of(places), places); });
    EXPECT_EQ(failure.first, ErrorCode::kInvalidArgument);
    EXPECT_NE(failure.second.find(words), std::string::npos) << failure.second;
  };
  refused({{0, 0}, {-1, 5}}, "tile 1 at (-1, 5) px lies outside of the grid of 9 x 8 cells of 256 px");
  refused({{2304, 0}}, "tile 0 at (2304, 0) px");
  refused({{0, 2048}}, "tile 0 at (0, 2048) px");
  refused({{std::numeric_limits<double>::quiet_NaN(), 0}}, "tile 0 at");
  refused({{1e300, 0}}, "tile 0 at");
  refused({{512, 0}, {0, 0}, {600, 255}}, "tiles 0 at (512, 0) and 2 at (600, 255) px lie in the same cell");
  EXPECT_NO_THROW(run_mil(model, features_of({{2303, 2047}}), {{2303, 2047}}));
  const std::vector<float> features = test::picture_values(2 * kIn);
  MambaMil::Scratch scratch;
  const std::vector<TilePlace> one{{0, 0}};
  EXPECT_EQ(failure_of([&] {
              model.run({features.data(), kIn}, 2, scratch, 1, {}, one);
            }).first,
            ErrorCode::kInvalidArgument);
}

TEST(MambaMil2d, ErrorsNameKeys) {
  auto dict = small_mil(1);
  dict->remove("layers.pad_token");
  auto failure = failure_of([&] { MambaMil::load(dict, {.mixer = MilMixer::kScan2d, .grid = kGrid}); });
  EXPECT_EQ(failure.first, ErrorCode::kMissingWeight);
  EXPECT_NE(failure.second.find("layers.pad_token"), std::string::npos) << failure.second;
  dict = small_mil(1);
  dict->set("layers.pad_token", Tensor(DType::kF32, {kDim + 1}));
  EXPECT_EQ(failure_of([&] { MambaMil::load(dict, {.grid = kGrid}); }).first, ErrorCode::kShapeMismatch);
  dict = small_mil(1);
  dict->set("pos_embs.weight", Tensor(DType::kF32, {kDim, 2}));
  failure = failure_of([&] { MambaMil::load(dict, {.grid = kGrid}); });
  EXPECT_EQ(failure.first, ErrorCode::kUnsupportedFormat);
  EXPECT_NE(failure.second.find("pos_embs.weight"), std::string::npos) << failure.second;
  dict = small_mil(1);
  test::set_mixer(*dict, "layers.layers.0.mixer.", kDim, 16, true);
  EXPECT_EQ(failure_of([&] { MambaMil::load(dict, {.grid = kGrid}); }).first, ErrorCode::kInvalidArgument);
}

TEST(MambaMil2d, StopsWhenAsked) {
  CancelSource source;
  source.cancel();
  const std::vector<TilePlace> places = some_places(kGrid);
  const std::vector<float> features = features_of(places);
  const MambaMil model = MambaMil::load(small_mil(1), {.grid = kGrid});
  MambaMil::Scratch scratch;
  EXPECT_THROW(
      model.run({features.data(), kIn}, static_cast<std::int64_t>(places.size()), scratch, 1, source.token(), places),
      Cancelled);
}

}  // namespace
}  // namespace histojet::models
