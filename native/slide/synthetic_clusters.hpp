#pragma once

#include <cstdint>
#include <vector>

#include "slide/synthetic.hpp"
#include "slide/synthetic_layout.hpp"
#include "slide/synthetic_noise.hpp"
#include "slide/synthetic_nucleus.hpp"

namespace histojet::slide {

/// Index into synthetic_cluster_kinds().
enum class ClusterKind { kBasophilic, kEosinophilic };

/// The rare cell clusters that make the grade of a slide: round nests in a white cleft, of two kinds, far apart. The
/// seed chooses their number (2 to 4), places and kinds; places and number are the same in grades 1 and 2, so that only
/// the kinds tell these grades apart. Immutable, safe from any thread.
class Clusters {
 public:
  /// A point as its cluster sees it.
  struct Spot {
    const TrueCluster* cluster = nullptr;  ///< null: no cluster near
    float depth_um = -1000;                ///< distance to the wavy border, positive inside
  };

  /// Nothing without a grade and in grade 0.
  /// @throws Error kInvalidArgument for a grade outside 0..2, one on a repeated slide, and a slide without room for two
  /// clusters in tissue.
  Clusters(const SyntheticParams& params, const Layout& layout);

  const std::vector<TrueCluster>& all() const { return clusters_; }
  bool empty() const { return clusters_.empty(); }
  /// The cluster whose surroundings hold a level-0 point.
  Spot at(double x, double y) const;
  Spot at(const TrueCluster& cluster, double x, double y) const;
  double mpp() const { return mpp_; }
  /// Draws the kind of a cell inside a cluster or in the free belt around it; false where none lives.
  bool choose(const Spot& spot, Nucleus& nucleus, CellRandom& random) const;
  /// Stain and body of a cell that choose() let live.
  void dress(const Spot& spot, Nucleus& nucleus, float scale, CellRandom& random) const;

 private:
  void place(const SyntheticParams& params, const Layout& layout);

  double mpp_;
  Lattice wave_;
  std::vector<TrueCluster> clusters_;
};

}  // namespace histojet::slide
