#include "nuclei/repair.hpp"

#include <algorithm>
#include <cmath>

#include "nuclei/arrangement.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

using Faces = std::vector<bool>;
using Loop = std::vector<Node>;

/// Faces that the pieces in use close off from the outside.
Faces enclosed_faces(const Arrangement& graph, const std::vector<bool>& in_use) {
  Faces outside(graph.face_count());
  outside[0] = true;
  for (bool grown = true; grown;) {
    grown = false;
    for (std::uint32_t e = 0; e < graph.edges().size(); ++e) {
      const std::uint32_t here = graph.edges()[e].face, there = graph.edges()[Arrangement::twin(e)].face;
      if (in_use[e] || !outside[here] || outside[there]) continue;
      outside[there] = true;
      grown = true;
    }
  }
  outside.flip();
  return outside;
}

/// The area of GEOS's MakeValid: all that the pieces enclose, minus what those inside it enclose, and so on.
Faces valid_area(const Arrangement& graph) {
  Faces area(graph.face_count());
  std::vector<bool> in_use(graph.edges().size(), true);
  while (true) {
    const Faces enclosed = enclosed_faces(graph, in_use);
    if (std::find(enclosed.begin(), enclosed.end(), true) == enclosed.end()) return area;
    for (std::size_t f = 0; f < area.size(); ++f) area[f] = area[f] != enclosed[f];
    for (std::uint32_t e = 0; e < in_use.size(); ++e) {
      if (enclosed[graph.edges()[e].face] != enclosed[graph.edges()[Arrangement::twin(e)].face]) in_use[e] = false;
    }
  }
}

/// Numbers the parts of the area, joined through pieces; 0 for faces outside of it.
std::vector<int> parts_of(const Arrangement& graph, const Faces& area) {
  std::vector<int> part(graph.face_count());
  int count = 0;
  for (std::size_t seed = 0; seed < area.size(); ++seed) {
    if (!area[seed] || part[seed] != 0) continue;
    part[seed] = ++count;
    for (bool grown = true; grown;) {
      grown = false;
      for (std::uint32_t e = 0; e < graph.edges().size(); ++e) {
        const std::uint32_t here = graph.edges()[e].face, there = graph.edges()[Arrangement::twin(e)].face;
        if (part[here] != count || !area[there] || part[there] != 0) continue;
        part[there] = count;
        grown = true;
      }
    }
  }
  return part;
}

/// The border of one part as rings that touch themselves nowhere: a walk that comes back to a node leaves a ring
/// behind.
std::vector<Loop> border_loops(const Arrangement& graph, const std::vector<int>& part, int wanted) {
  const auto on_border = [&](std::uint32_t e) {
    return part[graph.edges()[e].face] == wanted && part[graph.edges()[Arrangement::twin(e)].face] != wanted;
  };
  std::vector<bool> walked(graph.edges().size());
  std::vector<Loop> loops;
  for (std::uint32_t first = 0; first < graph.edges().size(); ++first) {
    if (walked[first] || !on_border(first)) continue;
    std::vector<std::uint32_t> path;
    std::uint32_t e = first;
    do {
      walked[e] = true;
      const std::uint32_t node = graph.edges()[e].from;
      const auto before = std::find(path.begin(), path.end(), node);
      if (before != path.end()) {
        Loop loop;
        for (auto i = before; i != path.end(); ++i) loop.push_back(graph.nodes()[*i]);
        loops.push_back(std::move(loop));
        path.erase(before, path.end());
      }
      path.push_back(node);
      e = graph.edges()[e].next;
      while (!on_border(e)) e = graph.edges()[Arrangement::twin(e)].next;
    } while (e != first);
    Loop loop;
    for (const std::uint32_t node : path) loop.push_back(graph.nodes()[node]);
    loops.push_back(std::move(loop));
  }
  return loops;
}

double doubled_area(const Loop& loop) {
  double sum = 0;
  for (std::size_t i = 0; i < loop.size(); ++i) {
    const Node a = loop[i], b = loop[(i + 1) % loop.size()];
    sum += a.x * b.y - b.x * a.y;
  }
  return sum;
}

double length(const Loop& loop) {
  double sum = 0;
  for (std::size_t i = 0; i < loop.size(); ++i) {
    const Node a = loop[i], b = loop[(i + 1) % loop.size()];
    sum += std::hypot(b.x - a.x, b.y - a.y);
  }
  return sum;
}

}  // namespace

bool is_valid_polygon(const Ring& ring) {
  Ring distinct = ring;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  while (distinct.size() > 1 && distinct.front() == distinct.back()) distinct.pop_back();
  return is_simple(distinct);
}

Ring repaired(const Ring& ring) {
  const Arrangement graph(ring);
  const std::vector<int> part = parts_of(graph, valid_area(graph));
  const int count = part.empty() ? 0 : *std::max_element(part.begin(), part.end());
  std::vector<Loop> best;
  double best_area = 0;
  for (int i = 1; i <= count; ++i) {
    std::vector<Loop> loops = border_loops(graph, part, i);
    double area = 0;  // holes turn the other way
    for (const Loop& loop : loops) area += doubled_area(loop);
    if (area > best_area) {
      best_area = area;
      best = std::move(loops);
    }
  }
  if (best.empty()) return {};
  const Loop& longest =
      *std::max_element(best.begin(), best.end(), [](const Loop& a, const Loop& b) { return length(a) < length(b); });
  Ring out;
  // GEOS lists outer rings clockwise where y points up: the loops here turn the other way.
  for (auto node = longest.rbegin(); node != longest.rend(); ++node) {
    out.push_back({static_cast<std::int32_t>(node->x), static_cast<std::int32_t>(node->y)});
  }
  out.push_back(out.front());
  return out;
}

}  // namespace histojet::nuclei
