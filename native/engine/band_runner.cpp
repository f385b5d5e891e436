#include "engine/band_runner.hpp"

#include <cstring>

#include "base/error.hpp"
#include "kernels/conv2d/conv2d.hpp"
#include "kernels/head/head.hpp"
#include "kernels/image_to_float/image_to_float.hpp"
#include "kernels/max_pool2x2/max_pool2x2.hpp"
#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

namespace histojet::engine {
namespace {

class BandRunner {
 public:
  BandRunner(const RunMemory& memory, const Chain& chain, float* scratch)
      : memory_(memory), plan_(*memory.plan), program_(plan_.program()), chain_(chain), scratch_(scratch) {}

  /// Computes rows [first, last] of a member; its inputs are there.
  void operator()(std::size_t member, std::int64_t first, std::int64_t last) {
    const int id = chain_.members[member];
    const ProgramNode& node = program_.node(id);
    check_ring(id, first, last);
    if (node.kind == OpKind::kConv2d) {
      conv_rows(id, node, first, last);
    } else {
      for (std::int64_t y = first; y <= last; ++y) single_row(id, node, y);
    }
    if (node.pixel_stride != 0) clear_halos(id, node, first, last);
  }

 private:
  int input(int id, std::size_t index = 0) const {
    return plan_.topology().inputs[static_cast<std::size_t>(id)][index];
  }

  /// Pixel 0 of row y of a result.
  float* row(int id, std::int64_t y) const {
    const Placement& place = plan_.placement(id);
    const bool ring = place.kind == Placement::Kind::kRing;
    float* base = ring ? scratch_ : memory_.arena;
    const std::int64_t slot = ring ? y % place.rows : y;
    return base + place.offset + slot * place.row_floats + place.halo * program_.node(id).pixel_stride;
  }

  /// Row y, or zeros when the picture has no such row; `pixels` of halo are readable to the left.
  const float* row_or_zeros(int id, std::int64_t y, std::int64_t pixels) const {
    if (y >= 0 && y < plan_.extent(id).height) return row(id, y);
    return memory_.zeros + pixels * program_.node(id).pixel_stride;
  }

  float* output(int id, std::int64_t y) const {
    return (*memory_.outputs)[static_cast<std::size_t>(id)] + y * plan_.extent(id).width;
  }

  void check_ring(int id, std::int64_t first, std::int64_t last) const {
    const Placement& place = plan_.placement(id);
    if (place.kind != Placement::Kind::kRing || last - first < place.rows) return;
    throw Error(ErrorCode::kInternal, "engine: " + program_.node(id).name + ": a ring of " +
                                          std::to_string(place.rows) + " rows got " + std::to_string(last - first + 1) +
                                          " at once");
  }

  void clear_halos(int id, const ProgramNode& node, std::int64_t first, std::int64_t last) const {
    const std::int64_t floats = plan_.placement(id).halo * node.pixel_stride;
    const std::int64_t width = plan_.extent(id).width * node.pixel_stride;
    const std::size_t bytes = static_cast<std::size_t>(floats) * sizeof(float);
    for (std::int64_t y = first; y <= last && floats > 0; ++y) {
      std::memset(row(id, y) - floats, 0, bytes);
      std::memset(row(id, y) + width, 0, bytes);
    }
  }

  void single_row(int id, const ProgramNode& node, std::int64_t y) {
    switch (node.kind) {
      case OpKind::kImage:
        return image_row(id, y);
      case OpKind::kConvTranspose2x2:
        return transposed_row(id, node, y);
      case OpKind::kMaxPool2x2:
        return pool_row(id, node, y);
      case OpKind::kResizeBilinear2x:
        return resized_row(id, node, y);
      case OpKind::kCropTo:
        return cropped_row(id, node, y);
      case OpKind::kClassProbability:
        return probability_row(id, y);
      case OpKind::kPlanar:
        return planar_row(id, y);
      default:
        throw Error(ErrorCode::kInternal, "engine: no kernel for " + std::string(op_name(node.kind)));
    }
  }

  kernels::Conv2dArgs conv_args(const ProgramNode& node, const kernels::PackedMatrix& weights) const {
    kernels::Conv2dArgs args{};
    args.steps = node.steps.data();
    args.step_count = static_cast<std::int64_t>(node.steps.size());
    args.uniform_pixel_stride = node.uniform_pixel_stride;
    args.k_total = weights.k_total;
    args.panels = weights.panels.get();
    args.panel_columns = weights.panel_columns;
    args.columns = weights.columns;
    args.bias = weights.bias.get();
    args.relu = node.relu;
    return args;
  }

  void conv_rows(int id, const ProgramNode& node, std::int64_t first, std::int64_t last) {
    const auto& inputs = plan_.topology().inputs[static_cast<std::size_t>(id)];
    in_rows_.clear();
    out_rows_.clear();
    for (std::int64_t y = first; y <= last; ++y) {
      out_rows_.push_back(row(id, y));
      for (const int source : inputs) {
        const std::int64_t shift = node.padding * program_.node(source).pixel_stride;
        for (std::int64_t dy = 0; dy < node.kernel; ++dy) {
          in_rows_.push_back(row_or_zeros(source, y - node.padding + dy, node.padding) - shift);
        }
      }
    }
    kernels::Conv2dArgs args = conv_args(node, node.weights[0]);
    args.rows = in_rows_.data();
    args.out_rows = out_rows_.data();
    args.row_count = last - first + 1;
    args.rows_per_output = static_cast<std::int64_t>(inputs.size()) * node.kernel;
    args.width = plan_.extent(id).width;
    args.out_pixel_stride = node.pixel_stride;
    kernels::kConv2d.pick(program_.isa())(args);
  }

  void transposed_row(int id, const ProgramNode& node, std::int64_t y) {
    const float* in = row(input(id), y / 2);
    float* out = row(id, y);
    kernels::Conv2dArgs args = conv_args(node, node.weights[static_cast<std::size_t>(y % 2)]);
    args.rows = &in;
    args.out_rows = &out;
    args.row_count = 1;
    args.rows_per_output = 1;
    args.width = plan_.extent(input(id)).width;
    args.out_pixel_stride = 2 * node.pixel_stride;
    kernels::kConv2d.pick(program_.isa())(args);
  }

  void image_row(int id, std::int64_t y) const {
    kernels::kImageToFloat.pick(program_.isa())({memory_.rgb.row(y), row(id, y), 3 * plan_.extent(id).width});
  }

  void pool_row(int id, const ProgramNode& node, std::int64_t y) const {
    kernels::kMaxPool2x2.pick(program_.isa())(
        {row(input(id), 2 * y), row(input(id), 2 * y + 1), row(id, y), plan_.extent(id).width, node.pixel_stride});
  }

  void resized_row(int id, const ProgramNode& node, std::int64_t y) const {
    const Extent from = plan_.extent(input(id));
    const std::int64_t wanted = y % 2 == 0 ? y / 2 - 1 : y / 2 + 1;
    const std::int64_t far = std::clamp<std::int64_t>(wanted, 0, from.height - 1);
    kernels::kResizeBilinear2x.pick(program_.isa())(
        {row(input(id), y / 2), row(input(id), far), row(id, y), from.width, node.pixel_stride});
  }

  void cropped_row(int id, const ProgramNode& node, std::int64_t y) const {
    const Extent from = plan_.extent(input(id));
    const Extent to = plan_.extent(id);
    const float* in = row(input(id), y + (from.height - to.height) / 2);
    const std::int64_t left = (from.width - to.width) / 2;
    std::memcpy(row(id, y), in + left * node.pixel_stride,
                static_cast<std::size_t>(to.width * node.pixel_stride) * sizeof(float));
  }

  void probability_row(int id, std::int64_t y) const {
    const ProgramNode& source = program_.node(input(id));
    kernels::kClassProbability.pick(program_.isa())(
        {row(input(id), y), output(id, y), plan_.extent(id).width, source.channels, source.pixel_stride});
  }

  void planar_row(int id, std::int64_t y) const {
    const ProgramNode& source = program_.node(input(id));
    const Extent extent = plan_.extent(id);
    kernels::kPlanarRow.pick(program_.isa())({row(input(id), y), output(id, y), extent.width, source.channels,
                                              source.pixel_stride, extent.height * extent.width});
  }

  const RunMemory& memory_;
  const Plan& plan_;
  const Program& program_;
  const Chain& chain_;
  float* scratch_;
  std::vector<const float*> in_rows_;
  std::vector<float*> out_rows_;
};

}  // namespace

void run_band(const RunMemory& memory, const Chain& chain, float* scratch, std::int64_t begin, std::int64_t end,
              const CancelToken& cancel) {
  BandRunner produce(memory, chain, scratch);
  auto turn = [&] { cancel.throw_if_cancelled(); };
  BandWalk walk(memory.plan->topology(), chain, produce, turn);
  walk.run(begin, end);
}

}  // namespace histojet::engine
