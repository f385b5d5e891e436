#pragma once

#include <memory>
#include <vector>

#include "base/cancel.hpp"
#include "nuclei/components.hpp"
#include "nuclei/normalize.hpp"
#include "tensor/maps.hpp"

namespace histojet::nuclei {

/// How the two gradients of a pixel become one edge strength.
enum class Combination {
  kMaximum,   ///< HoverNet: max(s_h, s_v)
  kRootOfSum  ///< HoverFast: sqrt(s_h^2 + s_v^2)
};

/// Edge strength of the pixels of components (runs of label 0 left out), 1 everywhere else. Only those pixels are
/// stored, run after run.
class EdgeStrength {
 public:
  /// Room for the pixels, not filled yet; `components` must outlive this.
  explicit EdgeStrength(const Components& components);

  const Components& components() const { return *components_; }
  /// Stored pixels, all runs together.
  std::size_t size() const { return size_; }
  float* data() { return values_.get(); }
  /// Where the pixels of run `i` of the components begin.
  std::size_t start(std::size_t i) const { return starts_[i]; }
  /// The values of run `i`, whose label is not 0.
  const float* run(std::size_t i) const { return values_.get() + starts_[i]; }

  /// Writes the pixels of `box` and a frame of one pixel around it, [rows + 2, columns + 2]; at the border of the tile
  /// the frame is reflected without repeating the edge.
  void copy_framed(const Box& box, std::vector<float>& out) const;

 private:
  void copy_row(std::int64_t y, std::int64_t x0, std::int64_t x1, float* out) const;

  const Components* components_;
  std::vector<std::size_t> starts_;
  std::unique_ptr<float[]> values_;
  std::size_t size_ = 0;
};

/// Edge strength, clipped below at 0: s = 1 - N(Sobel(N(map))), normalised over the whole tile (spec sections 5.1 and
/// 5.2, steps 2 and 3). `ranges`: of the two maps, which must be finite. `taps`: 5 or 21. `components` must outlive the
/// result. @throws Cancelled.
EdgeStrength edge_strength(const Maps& maps, const GradientRanges& ranges, const Components& components, int taps,
                           Combination combination, const CancelToken& cancel);

/// The pixels of the components whose edge strength stays below the references' threshold of 0.4.
BitMask weak_edges(const EdgeStrength& strength);

}  // namespace histojet::nuclei
