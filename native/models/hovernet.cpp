#include "models/hovernet.hpp"

#include <utility>

#include "layers/conv.hpp"
#include "layers/dense_block.hpp"
#include "layers/residual_block.hpp"
#include "layers/tf_same_padding.hpp"
#include "models/compiled_network.hpp"
#include "models/recognise.hpp"
#include "models/strict_state.hpp"

namespace histojet::models {

using engine::ConvGeometry;
using engine::Graph;
using engine::Value;
using weights::WeightScope;

namespace {

/// The features of a tile's full size take most of a session: in float32 0.6 GB for 512 px, 1.6 GB for 800, 2.7 GB for
/// 1024 (mode fast). Much of a tile is margin: a window takes 1.6 times the arithmetic in tiles of 512.
constexpr std::int64_t kSlideTile_px = 800;

/// The receptive field, rounded up so that tiles of allowed sides have cores of a multiple of the stride.
std::int64_t margin_px(const HoverNetConfig& config) {
  std::int64_t margin = config.receptive_field_px();
  while ((2 * margin - config.stem_loss_px()) % HoverNetConfig::kStride_px != 0) ++margin;
  return margin;
}

/// What the encoder hands to the decoders, largest first; the last is the bottleneck.
struct Features {
  Value d0;
  Value d1;
  Value d2;
  Value bottleneck;
};

Value stem(Graph& graph, const WeightScope& root, const HoverNetConfig& config) {
  const WeightScope weights = root.scope("conv0");
  const ConvGeometry geometry = config.mode == HoverNetMode::kFast ? ConvGeometry::padded(3) : ConvGeometry{};
  const Value x = layers::conv2d_without_bias(graph, graph.image(), weights.scope("/"), 64, 7, geometry);
  return graph.relu(layers::batch_norm(graph, x, weights.scope("bn")));
}

/// A ResNet-50 without its first two reductions.
Features encoder(Graph& graph, const WeightScope& root, const HoverNetConfig& config) {
  const Value x = stem(graph, root, config);
  const auto d0 = layers::residual_block(graph, x, root.scope("d0"), {.inner = 64, .out = 256, .units = 3});
  const auto d1 =
      layers::residual_block(graph, d0, root.scope("d1"), {.inner = 128, .out = 512, .units = 4, .stride = 2});
  const auto d2 =
      layers::residual_block(graph, d1, root.scope("d2"), {.inner = 256, .out = 1024, .units = 6, .stride = 2});
  const auto d3 =
      layers::residual_block(graph, d2, root.scope("d3"), {.inner = 512, .out = 2048, .units = 3, .stride = 2});
  const auto bottleneck = layers::conv2d_without_bias(graph, d3, root.scope("conv_bot"), 1024, 1);
  graph.tap("conv0", x);
  graph.tap("d0", d0);
  graph.tap("d1", d1);
  graph.tap("d2", d2);
  graph.tap("d3", d3);
  graph.tap("conv_bot", bottleneck);
  return {d0, d1, d2, bottleneck};
}

/// Twice the size, plus the centre of the encoder's features of that size.
Value enlarged_with_skip(Graph& graph, Value x, Value skip) {
  const Value up = graph.upsample_nearest2x(x);
  return graph.add(up, graph.crop_to(skip, up));
}

/// What the two inner levels of a decoder do: convolution, dense block, convolution.
struct LevelConfig {
  std::int64_t conva = 0;  ///< channels after the first convolution
  std::int64_t units = 0;  ///< of the dense block
  std::int64_t convf = 0;  ///< channels after the last convolution
};

Value level(Graph& graph, Value x, const WeightScope& weights, std::int64_t kernel, const LevelConfig& config) {
  x = layers::conv2d_without_bias(graph, x, weights.scope("conva"), config.conva, kernel);
  x = layers::dense_block(graph, x, weights.scope("dense"), {.kernel = kernel, .units = config.units});
  return layers::conv2d_without_bias(graph, x, weights.scope("convf"), config.convf, 1);
}

/// One branch: `name` is "np", "hv" or "tp". Returns the values before softmax.
Value decoder(Graph& graph, const Features& encoded, const WeightScope& root, const std::string& name,
              std::int64_t out_channels, const HoverNetConfig& config) {
  const std::string path = "decoder." + name;
  const WeightScope weights = root.scope(path);
  const std::int64_t kernel = config.kernel();
  const auto tapped = [&](const char* stage, Value value) {
    graph.tap(path + "." + stage, value);
    return value;
  };
  Value x = enlarged_with_skip(graph, encoded.bottleneck, encoded.d2);
  x = tapped("u3", level(graph, x, weights.scope("u3"), kernel, {.conva = 256, .units = 8, .convf = 512}));
  x = enlarged_with_skip(graph, x, encoded.d1);
  x = tapped("u2", level(graph, x, weights.scope("u2"), kernel, {.conva = 128, .units = 4, .convf = 256}));
  x = enlarged_with_skip(graph, x, encoded.d0);
  x = tapped("u1", layers::conv2d_without_bias(graph, x, weights.scope("u1.conva"), 64, kernel,
                                               layers::tf_same_padding(kernel, 1)));
  x = graph.relu(layers::batch_norm(graph, x, weights.scope("u0.bn")));
  return tapped("u0", layers::conv2d(graph, x, weights.scope("u0.conv"), out_channels, 1));
}

NetworkInfo describe(const HoverNetConfig& config, const std::map<std::string, std::string>& metadata) {
  NetworkInfo info{.architecture = "hovernet", .config = config_json(config)};
  info.mpp = mpp_of(metadata, 0.25);
  info.margin_px = margin_px(config);
  info.origin_multiple = HoverNetConfig::kStride_px;
  info.output_margin_px = config.output_margin_px();
  info.side_multiple = HoverNetConfig::kStride_px;
  info.side_offset_px = config.stem_loss_px();
  // The smallest tile whose decoders have pixels left.
  info.min_side_px = config.mode == HoverNetMode::kFast ? 96 : 198;
  info.default_tile_px = config.patch_px();
  info.slide_tile_px = kSlideTile_px;
  info.types = hovernet_types(config.nr_types, metadata);
  return info;
}

}  // namespace

// HoVer-Net (Graham et al. 2019, figure 3; vqdang/hover_net models/hovernet/net_desc.py): one encoder, and two decoders
// of the same form, three with types. Keys: conv0, d0 … d3, conv_bot, decoder.<np|hv|tp>.<u3|u2|u1|u0>.
Graph build_hovernet(const WeightScope& root, const HoverNetConfig& config) {
  Graph graph;
  const Features encoded = encoder(graph, root, config);
  graph.output_class_probability("np", decoder(graph, encoded, root, "np", 2, config));
  graph.output_planar("hv", decoder(graph, encoded, root, "hv", 2, config));
  if (config.nr_types > 0) {
    graph.output_class_index("tp", decoder(graph, encoded, root, "tp", config.nr_types, config));
  }
  return graph;
}

std::shared_ptr<const NucleiNetwork> load_hovernet(std::shared_ptr<const weights::StateDict> dict,
                                                   const LoadOptions& options) {
  expect_architecture(dict, Architecture::kHoverNet);
  const auto strict = std::make_shared<StrictState>(std::move(dict));
  const WeightScope root = hovernet_root(strict);
  const HoverNetConfig config = hovernet_config(root, strict->metadata());
  NetworkInfo info = describe(config, strict->metadata());
  Graph graph = build_hovernet(root, config);
  strict->expect_all_read({".num_batches_tracked", ".unpool_mat"}, "HoVer-Net");
  return std::make_shared<CompiledNetwork>(std::move(graph), std::move(info), options);
}

}  // namespace histojet::models
