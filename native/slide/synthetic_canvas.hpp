#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "slide/synthetic_clusters.hpp"
#include "slide/synthetic_layout.hpp"
#include "slide/synthetic_population.hpp"

namespace histojet::slide {

/// Stain amounts of a window while it is painted, one float per pixel and stain.
struct Canvas {
  std::int64_t x = 0;  ///< level-0 pixel of the corner
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  float scale = 4;  ///< pixels per micrometre
  std::vector<float> haem, eosin, brown, nuclear;
  std::vector<float> tissue;       ///< 0..1 coverage
  std::vector<float> grain, fine;  ///< value noise of about 1.2 and 0.5 um, for anything that wants texture
  std::vector<float> mid;          ///< value noise of about 4 um
  FieldGrid fields;

  Canvas(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, float scale)
      : x(x), y(y), width(width), height(height), scale(scale) {
    const std::size_t count = static_cast<std::size_t>(width * height);
    for (auto* plane : {&haem, &eosin, &brown, &nuclear, &tissue}) plane->assign(count, 0.0f);
    for (auto* plane : {&grain, &fine, &mid}) plane->resize(count);
  }
  /// A hole of the given strength (0..1) over everything painted so far.
  void erase(std::size_t i, float strength) {
    const float keep = 1 - strength;
    haem[i] *= keep;
    eosin[i] *= keep;
    brown[i] *= keep;
    nuclear[i] *= keep;
  }
};

/// The fields along one row of pixels.
class FieldRows {
 public:
  struct Position {
    std::size_t column;
    float t;
  };
  explicit FieldRows(const FieldGrid& grid) : grid_(grid), line_(static_cast<std::size_t>(grid.columns)) {
    while ((1 << shift_) < grid.step) ++shift_;
    unit_ = 1.0f / static_cast<float>(grid.step);
  }
  /// Blends the grid's rows for the pixel row `y`.
  void move_to(std::int64_t y) {
    const std::int64_t gy = y >> shift_;
    const float t = static_cast<float>(y - (gy << shift_)) * unit_;
    for (std::int64_t i = 0; i < grid_.columns; ++i) {
      const Site& a = grid_.at(grid_.first_x + i, gy);
      const Site& b = grid_.at(grid_.first_x + i, gy + 1);
      PixelSite& out = line_[static_cast<std::size_t>(i)];
      for (std::size_t k = 0; k < kPixelFieldCount; ++k) out[k] = mix(a[k], b[k], t);
    }
  }
  Position position(std::int64_t x) const {
    const std::int64_t gx = x >> shift_;
    return {static_cast<std::size_t>(gx - grid_.first_x), static_cast<float>(x - (gx << shift_)) * unit_};
  }
  float value(Position at, Field field) const {
    const std::size_t k = static_cast<std::size_t>(field);
    return mix(line_[at.column][k], line_[at.column + 1][k], at.t);
  }
  PixelSite values(Position at) const {
    PixelSite out;
    const PixelSite& a = line_[at.column];
    const PixelSite& b = line_[at.column + 1];
    for (std::size_t k = 0; k < kPixelFieldCount; ++k) out[k] = mix(a[k], b[k], at.t);
    return out;
  }

 private:
  const FieldGrid& grid_;
  std::vector<PixelSite> line_;
  int shift_ = 0;
  float unit_ = 1;
};

/// Calls body(index, dx, dy) for the pixels of the canvas within `reach` of a point, dx and dy from the point to the
/// pixel's centre.
template <class Body>
void for_each_pixel_around(const Canvas& canvas, double cx, double cy, float reach, const Body& body) {
  const double lx = cx - static_cast<double>(canvas.x);
  const double ly = cy - static_cast<double>(canvas.y);
  const std::int64_t x0 = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(lx - reach)));
  const std::int64_t x1 = std::min<std::int64_t>(canvas.width - 1, static_cast<std::int64_t>(std::floor(lx + reach)));
  const std::int64_t y0 = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(ly - reach)));
  const std::int64_t y1 = std::min<std::int64_t>(canvas.height - 1, static_cast<std::int64_t>(std::floor(ly + reach)));
  for (std::int64_t py = y0; py <= y1; ++py) {
    const float dy = static_cast<float>(static_cast<double>(canvas.y + py) + 0.5 - cy);
    for (std::int64_t px = x0; px <= x1; ++px) {
      const float dx = static_cast<float>(static_cast<double>(canvas.x + px) + 0.5 - cx);
      body(static_cast<std::size_t>(py * canvas.width + px), dx, dy);
    }
  }
}

/// Lattices of everything that is painted, one set per slide.
struct PaintLattices {
  Lattice grain, fine, mid, grain_too, mid_too, frame, strand, vacuole, red_cell, debris;
  PaintLattices(const SyntheticStyle& style, double mpp, std::int64_t period_px, std::uint64_t seed);
};

/// Fills the noise planes and paints what has no objects: stroma, cytoplasm, mucin, fat, necrosis, holes.
void paint_ground(Canvas& canvas, const SyntheticStyle& style, const Layout& layout, const FatCells& fat,
                  const PaintLattices& lattices);
/// Collagen strands, vacuoles, red cells and debris: everything small that is not a nucleus.
void paint_objects(Canvas& canvas, const SyntheticStyle& style, const Layout& layout, const PaintLattices& lattices);
/// The ground of the cell clusters and the white gaps around them.
void paint_clusters(Canvas& canvas, const Clusters& clusters);
/// Cell bodies, then nuclei, in the given order.
void paint_nuclei(Canvas& canvas, const SyntheticStyle& style, const std::vector<Nucleus>& nuclei);
/// Light through the stains, scanner blur, sharpening and noise; gives the part of the canvas without its margin.
Image develop(const Canvas& canvas, const SyntheticStyle& style, std::int64_t margin, std::uint32_t noise_seed);
/// Pixels that develop() needs around its result.
std::int64_t optics_margin_px(float scale);

}  // namespace histojet::slide
