#include "engine/plan.hpp"

#include <unistd.h>

#include <span>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "engine/arena.hpp"

namespace histojet::engine {
namespace {

constexpr std::int64_t kLargestSide = 65536;
constexpr std::int64_t kLine = 64;
constexpr std::int64_t kAlias = 2048;
constexpr std::int64_t kFloatBytes = 4;
constexpr std::int64_t kTilePositions = 32;

Extent checked_extent(Extent image) {
  if (image.height >= 1 && image.width >= 1 && image.height <= kLargestSide && image.width <= kLargestSide)
    return image;
  throw Error(ErrorCode::kInvalidArgument, "engine: a tile of " + std::to_string(image.width) + " x " +
                                               std::to_string(image.height) + " pixels, expected sides from 1 to " +
                                               std::to_string(kLargestSide));
}

std::int64_t own_cache_bytes() {
  const long size = sysconf(_SC_LEVEL2_CACHE_SIZE);
  return size > 0 ? size / 10 * 9 : std::int64_t{1} << 20;
}

std::int64_t padded_pitch(std::int64_t bytes) {
  const std::int64_t lines = ceil_div(bytes, kLine) * kLine;
  return lines % kAlias == 0 ? lines + kLine : lines;
}

bool on_tiles(const ProgramNode& node) {
  return node.is_conv() && node.parts[0].tiles.tiles != nullptr;
}

}  // namespace

std::int64_t tile_positions(const Topology& topology, int id) {
  const ProgramNode& node = topology.node(id);
  const bool transposed = node.kind == OpKind::kConvTranspose2x2;
  const std::int64_t pixels = transposed ? topology.extent(id).width / 2 : topology.extent(id).width;
  return ceil_div(pixels, node.form.pixels);
}

Plan::Plan(std::shared_ptr<const Program> program, Extent image, const PlanOptions& options)
    : program_(std::move(program)),
      image_(checked_extent(image)),
      topology_(*program_, image),
      placements_(program_->nodes().size()) {
  place_borders();
  place_rows();
  std::vector<std::int64_t> row_bytes;
  for (std::size_t id = 0; id < placements_.size(); ++id) {
    const ProgramNode& node = program_->nodes()[id];
    const bool output = node.pixel_bytes == 0;
    row_bytes.push_back(output ? node.channels * topology_.extents[id].width * kFloatBytes : placements_[id].row_bytes);
  }
  const std::int64_t cache_bytes = options.cache_bytes > 0 ? options.cache_bytes : own_cache_bytes();
  chains_ = choose_chains(topology_, row_bytes, cache_bytes);
  place_rings();
  scratch_bytes_ += slack_bytes_;
  place_buffers(cache_bytes);
}

void Plan::place_borders() {
  std::vector<std::int64_t> left(placements_.size(), 0);
  std::vector<std::int64_t> widest(placements_.size(), 0);   // kernel of the reader that decides the alignment
  std::vector<std::int64_t> aligned(placements_.size(), 0);  // the pixel that should start a cache line
  for (const int id : topology_.order) {
    const ProgramNode& node = program_->node(id);
    if (!node.is_conv()) continue;
    const auto& inputs = topology_.inputs[static_cast<std::size_t>(id)];
    const std::int64_t before = node.geometry.pad_before;
    for (std::size_t i = 0; i < node.convolved_inputs(); ++i) {
      const InputView& view = inputs[i];
      const auto source = static_cast<std::size_t>(view.id);
      left[source] = std::max(left[source], before - view.dx);
      std::int64_t right = node.geometry.pad_after;
      if (on_tiles(node)) {
        const ProgramNode& input = program_->node(view.id);
        const kernels::TileInput tile_input{
            .channels = input.channels, .pixel_bytes = input.pixel_bytes, .stride = node.stride(i)};
        const std::int64_t last = (tile_positions(topology_, id) - 1) * node.form.pixels * tile_input.stride - before;
        right = last + view.dx + kernels::pixels_read(tile_input, node.form) - extent(view.id).width;
        slack_bytes_ =
            std::max(slack_bytes_, kTilePositions * node.form.pixels * tile_input.stride * input.pixel_bytes + kLine);
      }
      placements_[source].right_px = std::max(placements_[source].right_px, right);
      if (node.kernel < widest[source]) continue;
      widest[source] = node.kernel;
      aligned[source] = view.dx - before;
    }
    if (!on_tiles(node)) continue;
    const std::int64_t per_position = node.form.pixels * (node.kind == OpKind::kConvTranspose2x2 ? 2 : 1);
    const std::int64_t written = tile_positions(topology_, id) * per_position;
    std::int64_t& right = placements_[static_cast<std::size_t>(id)].right_px;
    right = std::max(right, written - extent(id).width);
  }
  for (std::size_t id = 0; id < placements_.size(); ++id) {
    const ProgramNode& node = program_->nodes()[id];
    if (node.pixel_bytes == 0) continue;
    std::int64_t lead = left[id];
    const std::int64_t per_line = kLine / node.pixel_bytes;
    if (node.storage != kernels::Storage::kFloat32 && per_line > 1) {
      while ((lead + aligned[id]) % per_line != 0) ++lead;
    }
    placements_[id].lead_bytes = lead * node.pixel_bytes;
  }
}

void Plan::place_rows() {
  for (const int id : topology_.order) {
    const ProgramNode& node = program_->node(id);
    if (node.pixel_bytes == 0) continue;
    Placement& placement = placements_[static_cast<std::size_t>(id)];
    const std::int64_t pixels = extent(id).width + placement.right_px;
    placement.plane_bytes = padded_pitch(placement.lead_bytes + pixels * node.pixel_bytes);
    placement.row_bytes = padded_pitch(kernels::plane_count(node.storage) * placement.plane_bytes);
    zero_row_bytes_ = std::max(zero_row_bytes_, placement.row_bytes);
  }
}

void Plan::place_rings() {
  for (const Chain& chain : chains_) {
    std::int64_t used = 0;
    for (std::size_t i = 0; i < chain.members.size(); ++i) {
      if (chain.stored[i]) continue;
      Placement& placement = placements_[static_cast<std::size_t>(chain.members[i])];
      placement.kind = Placement::Kind::kRing;
      placement.rows = chain.ring_rows[i];
      placement.offset = used;
      used += placement.rows * placement.row_bytes;
    }
    scratch_bytes_ = std::max(scratch_bytes_, used);
  }
}

void Plan::place_buffers(std::int64_t cache_bytes) {
  std::vector<std::size_t> chain_of(placements_.size(), 0);
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    for (const int id : chains_[c].members) chain_of[static_cast<std::size_t>(id)] = c;
  }
  std::vector<Lifetime> lifetimes;
  std::vector<int> owners;
  for (const Chain& chain : chains_) {
    for (std::size_t i = 0; i < chain.members.size(); ++i) {
      const int id = chain.members[i];
      Placement& placement = placements_[static_cast<std::size_t>(id)];
      if (!chain.stored[i] || program_->node(id).pixel_bytes == 0) continue;
      placement.kind = Placement::Kind::kBuffer;
      placement.rows = extent(id).height;
      Lifetime life{.size = placement.rows * placement.row_bytes,
                    .first = chain_of[static_cast<std::size_t>(id)],
                    .last = chain_of[static_cast<std::size_t>(id)]};
      placement.stream = life.size > cache_bytes;
      for (const int reader : topology_.readers[static_cast<std::size_t>(id)]) {
        const std::size_t reading = chain_of[static_cast<std::size_t>(reader)];
        life.last = std::max(life.last, reading);
        if (reading == life.first) placement.stream = false;
      }
      lifetimes.push_back(life);
      owners.push_back(id);
    }
  }
  arena_bytes_ = pack_arena(lifetimes) + slack_bytes_;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    placements_[static_cast<std::size_t>(owners[i])].offset = lifetimes[i].offset;
  }
}

std::int64_t Plan::flops() const {
  std::int64_t total = 0;
  for (const int id : topology_.order) total += engine::flops(*program_, id, extent(id));
  return total;
}

}  // namespace histojet::engine
