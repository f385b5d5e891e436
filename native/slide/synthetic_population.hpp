#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "slide/synthetic_clusters.hpp"
#include "slide/synthetic_layout.hpp"
#include "slide/synthetic_nucleus.hpp"

namespace histojet::slide {

/// Walls of fat cells: a jittered honeycomb.
struct FatWall {
  float distance_um;  ///< to the nearest wall
  Direction along;    ///< the wall's direction
};
class FatCells {
 public:
  FatCells() = default;
  FatCells(double mpp, std::int64_t period_px, std::uint64_t seed);
  FatWall at(double x, double y) const;

 private:
  Lattice lattice_;
  float cell_um_ = 60;
};

/// Who lives where. Candidates sit on a jittered grid; each has a random priority, and a candidate lives when no
/// living candidate of higher priority is too close. This is decided in a fixed number of rounds, so that it depends
/// on a bounded neighbourhood only; chunks of the slide are computed on demand and a few are kept.
class Population {
 public:
  Population(const SyntheticParams& params, const SyntheticStyle& style, const Layout& layout, const Clusters& clusters,
             std::int64_t period_px);

  /// All nuclei whose body may touch the window, lowest first (the order of drawing). Centres are in the coordinates
  /// of the window, also beyond the period.
  std::vector<Nucleus> near(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const;
  /// What the id of a nucleus grows by when it is repeated so many periods away (modulo 2^64).
  std::uint64_t lap_id(std::int64_t lap_x, std::int64_t lap_y) const;
  const FatCells& fat() const { return fat_; }

 private:
  using Chunk = std::vector<Nucleus>;
  struct Candidates;
  bool candidate(std::int64_t ix, std::int64_t iy, Nucleus& nucleus) const;
  bool choose_kind(Nucleus& nucleus, const Site& site, CellRandom& random) const;
  bool choose_stromal(Nucleus& nucleus, const Site& site, CellRandom& random) const;
  void add_body(Nucleus& nucleus, const Site& site, CellRandom& random) const;
  void resolve(Candidates& candidates) const;
  std::shared_ptr<const Chunk> chunk(std::int64_t cx, std::int64_t cy) const;
  Chunk compute(std::int64_t cx, std::int64_t cy) const;

  const SyntheticStyle& style_;
  const Layout& layout_;
  const Clusters& clusters_;
  double mpp_;
  float scale_;  ///< pixels per micrometre
  std::int64_t period_px_;
  std::int64_t chunk_px_;
  std::int64_t chunks_ = 0;  ///< per period, 0 without
  std::uint64_t id_columns_;
  Lattice lattice_;
  FatCells fat_;

  mutable std::mutex mutex_;
  mutable std::list<std::pair<std::int64_t, std::int64_t>> recent_;
  mutable std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const Chunk>> chunk_cache_;
};

}  // namespace histojet::slide
