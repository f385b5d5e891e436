#include "engine/chain.hpp"

#include <bit>

namespace histojet::engine {
namespace {

int level_of(const ProgramNode& node, int input_level) {
  switch (node.kind) {
    case OpKind::kConv2d:
      return input_level + static_cast<int>(std::bit_width(static_cast<std::uint64_t>(node.geometry.stride)) - 1);
    case OpKind::kMaxPool2x2:
      return input_level + 1;
    case OpKind::kPointwise:
      return node.enlarge ? input_level - 1 : input_level;
    case OpKind::kConvTranspose2x2:
    case OpKind::kResizeBilinear2x:
      return input_level - 1;
    default:
      return input_level;
  }
}

bool reads_no_border(const ProgramNode& node) {
  const bool valid = node.kind == OpKind::kConv2d && node.geometry.pad_before == 0 && node.geometry.pad_after == 0;
  return valid || node.kind == OpKind::kPointwise;
}

/// By id: whether all readers can take a view in place of a copy.
std::vector<bool> find_views(const Program& program) {
  std::vector<bool> views(program.nodes().size(), true);
  for (const ProgramNode& node : program.nodes()) {
    if (reads_no_border(node)) continue;
    for (const int input : node.inputs) views[static_cast<std::size_t>(input)] = false;
  }
  for (std::size_t id = 0; id < views.size(); ++id) {
    if (program.nodes()[id].kind != OpKind::kCropTo) views[id] = false;
  }
  return views;
}

/// By id: whether an output depends on the values. What only lends its size to a crop is never computed.
std::vector<bool> find_read(const Program& program, const std::vector<std::vector<InputView>>& inputs,
                            const std::vector<bool>& computes) {
  std::vector<bool> read(inputs.size());
  for (std::size_t id = inputs.size(); id-- > 0;) {
    if (is_output(program.nodes()[id].kind)) read[id] = true;
    if (!computes[id] || !read[id]) continue;
    for (const InputView& input : inputs[id]) read[static_cast<std::size_t>(input.id)] = true;
    if (program.nodes()[id].made_with >= 0) read[static_cast<std::size_t>(program.nodes()[id].made_with)] = true;
  }
  return read;
}

constexpr std::int64_t kSampleTurns = 12;

}  // namespace

Topology::Topology(const Program& source, Extent image) : program(&source), extents(infer_extents(source, image)) {
  const std::size_t count = source.nodes().size();
  inputs.resize(count);
  readers.resize(count);
  level.resize(count, 0);
  companions.resize(count);
  const std::vector<bool> views = find_views(source);
  std::vector<InputView> view_of(count);
  std::vector<bool> computes(count);
  for (std::size_t id = 0; id < count; ++id) {
    const ProgramNode& node = source.nodes()[id];
    view_of[id] = {static_cast<int>(id)};
    for (const int input : node.inputs) inputs[id].push_back(view_of[static_cast<std::size_t>(input)]);
    if (!inputs[id].empty()) level[id] = level_of(node, level[static_cast<std::size_t>(inputs[id][0].id)]);
    if (node.kind == OpKind::kCropTo) {
      const Extent from = extents[static_cast<std::size_t>(node.inputs[0])];
      if (views[id] || from == extents[id]) {
        InputView view = inputs[id][0];
        view.dy += (from.height - extents[id].height) / 2;
        view.dx += (from.width - extents[id].width) / 2;
        view_of[id] = view;
        continue;
      }
    }
    computes[id] = true;
  }
  const std::vector<bool> read = find_read(source, inputs, computes);
  for (std::size_t id = 0; id < count; ++id) {
    if (!computes[id] || !read[id]) continue;
    order.push_back(static_cast<int>(id));
    const int lead = source.nodes()[id].made_with;
    if (lead >= 0) companions[static_cast<std::size_t>(lead)].push_back(static_cast<int>(id));
    for (const InputView& input : inputs[id]) {
      readers[static_cast<std::size_t>(input.id)].push_back(static_cast<int>(id));
    }
  }
}

RowRange Topology::rows_needed(int id, std::size_t index, std::int64_t y) const {
  const InputView& view = inputs[static_cast<std::size_t>(id)][index];
  const Extent from = extents[static_cast<std::size_t>(program->node(id).inputs[index])];
  const RowRange rows = input_rows(program->node(id), index, y, from, extent(id));
  return {rows.first + view.dy, rows.last + view.dy};
}

Chain make_chain(const Topology& topology, std::size_t begin, std::size_t end, std::int64_t unit) {
  Chain chain;
  chain.unit = unit;
  chain.members.assign(topology.order.begin() + static_cast<std::ptrdiff_t>(begin),
                       topology.order.begin() + static_cast<std::ptrdiff_t>(end));
  chain.position.assign(topology.extents.size(), -1);
  int deepest = topology.level[static_cast<std::size_t>(chain.members[0])];
  for (std::size_t i = 0; i < chain.members.size(); ++i) {
    const auto id = static_cast<std::size_t>(chain.members[i]);
    chain.position[id] = static_cast<int>(i);
    const int lead = topology.node(chain.members[i]).made_with;
    chain.lead.push_back(lead < 0 ? i : static_cast<std::size_t>(chain.position[static_cast<std::size_t>(lead)]));
    deepest = std::max(deepest, topology.level[id]);
  }
  for (const int id : chain.members) {
    const auto& readers = topology.readers[static_cast<std::size_t>(id)];
    const bool leaves = readers.empty() || std::any_of(readers.begin(), readers.end(), [&](int reader) {
                          return chain.position[static_cast<std::size_t>(reader)] < 0;
                        });
    const int shift = deepest - topology.level[static_cast<std::size_t>(id)];
    chain.stored.push_back(leaves);
    chain.shift.push_back(shift);
    if (!leaves) continue;
    const std::int64_t height = topology.extents[static_cast<std::size_t>(id)].height;
    chain.coarse_rows = std::max(chain.coarse_rows, (height + (std::int64_t{1} << shift) - 1) >> shift);
  }
  chain.ring_rows.assign(chain.members.size(), 0);
  return chain;
}

std::vector<RowRange> needed_rows(const Topology& topology, const Chain& chain, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kNone = std::int64_t{1} << 60;
  std::vector<RowRange> needed(chain.members.size(), RowRange{kNone, -1});
  for (std::size_t i = chain.members.size(); i-- > 0;) {
    const auto id = static_cast<std::size_t>(chain.members[i]);
    if (chain.stored[i]) {
      needed[i].first = std::min(needed[i].first, chain.owned_end(topology, i, begin));
      needed[i].last = std::max(needed[i].last, chain.owned_end(topology, i, end) - 1);
    }
    const auto join = [](RowRange& range, RowRange more) {
      range = {std::min(range.first, more.first), std::max(range.last, more.last)};
    };
    if (chain.lead[i] != i) {
      join(needed[chain.lead[i]], needed[i]);
      continue;
    }
    for (std::size_t made = i + 1; made < chain.group_end(i); ++made) needed[made] = needed[i];
    if (needed[i].last < needed[i].first) continue;
    const auto& inputs = topology.inputs[id];
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const int source = chain.position[static_cast<std::size_t>(inputs[k].id)];
      if (source < 0) continue;
      const std::int64_t first = topology.rows_needed(chain.members[i], k, needed[i].first).first;
      const std::int64_t last = topology.rows_needed(chain.members[i], k, needed[i].last).last;
      join(needed[static_cast<std::size_t>(source)],
           {std::max<std::int64_t>(0, first), std::min(topology.extent(inputs[k].id).height - 1, last)});
    }
  }
  return needed;
}

void size_rings(const Topology& topology, Chain& chain) {
  const auto sample = [&](std::int64_t begin, std::int64_t end) {
    const std::vector<std::int64_t>* next = nullptr;
    auto produce = [&](std::size_t member, std::int64_t first, std::int64_t last) {
      for (std::size_t made = member; made < chain.group_end(member); ++made) {
        if (!chain.stored[made]) chain.ring_rows[made] = std::max(chain.ring_rows[made], last - first + 1);
      }
      const int id = chain.members[member];
      const auto& inputs = topology.inputs[static_cast<std::size_t>(id)];
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const int source = chain.position[static_cast<std::size_t>(inputs[i].id)];
        if (source < 0 || chain.stored[static_cast<std::size_t>(source)]) continue;
        const std::int64_t oldest = std::max<std::int64_t>(0, topology.rows_needed(id, i, first).first);
        std::int64_t& rows = chain.ring_rows[static_cast<std::size_t>(source)];
        rows = std::max(rows, (*next)[static_cast<std::size_t>(source)] - oldest);
      }
    };
    auto turn = [] {};
    BandWalk walk(topology, chain, produce, turn);
    next = &walk.next();
    walk.run(begin, end);
  };
  const std::int64_t rows = chain.coarse_rows;
  const std::int64_t span = kSampleTurns * chain.unit;
  sample(0, std::min(rows, span));
  sample(std::max<std::int64_t>(0, rows - span), rows);
  // Stored results may differ in height; a band in the middle of each shows what an inner band needs.
  for (std::size_t i = 0; i < chain.members.size(); ++i) {
    if (!chain.stored[i]) continue;
    const std::int64_t middle = (topology.extent(chain.members[i]).height >> chain.shift[i]) / 2;
    sample(middle, std::min(rows, middle + span));
  }
}

bool bands_are_independent(const Topology& topology, const Chain& chain) {
  const std::int64_t middle = chain.coarse_rows / 2;
  const std::vector<RowRange> needed = needed_rows(topology, chain, middle, middle + 1);
  for (std::size_t i = 0; i < chain.members.size(); ++i) {
    if (!chain.stored[i]) continue;
    if (needed[i].first < chain.owned_end(topology, i, middle)) return false;
    if (needed[i].last >= chain.owned_end(topology, i, middle + 1)) return false;
  }
  return true;
}

}  // namespace histojet::engine
