#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "slide/synthetic.hpp"
#include "slide/synthetic_noise.hpp"
#include "slide/synthetic_style.hpp"

namespace histojet::slide {

/// The slowly varying fields that say what lies where. Fields marked (um) are signed distances in about micrometres,
/// positive inside.
enum Field {
  kTissue,                    ///< (um) inside the section
  kEpithelium,                ///< (um) inside a nest
  kLumen,                     ///< (um) inside the hole of a gland
  kMucoid,                    ///< 0..1
  kLymph,                     ///< 0..1
  kAdipose,                   ///< (um)
  kNecrosis,                  ///< (um)
  kMuscle,                    ///< 0..1
  kHaem,                      ///< factor on haematoxylin, around 1
  kEosin,                     ///< factor on eosin, around 1
  kCloud,                     ///< 0..1 basophilic smear
  kSlit,                      ///< 0..1
  kGrade,                     ///< -1..1 character of the nuclei here
  kWide,                      ///< -1..1 free noise of about 15 um
  kDefocus,                   ///< 0..1
  kFold,                      ///< 0..1
  kPixelFieldCount,           ///< the fields above are interpolated for every pixel: 16, a whole number of vectors
  kBlood = kPixelFieldCount,  ///< 0..1
  kDirectionX,                ///< fibres run this way (unit vector, blended)
  kDirectionY,
  kSpacing,  ///< distance between epithelial nuclei, 1: touching
  kStromal,  ///< density of stromal nuclei, around 1
  kFieldCount,
};
using Site = std::array<float, kFieldCount>;
using PixelSite = std::array<float, kPixelFieldCount>;

/// All fields of a window on a grid of `step` pixels; any pixel is interpolated between four grid points.
struct FieldGrid {
  std::int64_t first_x = 0;  ///< grid index of the left column
  std::int64_t first_y = 0;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
  int step = 8;
  std::vector<Site> sites;
  const Site& at(std::int64_t gx, std::int64_t gy) const {
    return sites[static_cast<std::size_t>((gy - first_y) * columns + (gx - first_x))];
  }
};

/// Architecture of one slide. Immutable, safe from any thread.
class Layout {
 public:
  Layout(const SyntheticParams& params, const SyntheticStyle& style, std::int64_t period_px);

  int step() const { return step_; }
  double mpp() const { return mpp_; }
  /// All fields at a level-0 point. Placing cells needs neither stain, focus, folds nor smears; without `stains` these
  /// stay 0.
  Site at(double x, double y, bool stains = true) const;
  /// The direction across the border of the nest at a point.
  Direction nest_normal(double x, double y) const;
  FieldGrid grid(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const;
  /// True when nothing but background can lie in the window.
  bool blank(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const;

 private:
  struct Mixture;
  float island_low(double x, double y) const;
  float tissue_um(double x, double y) const;
  float tissue_scale() const;
  float nest_um(double x, double y, float coverage) const;
  Mixture mixture(double x, double y) const;
  void add_stains(double x, double y, Site& site) const;
  void calibrate(const SyntheticParams& params);

  const SyntheticStyle& style_;
  double mpp_;
  double tissue_;
  int step_;
  double island_px_;
  float threshold_ = 0;
  Fractal island_, island_detail_, nest_, defocus_, fold_, cloud_;
  Lattice territory_, warp_x_, warp_y_, angle_, haem_, eosin_, grade_, wide_, blood_, mucoid_, swirl_;
};

}  // namespace histojet::slide
