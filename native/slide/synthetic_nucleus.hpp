#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "slide/synthetic_noise.hpp"

namespace histojet::slide {

struct SyntheticStyle;

/// Index into synthetic_kinds().
enum class NucleusKind {
  kEpithelial,
  kLymphocyte,
  kFibroblast,
  kEndothelial,
  kPlasma,
  kAtypical,
  kVesicular,
  kPyknotic,
  kMitosis,
  kMuscle,
};

constexpr int kMaxRing = 40;

/// Outline of a nucleus: an ellipse with a wavy radius, bent along its long axis.
/// Local coordinates: (u, v) along the long and the short axis; the bending adds `bend * u^2` to v. In coordinates
/// divided by the half axes the outline is a star around the centre: a radius per direction, where directions are
/// counted as diamond angles (0..4 around the circle), which need no arc tangent.
struct Outline {
  double x = 0;  ///< centre, level-0 pixels
  double y = 0;
  float a = 1;  ///< half axes, pixels
  float b = 1;
  Direction axis;
  float bend = 0;
  int points = 24;  ///< multiple of 4, at most kMaxRing
  std::array<float, kMaxRing + 1> radius{};
  bool sketch = false;  ///< only axes and bending are wanted: the candidate may not live
  float reach = 1;      ///< no point of the outline lies further from the centre

  struct Local {
    float u, v;
    float rho;       ///< 1 on the outline
    float distance;  ///< pixels, about; negative inside
  };
  Local locate(float dx, float dy) const;
  /// The outline's point in direction `k` at the share `scale` of the radius, relative to the centre.
  std::array<float, 2> point(int k, float scale) const;
};

/// How a nucleus is stained; optical densities.
struct Chromatin {
  float base = 0.8f;
  float rim = 0.3f;
  float rim_px = 3;
  float clump = 0.2f;
  float fine = 0.1f;
  float grain_px = 5;
  float eosin = 0.15f;
  float edge_px = 0.7f;  ///< softness of the border
  float smear = 0;       ///< 0 sharp inside, 1 texture gone (out of focus)
  float through = 0.3f;  ///< how much of a covered nucleus shows
  float halo = 0;        ///< how white the gap around it is
  float halo_px = 0;
  Direction halo_side;  ///< where the gap is widest
  float halo_lop = 0;   ///< 0 the same all around, above 1 missing on the other side
  int nucleoli = 0;
  std::array<std::array<float, 4>, 3> nucleolus{};  ///< u, v, radius (pixels), strength
  std::uint32_t seed = 0;
};

/// The cell body around a nucleus.
struct CellBody {
  float radius_px = 0;  ///< 0: none
  float dx = 0;
  float dy = 0;
  float stretch = 1;
  float haem = 0;
  float eosin = 0;
  float opacity = 0;
  float border = 0;
};

struct Nucleus {
  std::uint64_t id = 0;
  std::uint32_t priority = 0;
  NucleusKind kind = NucleusKind::kEpithelial;
  float spacing = 1;  ///< factor on the size when neighbours are kept apart
  Outline outline;
  Chromatin chromatin;
  CellBody body;
};

/// Draws outline and stain of a nucleus of `kind`; the centre and the direction of `axis` are set by the caller.
/// `scale` is pixels per micrometre.
void draw_nucleus(Nucleus& nucleus, const SyntheticStyle& style, float grade, float scale, CellRandom& random);

}  // namespace histojet::slide
