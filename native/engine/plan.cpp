#include "engine/plan.hpp"

#include <unistd.h>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "engine/arena.hpp"

namespace histojet::engine {
namespace {

constexpr std::int64_t kLargestSide = 65536;
constexpr std::int64_t kLineFloats = 16;
constexpr std::int64_t kAliasFloats = 512;

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

std::int64_t padded_row(std::int64_t floats) {
  const std::int64_t lines = ceil_div(floats, kLineFloats) * kLineFloats;
  return lines % kAliasFloats == 0 ? lines + kLineFloats : lines;
}

}  // namespace

Plan::Plan(std::shared_ptr<const Program> program, Extent image, const PlanOptions& options)
    : program_(std::move(program)),
      image_(checked_extent(image)),
      topology_(*program_, image),
      placements_(program_->nodes().size()) {
  place_rows();
  std::vector<std::int64_t> row_bytes;
  for (std::size_t id = 0; id < placements_.size(); ++id) {
    const bool output = program_->nodes()[id].pixel_stride == 0;
    const std::int64_t floats =
        output ? program_->nodes()[id].channels * topology_.extents[id].width : placements_[id].row_floats;
    row_bytes.push_back(floats * static_cast<std::int64_t>(sizeof(float)));
  }
  chains_ = choose_chains(topology_, row_bytes, options.cache_bytes > 0 ? options.cache_bytes : own_cache_bytes());
  place_rings();
  place_buffers();
}

void Plan::place_rows() {
  for (const int id : topology_.order) {
    for (const int input : topology_.inputs[static_cast<std::size_t>(id)]) {
      std::int64_t& halo = placements_[static_cast<std::size_t>(input)].halo;
      halo = std::max(halo, program_->node(id).padding);
    }
  }
  for (const int id : topology_.order) {
    const ProgramNode& node = program_->node(id);
    if (node.pixel_stride == 0) continue;
    Placement& placement = placements_[static_cast<std::size_t>(id)];
    placement.row_floats = padded_row((extent(id).width + 2 * placement.halo) * node.pixel_stride);
    zero_row_floats_ = std::max(zero_row_floats_, placement.row_floats);
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
      used += placement.rows * placement.row_floats;
    }
    scratch_floats_ = std::max(scratch_floats_, used);
  }
}

void Plan::place_buffers() {
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
      if (!chain.stored[i] || program_->node(id).pixel_stride == 0) continue;
      placement.kind = Placement::Kind::kBuffer;
      placement.rows = extent(id).height;
      Lifetime life{.size = placement.rows * placement.row_floats,
                    .first = chain_of[static_cast<std::size_t>(id)],
                    .last = chain_of[static_cast<std::size_t>(id)]};
      for (const int reader : topology_.readers[static_cast<std::size_t>(id)]) {
        life.last = std::max(life.last, chain_of[static_cast<std::size_t>(reader)]);
      }
      lifetimes.push_back(life);
      owners.push_back(id);
    }
  }
  arena_floats_ = pack_arena(lifetimes);
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
