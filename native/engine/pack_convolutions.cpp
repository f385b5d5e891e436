#include "engine/pack_convolutions.hpp"

#include <algorithm>

#include "kernels/conv_transpose2x2/conv_transpose2x2.hpp"

namespace histojet::engine {
namespace {

using kernels::Storage;

/// Neighbouring groups of a convolution that one kernel call computes, as a dense convolution with zeros between them.
struct Groups {
  std::int64_t first = 0;
  std::int64_t count = 1;
};

/// The first layer reads bytes as whole numbers instead of fractions of 255.
constexpr double kByteScale = 1.0 / 255.0;

class ConvPacker {
 public:
  ConvPacker(const Node& node, const std::vector<ProgramNode>& done, std::int64_t panel_columns, Precision precision,
             ProgramNode& out)
      : node_(node), panel_columns_(panel_columns), precision_(precision), out_(out) {
    for (const int id : node.inputs) inputs_.push_back(&done[static_cast<std::size_t>(id)]);
    if (node.add_last) inputs_.pop_back();
    on_tiles_ = inputs_[0]->storage != Storage::kFloat32;
  }

  void pack() {
    if (on_tiles_) set_form();
    if (node_.kind == OpKind::kConvTranspose2x2) return pack_transposed();
    const std::int64_t groups = node_.geometry.groups;
    const std::int64_t together = groups_together();
    for (std::int64_t first = 0; first < groups; first += together) pack_groups({first, together});
  }

 private:
  void set_form() {
    std::vector<kernels::TileInput> all;
    for (std::size_t i = 0; i < inputs_.size(); ++i) all.push_back(tile_input(i));
    out_.form = {.kernel = node_.kind == OpKind::kConvTranspose2x2 ? 1 : node_.kernel,
                 .pixels = kernels::pixels_per_position(all),
                 .split_weights = precision_ == Precision::kHigh,
                 .keep_sums = precision_ == Precision::kFast};
  }

  kernels::TileInput tile_input(std::size_t index) const {
    const ProgramNode& input = *inputs_[index];
    return {.channels = input.channels,
            .pixel_bytes = input.pixel_bytes,
            .planes = kernels::plane_count(input.storage),
            .stride = node_.kind == OpKind::kConv2d ? out_.stride(index) : 1};
  }

  /// So many that their channels fill whole vectors or tiles, on both sides; all of them where that is not possible.
  std::int64_t groups_together() const {
    const std::int64_t groups = node_.geometry.groups;
    if (groups == 1 || inputs_.size() > 1 || (on_tiles_ && out_.form.pixels > 1)) return groups;
    const std::int64_t out = node_.channels / groups;
    const std::int64_t in = inputs_[0]->channels / groups;
    std::int64_t together = 1;
    while (together * out % kernels::kChannelGranule != 0 || (on_tiles_ && together * in % 32 != 0)) {
      together *= 2;
      if (groups % together != 0) return groups;
    }
    return together;
  }

  void pack_groups(Groups groups) {
    const std::int64_t count = node_.geometry.groups;
    const std::int64_t out = node_.channels / count;
    const bool all = groups.count == count;
    ConvPart part;
    part.first_channel = groups.first * out;
    const std::vector<float> dense = dense_weights(groups);
    const std::span<const float> bias = node_.bias.values<float>().subspan(
        static_cast<std::size_t>(part.first_channel), static_cast<std::size_t>(groups.count * out));
    const std::int64_t in = total_channels() / count;
    const auto narrow = [&](auto& input) {
      if (all) return;
      input.first_channel = groups.first * in;
      input.channels = groups.count * in;
    };
    if (on_tiles_) {
      std::vector<kernels::TileInput> inputs;
      for (std::size_t i = 0; i < inputs_.size(); ++i) {
        inputs.push_back(tile_input(i));
        narrow(inputs.back());
      }
      const std::int64_t columns = all ? out_.columns() : groups.count * out;
      part.tiles = kernels::pack_conv2d_tiles(dense, bias, inputs, out_.form, columns, byte_scale());
    } else {
      std::vector<kernels::ConvInput> inputs;
      std::vector<std::int64_t> channels;
      for (std::size_t i = 0; i < inputs_.size(); ++i) {
        inputs.push_back({.channels = inputs_[i]->channels,
                          .pixel_stride = inputs_[i]->stored_channels(),
                          .stride = out_.stride(i)});
        narrow(inputs.back());
        channels.push_back(inputs.back().channels);
      }
      part.steps = kernels::conv2d_steps(inputs, node_.kernel);
      part.weights = kernels::pack_conv2d(dense, bias, channels, node_.kernel, panel_columns_);
    }
    out_.parts.push_back(std::move(part));
  }

  void pack_transposed() {
    const std::span<const float> weight = node_.weight.values<float>();
    const std::span<const float> bias = node_.bias.values<float>();
    const ProgramNode& input = *inputs_[0];
    out_.parts.resize(2);
    if (on_tiles_) {
      auto packed = kernels::pack_conv_transpose2x2_tiles(weight, bias, tile_input(0), out_.form, out_.columns());
      for (std::size_t row = 0; row < 2; ++row) out_.parts[row].tiles = std::move(packed[row]);
      return;
    }
    const kernels::ConvInput conv_input{input.channels, input.stored_channels()};
    auto packed = kernels::pack_conv_transpose2x2(weight, bias, input.channels, panel_columns_);
    for (std::size_t row = 0; row < 2; ++row) {
      out_.parts[row].steps = kernels::conv2d_steps({&conv_input, 1}, 1);
      out_.parts[row].weights = std::move(packed[row]);
    }
  }

  /// Weights of some groups as [out][in][k][k] with zeros between inputs and outputs of different groups.
  std::vector<float> dense_weights(Groups groups) const {
    const std::span<const float> weight = node_.weight.values<float>();
    const std::int64_t out = node_.channels / node_.geometry.groups;
    const std::int64_t block = weight.size() / static_cast<std::size_t>(node_.channels);  // of an output: in * k * k
    const std::int64_t rows = groups.count * out;
    std::vector<float> dense(static_cast<std::size_t>(rows * groups.count * block));
    for (std::int64_t n = 0; n < rows; ++n) {
      const auto from = weight.begin() + (groups.first * out + n) * block;
      std::copy(from, from + block, dense.begin() + (n * groups.count + n / out) * block);
    }
    return dense;
  }

  std::int64_t total_channels() const {
    std::int64_t total = 0;
    for (const ProgramNode* input : inputs_) total += input->channels;
    return total;
  }

  double byte_scale() const { return inputs_[0]->kind == OpKind::kImage ? kByteScale : 1.0; }

  const Node& node_;
  std::int64_t panel_columns_;
  Precision precision_;
  ProgramNode& out_;
  std::vector<const ProgramNode*> inputs_;
  bool on_tiles_ = false;
};

}  // namespace

void pack_convolution(const Node& node, const std::vector<ProgramNode>& done, std::int64_t panel_columns,
                      Precision precision, ProgramNode& out) {
  ConvPacker(node, done, panel_columns, precision, out).pack();
}

}  // namespace histojet::engine
