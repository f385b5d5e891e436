#include "nuclei/arrangement.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace histojet::nuclei {
namespace {

std::int64_t cross(std::int64_t ax, std::int64_t ay, std::int64_t bx, std::int64_t by) {
  return ax * by - ay * bx;
}

/// Where sides a-b and c-d meet, ends included; of a shared stretch its ends (they are ends of one side or the other).
void add_common_points(Point a, Point b, Point c, Point d, std::vector<Node>& found) {
  const std::int64_t rx = b.x - a.x, ry = b.y - a.y, sx = d.x - c.x, sy = d.y - c.y;
  const std::int64_t denominator = cross(rx, ry, sx, sy);
  if (denominator == 0) {
    if (cross(rx, ry, c.x - a.x, c.y - a.y) != 0) return;
    const auto add_if_between = [&](Point from, Point to, Point p) {
      if (std::min(from.x, to.x) <= p.x && p.x <= std::max(from.x, to.x) && std::min(from.y, to.y) <= p.y &&
          p.y <= std::max(from.y, to.y)) {
        found.push_back({static_cast<double>(p.x), static_cast<double>(p.y)});
      }
    };
    add_if_between(a, b, c);
    add_if_between(a, b, d);
    add_if_between(c, d, a);
    add_if_between(c, d, b);
    return;
  }
  std::int64_t t = cross(c.x - a.x, c.y - a.y, sx, sy), u = cross(c.x - a.x, c.y - a.y, rx, ry), whole = denominator;
  if (whole < 0) {
    t = -t;
    u = -u;
    whole = -whole;
  }
  if (t < 0 || t > whole || u < 0 || u > whole) return;
  // Lowest terms make the quotient of the same place the same double, whichever sides it comes from.
  const auto quotient = [&](std::int64_t start, std::int64_t step) {
    const std::int64_t numerator = start * whole + step * t, divisor = std::gcd(numerator, whole);
    return static_cast<double>(numerator / divisor) / static_cast<double>(whole / divisor);
  };
  found.push_back({quotient(a.x, rx), quotient(a.y, ry)});
}

}  // namespace

Arrangement::Arrangement(const Ring& ring) {
  cut_sides(ring);
  link_faces();
}

std::uint32_t Arrangement::node_at(Node node) {
  const auto index = static_cast<std::uint32_t>(std::find(nodes_.begin(), nodes_.end(), node) - nodes_.begin());
  if (index == nodes_.size()) nodes_.push_back(node);
  return index;
}

void Arrangement::cut_sides(const Ring& ring) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> known;
  const auto at = [&](std::size_t i) { return ring[i % ring.size()]; };
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point a = at(i), b = at(i + 1);
    if (a == b) continue;
    std::vector<Node> cuts{{static_cast<double>(a.x), static_cast<double>(a.y)},
                           {static_cast<double>(b.x), static_cast<double>(b.y)}};
    for (std::size_t j = 0; j < ring.size(); ++j) {
      if (j != i && !(at(j) == at(j + 1))) add_common_points(a, b, at(j), at(j + 1), cuts);
    }
    const double dx = b.x - a.x, dy = b.y - a.y;
    std::sort(cuts.begin(), cuts.end(), [&](Node p, Node q) {
      return (p.x - a.x) * dx + (p.y - a.y) * dy < (q.x - a.x) * dx + (q.y - a.y) * dy;
    });
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    for (std::size_t k = 0; k + 1 < cuts.size(); ++k) {
      const std::uint32_t from = node_at(cuts[k]), to = node_at(cuts[k + 1]);
      if (!known.insert(std::minmax(from, to)).second) continue;
      edges_.push_back({from, to, 0, 0});
      edges_.push_back({to, from, 0, 0});
    }
  }
}

void Arrangement::link_faces() {
  std::vector<std::vector<std::uint32_t>> leaving(nodes_.size());
  for (std::uint32_t e = 0; e < edges_.size(); ++e) leaving[edges_[e].from].push_back(e);
  const auto angle = [&](std::uint32_t e) {
    const Node from = nodes_[edges_[e].from], to = nodes_[edges_[e].to];
    return std::atan2(to.y - from.y, to.x - from.x);
  };
  for (std::vector<std::uint32_t>& around : leaving) {
    std::sort(around.begin(), around.end(), [&](std::uint32_t a, std::uint32_t b) { return angle(a) < angle(b); });
    // Coming in along the twin of around[k], the face on the left continues with the edge before it in angle.
    for (std::size_t k = 0; k < around.size(); ++k) {
      edges_[twin(around[k])].next = around[(k + around.size() - 1) % around.size()];
    }
  }
  std::vector<bool> seen(edges_.size());
  face_count_ = 1;
  for (std::uint32_t e = 0; e < edges_.size(); ++e) {
    if (seen[e]) continue;
    double doubled_area = 0;
    std::uint32_t at = e;
    do {
      const Node p = nodes_[edges_[at].from], q = nodes_[edges_[at].to];
      doubled_area += p.x * q.y - q.x * p.y;
      seen[at] = true;
      at = edges_[at].next;
    } while (at != e);
    // The ring is one curve, so the graph is connected: only the walk around the outside turns the other way.
    const std::uint32_t face = doubled_area > 0 ? face_count_++ : 0;
    do {
      edges_[at].face = face;
      at = edges_[at].next;
    } while (at != e);
  }
}

}  // namespace histojet::nuclei
