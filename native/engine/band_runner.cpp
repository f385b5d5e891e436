#include "engine/band_runner.hpp"

#include <cstring>
#include <span>

#include "base/error.hpp"
#include "kernels/conv2d/conv2d.hpp"
#include "kernels/conv2d_bf16/conv2d_bf16.hpp"
#include "kernels/convert_row/convert_row.hpp"
#include "kernels/head/head.hpp"
#include "kernels/image_to_float/image_to_float.hpp"
#include "kernels/max_pool2x2/max_pool2x2.hpp"
#include "kernels/pointwise/pointwise.hpp"
#include "kernels/resize_bilinear2x/resize_bilinear2x.hpp"

namespace histojet::engine {
namespace {

using kernels::Storage;

constexpr std::int64_t kLine = 64;

class BandRunner {
 public:
  BandRunner(const RunMemory& memory, const Chain& chain, std::byte* scratch)
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
    if (node.pixel_bytes != 0) clear_borders(id, node, first, last);
    for (const int made : plan_.topology().companions[static_cast<std::size_t>(id)]) {
      check_ring(made, first, last);
      clear_borders(made, program_.node(made), first, last);
    }
  }

 private:
  const InputView& input(int id, std::size_t index = 0) const {
    return plan_.topology().inputs[static_cast<std::size_t>(id)][index];
  }

  /// Pixel 0 of row y of a result.
  std::byte* row(int id, std::int64_t y) const {
    const Placement& place = plan_.placement(id);
    const bool ring = place.kind == Placement::Kind::kRing;
    std::byte* base = ring ? scratch_ : memory_.arena;
    const std::int64_t slot = ring ? y % place.rows : y;
    return base + place.offset + slot * place.row_bytes + place.lead_bytes;
  }

  /// Row y of what a node reads, from the view's first pixel on.
  const std::byte* view_row(const InputView& view, std::int64_t y) const {
    return row(view.id, y + view.dy) + view.dx * program_.node(view.id).pixel_bytes;
  }

  /// The same, or zeros where the picture has no such row.
  const std::byte* view_row_or_zeros(const InputView& view, std::int64_t y) const {
    const std::int64_t at = y + view.dy;
    if (at >= 0 && at < plan_.extent(view.id).height) return view_row(view, y);
    return memory_.zeros + plan_.placement(view.id).lead_bytes;
  }

  std::int64_t plane_bytes(int id) const { return plan_.placement(id).plane_bytes; }

  bool in_main_memory(int id) const { return plan_.placement(id).kind == Placement::Kind::kBuffer; }

  const float* float_row(const InputView& view, std::int64_t y) const {
    return reinterpret_cast<const float*>(view_row(view, y));
  }

  /// A row as floats, converted into `buffer` where it is stored otherwise.
  const float* widened_row(const InputView& view, std::int64_t y, std::vector<float>& buffer) const {
    const ProgramNode& source = program_.node(view.id);
    if (source.storage == Storage::kFloat32) return float_row(view, y);
    const std::int64_t count = plan_.extent(view.id).width * source.stored_channels();
    buffer.resize(static_cast<std::size_t>(count));
    kernels::kWidenRow.pick(program_.isa())(
        {view_row(view, y), plane_bytes(view.id), buffer.data(), count, source.storage});
    return buffer.data();
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

  void clear_borders(int id, const ProgramNode& node, std::int64_t first, std::int64_t last) const {
    const Placement& place = plan_.placement(id);
    const std::int64_t width = plan_.extent(id).width * node.pixel_bytes;
    const std::int64_t right = place.right_px * node.pixel_bytes;
    for (std::int64_t y = first; y <= last; ++y) {
      for (std::int64_t plane = 0; plane < kernels::plane_count(node.storage); ++plane) {
        std::byte* pixels = row(id, y) + plane * place.plane_bytes;
        std::memset(pixels - place.lead_bytes, 0, static_cast<std::size_t>(place.lead_bytes));
        std::memset(pixels + width, 0, static_cast<std::size_t>(right));
      }
    }
  }

  void single_row(int id, const ProgramNode& node, std::int64_t y) {
    switch (node.kind) {
      case OpKind::kImage:
        return image_row(id, node, y);
      case OpKind::kConvTranspose2x2:
        return transposed_row(id, node, y);
      case OpKind::kPointwise:
        return pointwise_row(id, node, y);
      case OpKind::kMaxPool2x2:
        return pool_row(id, node, y);
      case OpKind::kResizeBilinear2x:
        return resized_row(id, node, y);
      case OpKind::kCropTo:
        return cropped_row(id, node, y);
      case OpKind::kClassProbability:
        return probability_row(id, y);
      case OpKind::kClassIndex:
        return index_row(id, y);
      case OpKind::kPlanar:
        return planar_row(id, y);
      default:
        throw Error(ErrorCode::kInternal, "engine: no kernel for " + std::string(op_name(node.kind)));
    }
  }

  /// Row pointers for output rows [first, last], as the packed walk over K numbers them.
  void collect_rows(int id, const ProgramNode& node, std::int64_t first, std::int64_t last) {
    const std::int64_t taps = node.kind == OpKind::kConv2d ? node.kernel : 1;
    const std::int64_t before = node.geometry.pad_before;
    in_rows_.clear();
    addend_rows_.clear();
    collect_output_rows(id, first, last);
    for (std::int64_t y = first; y <= last; ++y) {
      const std::span inputs(plan_.topology().inputs[static_cast<std::size_t>(id)]);
      if (node.add_last) addend_rows_.push_back(view_row(inputs.back(), y));
      for (std::size_t i = 0; i < node.convolved_inputs(); ++i) {
        const ProgramNode& source = program_.node(inputs[i].id);
        const std::int64_t top = node.kind == OpKind::kConv2d ? y * node.stride(i) - before : y / 2;
        for (std::int64_t dy = 0; dy < taps; ++dy) {
          const std::byte* start = view_row_or_zeros(inputs[i], top + dy) - before * source.pixel_bytes;
          for (std::int64_t plane = 0; plane < kernels::plane_count(source.storage); ++plane) {
            in_rows_.push_back(start + plane * plane_bytes(inputs[i].id));
          }
        }
      }
    }
  }

  void collect_output_rows(int id, std::int64_t first, std::int64_t last) {
    out_rows_.clear();
    active_rows_.clear();
    const int active = active_id(id);
    for (std::int64_t y = first; y <= last; ++y) {
      out_rows_.push_back(row(id, y));
      if (active >= 0) active_rows_.push_back(row(active, y));
    }
  }

  /// Where a convolution's activated sums go: to its own result, to another one, or nowhere (-1).
  int active_id(int id) const {
    if (program_.node(id).scale) return id;
    for (const int made : plan_.topology().companions[static_cast<std::size_t>(id)]) {
      if (program_.node(made).kind == OpKind::kPointwise) return made;
    }
    return -1;
  }

  void conv_rows(int id, const ProgramNode& node, std::int64_t first, std::int64_t last) {
    collect_rows(id, node, first, last);
    collect_ahead(id, first, last);
    conv_parts(id, node);
    for (const int made : plan_.topology().companions[static_cast<std::size_t>(id)]) {
      const ProgramNode& sibling = program_.node(made);
      if (sibling.kind != OpKind::kConv2d) continue;
      collect_output_rows(made, first, last);
      conv_parts(made, sibling);
    }
  }

  /// What the next rows will touch of results that other chains wrote or will read, where the cache has room for it
  /// beside what the chain keeps there.
  void collect_ahead(int id, std::int64_t first, std::int64_t last) {
    ahead_.clear();
    if (active_id(id) < 0 || active_id(id) == id) return;  // with one result there is time enough
    const auto add = [&](int result, std::int64_t from, std::int64_t to) {
      const Placement& place = plan_.placement(result);
      from = std::max<std::int64_t>(from, 0);
      to = std::min(to, plan_.extent(result).height - 1);
      if (from > to) return;
      ahead_.push_back({row(result, from) - place.lead_bytes, (to - from + 1) * place.row_bytes / kLine});
    };
    const std::int64_t count = last - first + 1;
    const auto& inputs = plan_.topology().inputs[static_cast<std::size_t>(id)];
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!reads_first(id, inputs[i].id)) continue;
      add(inputs[i].id, plan_.topology().rows_needed(id, i, last).last + 1,
          plan_.topology().rows_needed(id, i, last + count).last);
    }
    const auto add_result = [&](int result) {
      if (in_main_memory(result) && !plan_.placement(result).stream) add(result, last + 1, last + count);
    };
    add_result(id);
    for (const int made : plan_.topology().companions[static_cast<std::size_t>(id)]) add_result(made);
    std::int64_t bytes = 0;
    for (const kernels::RowsAhead& range : ahead_) bytes += range.count * kLine;
    if (bytes > chain_.spare_bytes) ahead_.clear();
  }

  /// Whether a node is the first one of its chain that reads a result of an earlier one.
  bool reads_first(int id, int source) const {
    if (!in_main_memory(source) || chain_.position[static_cast<std::size_t>(source)] >= 0) return false;
    for (const int reader : plan_.topology().readers[static_cast<std::size_t>(source)]) {
      if (chain_.position[static_cast<std::size_t>(reader)] >= 0) return reader == id;
    }
    return false;
  }

  void conv_parts(int id, const ProgramNode& node) {
    for (const ConvPart& part : node.parts) {
      part.tiles.tiles ? tile_conv(id, node, part) : float_conv(id, node, part);
    }
  }

  void transposed_row(int id, const ProgramNode& node, std::int64_t y) {
    collect_rows(id, node, y, y);
    const ConvPart& part = node.parts[static_cast<std::size_t>(y % 2)];
    part.tiles.tiles ? tile_conv(id, node, part) : float_conv(id, node, part);
  }

  /// Runs the float32 kernel on the rows that were collected.
  void float_conv(int id, const ProgramNode& node, const ConvPart& part) {
    const std::int64_t pixels = node.kind == OpKind::kConvTranspose2x2 ? 2 : 1;
    const std::int64_t pixel_floats = node.stored_channels();
    float_in_.clear();
    float_out_.clear();
    float_addend_.clear();
    for (const std::byte* from : in_rows_) float_in_.push_back(reinterpret_cast<const float*>(from));
    for (std::byte* to : out_rows_) float_out_.push_back(reinterpret_cast<float*>(to) + part.first_channel);
    for (const std::byte* from : addend_rows_) {
      float_addend_.push_back(reinterpret_cast<const float*>(from) + part.first_channel);
    }
    kernels::Conv2dArgs args{};
    args.rows = float_in_.data();
    args.out_rows = float_out_.data();
    args.row_count = static_cast<std::int64_t>(out_rows_.size());
    args.rows_per_output = static_cast<std::int64_t>(in_rows_.size() / out_rows_.size());
    args.width = plan_.extent(id).width / pixels;
    args.out_pixel_stride = pixels * pixel_floats;
    args.steps = part.steps.data();
    args.step_count = static_cast<std::int64_t>(part.steps.size());
    args.k_total = part.weights.k_total;
    args.panels = part.weights.panels.get();
    args.panel_columns = part.weights.panel_columns;
    args.columns = part.weights.columns;
    args.bias = part.weights.bias.get();
    args.relu = node.relu;
    args.addend_rows = node.add_last ? float_addend_.data() : nullptr;
    args.stream = plan_.placement(id).stream;
    kernels::kConv2d.pick(program_.isa())(args);
  }

  /// Runs the tile kernel on the rows that were collected.
  void tile_conv(int id, const ProgramNode& node, const ConvPart& part) {
    const std::int64_t pixels = node.kind == OpKind::kConvTranspose2x2 ? 2 * node.form.pixels : node.form.pixels;
    const std::int64_t skipped = part.first_channel * kernels::element_bytes(node.storage);
    for (std::byte*& to : out_rows_) to += skipped;
    for (std::byte*& to : active_rows_) to += skipped;
    for (const std::byte*& from : addend_rows_) from += skipped;
    const int active = active_id(id);
    step_pointers_.resize(part.tiles.steps.size());
    kernels::kConv2dBf16.pick(program_.isa())(
        {.rows = in_rows_.data(),
         .out_rows = active == id ? nullptr : out_rows_.data(),
         .row_count = static_cast<std::int64_t>(out_rows_.size()),
         .rows_per_output = part.tiles.rows,
         .positions = tile_positions(plan_.topology(), id),
         .out_position_bytes = pixels * node.pixel_bytes,
         .out_plane_bytes = plane_bytes(id),
         .steps = part.tiles.steps.data(),
         .step_count = static_cast<std::int64_t>(part.tiles.steps.size()),
         .order = part.tiles.order,
         .tiles = part.tiles.tiles.get(),
         .columns = part.tiles.columns,
         .bias = part.tiles.bias.get(),
         .relu = node.relu,
         .storage = node.storage,
         .stream = plan_.placement(id).stream,
         .addend_rows = node.add_last ? addend_rows_.data() : nullptr,
         .addend_plane_bytes = node.add_last ? plane_bytes(input(id, node.inputs.size() - 1).id) : 0,
         .scratch_pointers = step_pointers_.data(),
         .active_rows = active < 0 ? nullptr : active_rows_.data(),
         .active_plane_bytes = active < 0 ? 0 : plane_bytes(active),
         .active_stream = active >= 0 && plan_.placement(active).stream,
         .scale = active < 0 ? nullptr : program_.node(active).scale.get() + part.first_channel,
         .shift = active < 0 ? nullptr : program_.node(active).shift.get() + part.first_channel,
         .ahead = ahead_.data(),
         .ahead_count = static_cast<std::int64_t>(ahead_.size())});
    ahead_.clear();
    for (std::byte*& to : out_rows_) to -= skipped;
    for (std::byte*& to : active_rows_) to -= skipped;
    for (const std::byte*& from : addend_rows_) from -= skipped;
  }

  void image_row(int id, const ProgramNode& node, std::int64_t y) const {
    const std::int64_t width = plan_.extent(id).width;
    if (node.storage == Storage::kFloat32) {
      kernels::kImageToFloat.pick(program_.isa())(
          {memory_.rgb.row(y), reinterpret_cast<float*>(row(id, y)), 3 * width});
    } else {
      kernels::kImageToBfloat16.pick(program_.isa())({memory_.rgb.row(y), row(id, y), width});
    }
  }

  kernels::RowIn row_in(const InputView& view, std::int64_t y) const {
    return {view_row(view, y), plane_bytes(view.id)};
  }

  void pointwise_row(int id, const ProgramNode& node, std::int64_t y) const {
    const bool two = node.inputs.size() > 1;
    kernels::kPointwise.pick(program_.isa())({.a = row_in(input(id), node.enlarge ? y / 2 : y),
                                              .b = two ? row_in(input(id, 1), y) : kernels::RowIn{},
                                              .out = {row(id, y), plane_bytes(id)},
                                              .scale = node.scale.get(),
                                              .shift = node.shift.get(),
                                              .width = plan_.extent(id).width,
                                              .channels = node.stored_channels(),
                                              .enlarge = node.enlarge,
                                              .relu = node.relu,
                                              .storage = node.storage,
                                              .stream = plan_.placement(id).stream});
  }

  void pool_row(int id, const ProgramNode& node, std::int64_t y) const {
    const InputView& view = input(id);
    const std::int64_t width = plan_.extent(id).width;
    if (node.storage == Storage::kFloat32) {
      kernels::kMaxPool2x2.pick(program_.isa())({float_row(view, 2 * y), float_row(view, 2 * y + 1),
                                                 reinterpret_cast<float*>(row(id, y)), width, node.stored_channels()});
    } else {
      kernels::kMaxPool2x2Bf16.pick(program_.isa())({view_row(view, 2 * y), view_row(view, 2 * y + 1), row(id, y),
                                                     plane_bytes(view.id), plane_bytes(id), width,
                                                     node.stored_channels(), node.storage});
    }
  }

  void resized_row(int id, const ProgramNode& node, std::int64_t y) {
    const InputView& view = input(id);
    const Extent from = plan_.extent(view.id);
    const std::int64_t wanted = y % 2 == 0 ? y / 2 - 1 : y / 2 + 1;
    const std::int64_t far = std::clamp<std::int64_t>(wanted, 0, from.height - 1);
    const float* near_row = widened_row(view, y / 2, floats_[0]);
    const float* far_row = widened_row(view, far, floats_[1]);
    const std::int64_t count = plan_.extent(id).width * node.stored_channels();
    float* out = reinterpret_cast<float*>(row(id, y));
    if (node.storage != Storage::kFloat32) {
      floats_[2].resize(static_cast<std::size_t>(count));
      out = floats_[2].data();
    }
    kernels::kResizeBilinear2x.pick(program_.isa())({near_row, far_row, out, from.width, node.stored_channels()});
    if (node.storage == Storage::kFloat32) return;
    kernels::kNarrowRow.pick(program_.isa())({out, row(id, y), plane_bytes(id), count, node.storage});
  }

  void cropped_row(int id, const ProgramNode& node, std::int64_t y) const {
    const InputView& view = input(id);
    const Extent from = plan_.extent(node.inputs[0]);
    const Extent to = plan_.extent(id);
    const std::int64_t left = (from.width - to.width) / 2 * node.pixel_bytes;
    for (std::int64_t plane = 0; plane < kernels::plane_count(node.storage); ++plane) {
      const std::byte* in = view_row(view, y + (from.height - to.height) / 2) + plane * plane_bytes(view.id);
      std::memcpy(row(id, y) + plane * plane_bytes(id), in + left,
                  static_cast<std::size_t>(to.width * node.pixel_bytes));
    }
  }

  void probability_row(int id, std::int64_t y) {
    const ProgramNode& source = program_.node(input(id).id);
    kernels::kClassProbability.pick(program_.isa())({widened_row(input(id), y, floats_[0]), output(id, y),
                                                     plan_.extent(id).width, source.channels,
                                                     source.stored_channels()});
  }

  void index_row(int id, std::int64_t y) {
    const ProgramNode& source = program_.node(input(id).id);
    kernels::kClassIndex.pick(program_.isa())({widened_row(input(id), y, floats_[0]), output(id, y),
                                               plan_.extent(id).width, source.channels, source.stored_channels()});
  }

  void planar_row(int id, std::int64_t y) {
    const Extent extent = plan_.extent(id);
    const std::int64_t plane = extent.height * extent.width;
    float* out = output(id, y);
    for (const InputView& view : plan_.topology().inputs[static_cast<std::size_t>(id)]) {
      const ProgramNode& source = program_.node(view.id);
      kernels::kPlanarRow.pick(program_.isa())(
          {widened_row(view, y, floats_[0]), out, extent.width, source.channels, source.stored_channels(), plane});
      out += source.channels * plane;
    }
  }

  const RunMemory& memory_;
  const Plan& plan_;
  const Program& program_;
  const Chain& chain_;
  std::byte* scratch_;
  std::vector<const std::byte*> in_rows_;
  std::vector<std::byte*> out_rows_;
  std::vector<std::byte*> active_rows_;
  std::vector<kernels::RowsAhead> ahead_;  ///< taken by the first call for them
  std::vector<const std::byte*> addend_rows_;
  std::vector<const float*> float_in_;
  std::vector<float*> float_out_;
  std::vector<const float*> float_addend_;
  std::vector<const std::byte*> step_pointers_;
  std::vector<float> floats_[3];
};

}  // namespace

void run_band(const RunMemory& memory, const Chain& chain, std::byte* scratch, std::int64_t begin, std::int64_t end,
              const CancelToken& cancel) {
  BandRunner produce(memory, chain, scratch);
  auto turn = [&] { cancel.throw_if_cancelled(); };
  BandWalk walk(memory.plan->topology(), chain, produce, turn);
  walk.run(begin, end);
}

}  // namespace histojet::engine
