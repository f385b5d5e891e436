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
/// stored, without gaps and in the order in which the filters come by: strip by strip of two words of the mask, each
/// from top to bottom.
class EdgeStrength {
 public:
  /// Room for the pixels, not filled yet; `components` must outlive this.
  explicit EdgeStrength(const Components& components);

  const Components& components() const { return *components_; }
  /// The stored pixels.
  const BitMask& mask() const { return mask_; }
  /// Stored pixels, all together.
  std::size_t size() const { return starts_.back(); }
  float* data() { return values_.get(); }
  const float* data() const { return values_.get(); }
  /// Where the pixels of word `w` of row `y` of the mask begin.
  std::size_t start(std::int64_t y, std::int64_t w) const {
    return starts_[static_cast<std::size_t>((w / kStripWords * mask_.height() + y) * kStripWords + w % kStripWords)];
  }

  /// Writes the pixels of `box` and a frame of one pixel around it, [rows + 2, columns + 2]; at the border of the tile
  /// the frame is reflected without repeating the edge.
  void copy_framed(const Box& box, std::vector<float>& out) const;

 private:
  static constexpr std::int64_t kStripWords = 2;

  void copy_row(std::int64_t y, std::int64_t x0, std::int64_t x1, float* out) const;

  const Components* components_;
  BitMask mask_;
  std::vector<std::uint32_t> starts_;  ///< of the words in the order of the pixels, then the count of all
  std::unique_ptr<float[]> values_;
};

/// Edge strength, clipped below at 0: s = 1 - N(Sobel(N(map))), normalised over the whole tile (spec sections 5.1 and
/// 5.2, steps 2 and 3). `ranges`: of the two maps, which must be finite. `taps`: 5 or 21. `components` must outlive the
/// result. @throws Cancelled.
EdgeStrength edge_strength(const Maps& maps, const GradientRanges& ranges, const Components& components, int taps,
                           Combination combination, const CancelToken& cancel);

/// The pixels of the components whose edge strength stays below the references' threshold of 0.4.
BitMask weak_edges(const EdgeStrength& strength);

}  // namespace histojet::nuclei
