#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/passes/passes.hpp"

namespace histojet::engine {

void gather_companions(Graph& graph) {
  std::vector<Node>& nodes = graph.nodes();
  std::vector<int> order(nodes.size());
  std::iota(order.begin(), order.end(), 0);
  const auto place = [&](int id) {
    const int lead = nodes[static_cast<std::size_t>(id)].made_with;
    return std::pair(lead < 0 ? id : lead, id);
  };
  std::ranges::sort(order, {}, place);
  std::vector<int> renumbered(nodes.size());
  for (std::size_t i = 0; i < order.size(); ++i) renumbered[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  const auto renumber = [&](int& id) {
    if (id >= 0) id = renumbered[static_cast<std::size_t>(id)];
  };
  std::vector<Node> moved;
  for (const int id : order) {
    moved.push_back(std::move(nodes[static_cast<std::size_t>(id)]));
    for (int& input : moved.back().inputs) renumber(input);
    renumber(moved.back().like);
    renumber(moved.back().made_with);
  }
  nodes = std::move(moved);
}

}  // namespace histojet::engine
