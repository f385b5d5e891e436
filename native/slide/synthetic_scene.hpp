#pragma once

#include <memory>

#include "slide/synthetic.hpp"
#include "slide/synthetic_canvas.hpp"
#include "slide/synthetic_clusters.hpp"
#include "slide/synthetic_layout.hpp"
#include "slide/synthetic_population.hpp"
#include "slide/synthetic_style.hpp"

namespace histojet::slide {

/// Side of the repeated square, level-0 pixels: 16 tiles of 256, so that five levels repeat in whole tiles and deeper
/// ones repeat inside one tile.
constexpr std::int64_t kSyntheticPeriodPx = 4096;

/// SyntheticScene with what the slide writer needs beside the public face.
class PaintedScene final : public SyntheticScene {
 public:
  /// @throws Error kInvalidArgument for sizes below 1, mpp outside 0.05..10 or tissue outside 0..1, and for a grade
  /// that the slide cannot have (see Clusters).
  explicit PaintedScene(const SyntheticParams& params);
  const SyntheticParams& params() const override { return params_; }
  Image render(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override;
  std::vector<std::int32_t> labels(std::int64_t x, std::int64_t y, std::int64_t width,
                                   std::int64_t height) const override;
  std::vector<TrueNucleus> nuclei(std::int64_t x, std::int64_t y, std::int64_t width,
                                  std::int64_t height) const override;

  const std::vector<TrueCluster>& clusters() const override { return clusters_.all(); }

  /// True when the window shows background only.
  bool blank(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const;
  std::array<std::uint8_t, 3> background() const;
  const SyntheticStyle& style() const { return style_; }
  const Layout& layout() const { return layout_; }
  /// The same nuclei so many periods further right and down. Only for nuclei that the border of the slide does not cut.
  std::vector<TrueNucleus> repeated(std::vector<TrueNucleus> nuclei, std::int64_t laps_x, std::int64_t laps_y) const;

 private:
  void render_block(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Image& into,
                    std::int64_t left, std::int64_t top) const;

  SyntheticParams params_;
  std::int64_t period_px_;
  SyntheticStyle style_;
  Layout layout_;
  Clusters clusters_;
  Population population_;
  PaintLattices lattices_;
};

}  // namespace histojet::slide
