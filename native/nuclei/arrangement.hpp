#pragma once

#include <cstdint>
#include <vector>

#include "nuclei/ring.hpp"

namespace histojet::nuclei {

/// A place where sides of a ring meet or cross.
struct Node {
  double x;
  double y;

  bool operator==(const Node&) const = default;
};

/// The planar graph of a ring that may touch and cross itself: its sides cut at every common point, each piece once,
/// and the faces between the pieces. Intersections are exact rational numbers rounded once, so equal places are equal.
class Arrangement {
 public:
  explicit Arrangement(const Ring& ring);

  /// A piece seen from one end; pieces are stored as pairs, twin(i) is the same one backwards.
  struct HalfEdge {
    std::uint32_t from;
    std::uint32_t to;
    std::uint32_t next;  ///< the next half-edge around the face on the left
    std::uint32_t face;  ///< the face on the left; 0 is the outer one
  };

  static std::uint32_t twin(std::uint32_t edge) { return edge ^ 1u; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<HalfEdge>& edges() const { return edges_; }
  std::uint32_t face_count() const { return face_count_; }

 private:
  std::uint32_t node_at(Node node);
  void cut_sides(const Ring& ring);
  void link_faces();

  std::vector<Node> nodes_;
  std::vector<HalfEdge> edges_;
  std::uint32_t face_count_ = 0;
};

}  // namespace histojet::nuclei
