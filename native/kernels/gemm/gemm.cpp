#include "kernels/gemm/gemm.hpp"

#include <algorithm>

namespace histojet::kernels {
namespace {

constexpr std::int64_t kLine = 64;
// Rows at a time: they stay in the second-level cache while all columns pass by.
constexpr std::int64_t kChunkBytes = 768 << 10;
constexpr std::int64_t kMostRows = 512;
// Columns at a time when results pass through the scratch block to their activation (512 KiB at most).
constexpr std::int64_t kBlockColumns = 256;

/// Rows of a block of the kernel beneath: tiles of 32, or vectors of 14 and 6.
std::int64_t row_granule(Storage storage) {
  return storage == Storage::kFloat32 ? 42 : 32;
}

std::int64_t chunk_rows(const GemmWeights& weights) {
  const std::int64_t row_bytes = weights.depth * element_bytes(weights.storage) * plane_count(weights.storage);
  const std::int64_t granule = row_granule(weights.storage);
  const std::int64_t fitting = std::clamp(kChunkBytes / std::max<std::int64_t>(row_bytes, 1), 2 * granule, kMostRows);
  return fitting / granule * granule;
}

/// How many columns a call computes: those it asks for, in whole panels.
std::int64_t used_columns(const GemmArgs& args) {
  const GemmWeights& weights = *args.weights;
  if (args.columns <= 0) return weights.columns;
  const bool floats = weights.storage == Storage::kFloat32;
  const std::int64_t panel = floats ? weights.matrix.panel_columns : kChannelGranule;
  return std::min(weights.columns, (args.columns + panel - 1) / panel * panel);
}

/// Rows [first, first + count) of the columns.
class Chunk {
 public:
  Chunk(const GemmArgs& args, std::int64_t first, std::int64_t count)
      : args_(args), count_(count), columns_(used_columns(args)) {
    const std::byte* a = args.a.pixels + first * args.a_row_bytes;
    rows_[0] = a;
    rows_[1] = a + args.a.plane_bytes;
    out_ = args.out.pixels + first * args.out_row_bytes;
  }

  void run() {
    const GemmWeights& weights = *args_.weights;
    const bool simple = args_.activation == Activation::kNone || args_.activation == Activation::kRelu;
    const bool stored_by_kernel = weights.storage != Storage::kFloat32 || args_.out_storage == Storage::kFloat32;
    if (simple && stored_by_kernel) {
      const bool relu = args_.activation == Activation::kRelu;
      return multiply(0, columns_, out_, args_.out_row_bytes, args_.out_storage, relu, args_.stream);
    }
    for (std::int64_t n = 0; n < columns_; n += kBlockColumns) {
      const std::int64_t columns = std::min(kBlockColumns, columns_ - n);
      auto* block = reinterpret_cast<std::byte*>(args_.scratch->block.get());
      multiply(n, columns, block, kBlockColumns * 4, Storage::kFloat32, false, false);
      kActivation.pick(weights.isa)({.in = {block, 0},
                                     .out = {out_ + n * element_bytes(args_.out_storage), args_.out.plane_bytes},
                                     .in_row_bytes = kBlockColumns * 4,
                                     .out_row_bytes = args_.out_row_bytes,
                                     .rows = count_,
                                     .count = columns,
                                     .function = args_.activation,
                                     .in_storage = Storage::kFloat32,
                                     .out_storage = args_.out_storage});
    }
  }

 private:
  /// Columns [n, n + columns) to `out`, which points to the first of them.
  void multiply(std::int64_t n, std::int64_t columns, std::byte* out, std::int64_t out_row_bytes, Storage storage,
                bool relu, bool stream) {
    if (args_.weights->storage == Storage::kFloat32) return multiply_floats(n, columns, out, out_row_bytes, relu);
    multiply_tiles(n, columns, out, out_row_bytes, storage, relu, stream);
  }

  void multiply_floats(std::int64_t n, std::int64_t columns, std::byte* out, std::int64_t out_row_bytes, bool relu) {
    const PackedMatrix& matrix = args_.weights->matrix;
    const auto* row = reinterpret_cast<const float*>(rows_[0]);
    auto* out_row = reinterpret_cast<float*>(out);
    const KStep step{0, 0, static_cast<std::int32_t>(matrix.k_total), static_cast<std::int32_t>(args_.a_row_bytes / 4)};
    kConv2d.pick(args_.weights->isa)({.rows = &row,
                                      .out_rows = &out_row,
                                      .row_count = 1,
                                      .rows_per_output = 1,
                                      .width = count_,
                                      .out_pixel_stride = out_row_bytes / 4,
                                      .steps = &step,
                                      .step_count = 1,
                                      .k_total = matrix.k_total,
                                      .panels = matrix.panels.get() + n * matrix.k_total,
                                      .panel_columns = matrix.panel_columns,
                                      .columns = columns,
                                      .bias = matrix.bias.get() + n,
                                      .relu = relu});
  }

  void multiply_tiles(std::int64_t n, std::int64_t columns, std::byte* out, std::int64_t out_row_bytes, Storage storage,
                      bool relu, bool stream) {
    const PackedTiles& tiles = args_.weights->tiles;
    kConv2dBf16.pick(args_.weights->isa)({.rows = rows_,
                                          .out_rows = &out,
                                          .row_count = 1,
                                          .rows_per_output = tiles.rows,
                                          .positions = count_,
                                          .out_position_bytes = out_row_bytes,
                                          .out_plane_bytes = args_.out.plane_bytes,
                                          .steps = args_.scratch->steps.data(),
                                          .step_count = static_cast<std::int64_t>(tiles.steps.size()),
                                          .order = tiles.order,
                                          .tiles = tiles.tiles.get() + n * tiles.tile_count() * 32,
                                          .columns = columns,
                                          .bias = tiles.bias.get() + n,
                                          .relu = relu,
                                          .storage = storage,
                                          .stream = stream,
                                          .scratch_pointers = args_.scratch->pointers.data()});
  }

  const GemmArgs& args_;
  std::int64_t count_;
  std::int64_t columns_;
  const std::byte* rows_[2];
  std::byte* out_;
};

}  // namespace

GemmWeights pack_gemm(std::span<const float> weight, std::span<const float> bias, std::int64_t depth, Storage storage,
                      Isa isa) {
  const auto real = static_cast<std::int64_t>(weight.size()) / depth;
  GemmWeights packed;
  packed.storage = storage;
  packed.isa = isa;
  packed.depth = depth;
  packed.columns = padded_channels(real);
  const std::vector<float> zeros(bias.empty() ? static_cast<std::size_t>(real) : 0);
  if (bias.empty()) bias = zeros;
  if (storage == Storage::kFloat32) {
    packed.matrix = pack_conv2d(weight, bias, {&depth, 1}, 1, conv2d_panel_columns(isa));
  } else {
    const TileInput input{
        .channels = depth, .pixel_bytes = (2 * depth + kLine - 1) / kLine * kLine, .planes = plane_count(storage)};
    const TileForm form{.split_weights = storage == Storage::kSplit};
    packed.tiles = pack_conv2d_tiles(weight, bias, {&input, 1}, form, packed.columns);
  }
  return packed;
}

GemmScratch::GemmScratch(const GemmWeights& weights)
    : steps(weights.tiles.steps),
      pointers(steps.size()),
      block(make_aligned<float>(static_cast<std::size_t>(chunk_rows(weights) * kBlockColumns))) {}

void gemm(const GemmArgs& args) {
  const std::vector<TileStep>& steps = args.weights->tiles.steps;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    args.scratch->steps[s] = steps[s];
    args.scratch->steps[s].stride = static_cast<std::int32_t>(args.a_row_bytes);
  }
  const std::int64_t rows = chunk_rows(*args.weights);
  for (std::int64_t first = 0; first < args.rows; first += rows) {
    Chunk(args, first, std::min(rows, args.rows - first)).run();
  }
}

std::int64_t gemm_row_bytes(std::int64_t values, Storage storage) {
  const std::int64_t lines = (values * element_bytes(storage) + kLine - 1) / kLine;
  return (lines | 1) * kLine;
}

}  // namespace histojet::kernels
