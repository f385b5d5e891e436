#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "engine/shapes.hpp"

namespace histojet::engine {

/// What a node reads: a result, from pixel (dy, dx) on.
struct InputView {
  int id = -1;
  std::int64_t dy = 0;
  std::int64_t dx = 0;
};

/// A program at one input size: sizes of all results, crops replaced by views of what they crop where their readers
/// allow it (a padded convolution wants zeros around its input, not the pixels that were cut away).
struct Topology {
  const Program* program = nullptr;
  std::vector<Extent> extents;
  std::vector<int> order;                      ///< ids of the nodes that compute something, inputs before readers
  std::vector<std::vector<InputView>> inputs;  ///< by id
  std::vector<std::vector<int>> readers;
  std::vector<int> level;                    ///< by id: how often the picture was halved on the way here
  std::vector<std::vector<int>> companions;  ///< by id: what is written beside its result; next in `order`

  Topology(const Program& program, Extent image);

  const ProgramNode& node(int id) const { return program->node(id); }
  Extent extent(int id) const { return extents[static_cast<std::size_t>(id)]; }
  /// Whether another node writes the result.
  bool is_companion(int id) const { return node(id).made_with >= 0; }
  /// Rows of what input `index` views that row `y` needs, both ends included, before clipping.
  RowRange rows_needed(int id, std::size_t index, std::int64_t y) const;
};

/// Neighbouring operations that run row by row together, so that what they hand each other stays in cache. Results
/// that only members read live in rings of a few rows; the others ("stored") are written to buffers or outputs.
///
/// Rows are counted in coarse rows, those of the member with the smallest result: coarse row c owns rows
/// [c << shift, (c + 1) << shift) of each stored result, so a band of coarse rows can be computed on its own; rows of
/// rings that two bands need are computed by both.
///
/// A member that another one writes ("companion") is in the chain of that one, directly behind it, and always has the
/// same rows.
struct Chain {
  std::vector<int> members;             ///< ids in the order of the program
  std::vector<int> shift;               ///< by position in `members`
  std::vector<std::size_t> lead;        ///< by position: that of the member that writes the result, mostly itself
  std::vector<bool> stored;             ///< by position
  std::vector<std::int64_t> ring_rows;  ///< by position; 0 where stored
  std::vector<int> position;            ///< by id; -1 for others
  std::int64_t coarse_rows = 0;
  std::int64_t unit = 1;         ///< coarse rows per turn
  std::int64_t spare_bytes = 0;  ///< of the cache, beside what a turn touches again and again

  std::int64_t owned_end(const Topology& topology, std::size_t member, std::int64_t coarse) const {
    const std::int64_t height = topology.extents[static_cast<std::size_t>(members[member])].height;
    return coarse >= coarse_rows ? height : std::min(height, coarse << shift[member]);
  }

  /// The position after the last companion of `member`.
  std::size_t group_end(std::size_t member) const {
    std::size_t end = member + 1;
    while (end < members.size() && lead[end] == member) ++end;
    return end;
  }
};

/// A chain of the nodes order[begin, end); ring sizes are not set yet.
Chain make_chain(const Topology& topology, std::size_t begin, std::size_t end, std::int64_t unit);

/// First row of each member that coarse rows [begin, end) need; by position.
std::vector<RowRange> needed_rows(const Topology& topology, const Chain& chain, std::int64_t begin, std::int64_t end);

/// Runs a band of a chain in the only order there is: for each turn, pull the stored results up to the rows that it
/// owns; a member first pulls its inputs, then `produce(position, first, last)` computes its missing rows and those of
/// its companions.
/// `turn()` is called before each turn. The planner sizes rings with this walk, the executor computes with it.
template <class Produce, class Turn>
class BandWalk {
 public:
  BandWalk(const Topology& topology, const Chain& chain, Produce& produce, Turn& turn)
      : topology_(topology), chain_(chain), produce_(produce), turn_(turn) {}

  void run(std::int64_t begin, std::int64_t end) {
    next_.clear();
    for (const RowRange& range : needed_rows(topology_, chain_, begin, end)) next_.push_back(range.first);
    for (std::int64_t coarse = begin; coarse < end; coarse += chain_.unit) {
      turn_();
      const std::int64_t stop = std::min(coarse + chain_.unit, end);
      for (std::size_t member = 0; member < chain_.members.size(); ++member) {
        if (chain_.stored[member]) pull(member, chain_.owned_end(topology_, member, stop) - 1);
      }
    }
  }

  /// The row after the last one computed, by position.
  const std::vector<std::int64_t>& next() const { return next_; }

 private:
  void pull(std::size_t pulled, std::int64_t last) {
    const std::size_t member = chain_.lead[pulled];
    if (next_[member] > last) return;
    const auto id = static_cast<std::size_t>(chain_.members[member]);
    const auto& inputs = topology_.inputs[id];
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const int source = chain_.position[static_cast<std::size_t>(inputs[i].id)];
      if (source < 0) continue;
      const std::int64_t wanted = topology_.rows_needed(static_cast<int>(id), i, last).last;
      pull(static_cast<std::size_t>(source), std::min(wanted, topology_.extent(inputs[i].id).height - 1));
    }
    produce_(member, next_[member], last);
    for (std::size_t made = member; made < chain_.group_end(member); ++made) next_[made] = last + 1;
  }

  const Topology& topology_;
  const Chain& chain_;
  Produce& produce_;
  Turn& turn_;
  std::vector<std::int64_t> next_;
};

/// Sets `ring_rows` by walking sample bands.
void size_rings(const Topology& topology, Chain& chain);

/// False when a band would have to write rows of a stored result that another band owns.
bool bands_are_independent(const Topology& topology, const Chain& chain);

}  // namespace histojet::engine
