#include "slide/synthetic_style.hpp"

#include "slide/synthetic_noise.hpp"

namespace histojet::slide {

const TerritoryRecipe& territory_recipe(Territory territory) {
  // epithelium, lumen, mucoid, lymph, adipose, necrosis, muscle, blood, spacing, slit, stromal
  static const TerritoryRecipe kRecipes[kTerritoryCount] = {
      {0.40f, 0.10f, 0.95f, 0.06f, 0.0f, 0.00f, 0.0f, 0.05f, 1.00f, 0.25f, 0.7f},  // nests in mucin
      {0.45f, 0.15f, 0.15f, 0.12f, 0.0f, 0.00f, 0.0f, 0.10f, 1.00f, 0.60f, 1.0f},  // nests in collagen
      {0.93f, 0.02f, 0.30f, 0.08f, 0.0f, 0.02f, 0.0f, 0.06f, 1.02f, 0.30f, 1.0f},  // sheets
      {0.60f, 1.00f, 0.35f, 0.20f, 0.0f, 0.00f, 0.1f, 0.08f, 0.95f, 0.40f, 1.2f},  // glands
      {0.03f, 0.00f, 0.05f, 0.04f, 0.0f, 0.00f, 0.1f, 0.10f, 1.10f, 0.90f, 0.9f},  // collagen
      {0.08f, 0.00f, 1.00f, 0.05f, 0.0f, 0.00f, 0.0f, 0.06f, 1.10f, 0.30f, 0.6f},  // mucin
      {0.04f, 0.00f, 0.40f, 0.95f, 0.0f, 0.00f, 0.0f, 0.06f, 1.00f, 0.10f, 0.8f},  // lymphoid
      {0.00f, 0.00f, 0.20f, 0.05f, 1.0f, 0.00f, 0.0f, 0.08f, 1.10f, 0.20f, 0.7f},  // adipose
      {0.06f, 0.00f, 0.10f, 0.08f, 0.0f, 0.95f, 0.0f, 0.20f, 1.20f, 0.30f, 0.4f},  // necrosis, keratin
      {0.00f, 0.00f, 0.15f, 0.03f, 0.0f, 0.00f, 1.0f, 0.10f, 1.00f, 0.50f, 1.6f},  // muscle
      {0.20f, 0.00f, 0.50f, 0.12f, 0.0f, 0.00f, 0.1f, 0.08f, 1.10f, 0.55f, 1.1f},  // single file
      {0.90f, 0.00f, 0.10f, 0.06f, 0.0f, 0.06f, 0.0f, 0.04f, 1.55f, 0.50f, 1.0f},  // squamous
  };
  return kRecipes[static_cast<int>(territory)];
}

namespace {

/// Broad looks that pathologists would recognise; everything else is spread around them.
enum class Look { kOrdinary, kPale, kDark, kPink, kBluish, kPurpleCytoplasm, kThick, kCount };

/// Blank background is one exact colour, so that its tiles can be shared.
float whole(float x) {
  return static_cast<float>(static_cast<int>(x));
}

void draw_optics(SyntheticStyle& s, Look look, CellRandom& r) {
  const float paper = r.range(228, 250);
  s.white = {whole(paper + r.range(-4, 4)), whole(paper + r.range(-5, 3)), whole(paper + r.range(-4, 5))};
  s.haematoxylin = {r.range(0.68f, 0.98f), 1.0f, r.range(0.38f, 0.66f)};
  s.eosin = {r.range(0.10f, 0.34f), 1.0f, r.range(0.34f, 0.72f)};
  s.brown = {r.range(0.10f, 0.30f), r.range(0.65f, 0.90f), r.range(0.80f, 1.10f)};
  s.nuclear = {s.haematoxylin[0] * r.range(0.92f, 1.18f), 1.0f, s.haematoxylin[2] * r.range(0.9f, 1.25f)};
  s.strength = r.range(0.80f, 1.20f);
  s.haem_gain = r.range(0.80f, 1.25f);
  s.eosin_gain = r.range(0.70f, 1.25f);
  s.blur_px = r.range(0.45f, 1.05f);
  s.noise = r.range(0.5f, 2.6f);
  s.sharpen = r.chance(0.5f) ? r.range(0.1f, 0.8f) : 0.0f;
  s.defocus = r.chance(0.5f) ? r.range(0.02f, 0.3f) : 0.0f;
  s.fold = r.chance(0.35f) ? r.range(0.4f, 1.0f) : 0.0f;
  if (look == Look::kPale) s.strength *= 0.62f;
  if (look == Look::kDark) s.strength *= 1.30f;
  if (look == Look::kPink) {
    s.eosin_gain *= 1.4f;
    s.haem_gain *= 0.85f;
  }
  if (look == Look::kBluish) {
    s.haematoxylin[0] += 0.08f;
    s.eosin_gain *= 0.7f;
  }
  if (look == Look::kThick) {
    s.strength *= 1.18f;
    s.blur_px += 0.35f;
  }
}

void draw_architecture(SyntheticStyle& s, Look look, CellRandom& r) {
  const float common[kTerritoryCount] = {1.3f, 1.6f, 1.3f, 1.2f, 0.9f, 0.8f, 0.8f, 0.45f, 0.6f, 0.6f, 0.9f, 0.9f};
  for (int i = 0; i < kTerritoryCount; ++i) {
    const float lot = r.unit();
    s.territory_weight[static_cast<std::size_t>(i)] = common[i] * (0.08f + lot * lot * lot * 3.0f);
  }
  if (look == Look::kBluish) {
    s.territory_weight[0] += 2.0f;
    s.territory_weight[5] += 1.5f;
  }
  s.island_um = r.range(500, 1200);
  s.territory_um = r.range(220, 480);
  s.nest_um = r.range(45, 130);
  s.orientation_um = r.range(120, 320);
}

void draw_epithelium(SyntheticStyle& s, Look look, CellRandom& r) {
  s.epithelial_radius_um = r.range(3.2f, 5.6f);
  s.pleomorphism = r.range(0.08f, 0.24f);
  s.vesicular = r.range(0.1f, 0.9f);
  s.nucleolus = r.range(0.1f, 0.8f);
  s.atypical = r.chance(0.5f) ? r.range(0.01f, 0.10f) : 0.01f;
  s.darkness = r.range(0.75f, 1.35f);
  s.crowding = r.range(0.80f, 1.12f);
  s.chromatin = r.range(0.25f, 0.85f);
  s.halo = r.chance(0.35f) ? r.range(0.04f, 0.28f) : 0.03f;
  s.ghost = r.range(0.02f, 0.14f);
  s.defocused_nuclei = r.range(0.05f, 0.28f);
  s.cytoplasm_haem = r.range(0.08f, 0.34f);
  s.cytoplasm_eosin = r.range(0.18f, 0.55f);
  s.cytoplasm_granularity = r.range(0.3f, 1.2f);
  s.cell_borders = r.range(-0.5f, 0.8f);
  s.vacuoles = r.chance(0.6f) ? r.range(0.05f, 0.5f) : 0.03f;
  if (look == Look::kPurpleCytoplasm) {
    s.cytoplasm_haem += 0.22f;
    s.darkness *= 1.1f;
  }
}

void draw_stroma(SyntheticStyle& s, Look look, CellRandom& r) {
  s.stroma_eosin = r.range(0.35f, 0.75f);
  s.stroma_haem = r.range(0.01f, 0.10f);
  s.mucin_haem = r.range(0.08f, 0.30f);
  s.mucin_eosin = r.range(0.03f, 0.20f);
  s.fibre_contrast = r.range(0.4f, 1.2f);
  s.fibre_um = r.range(0.55f, 1.5f);
  s.strand_density = r.range(0.3f, 1.0f);
  s.slit = r.range(0.1f, 1.0f);
  s.lymphocytes = r.range(0.3f, 1.8f);
  s.debris = r.range(0.1f, 1.0f);
  s.clouds = r.range(0.1f, 0.9f);
  s.keratin_haem = r.chance(0.5f) ? r.range(0.2f, 1.0f) : 0.05f;
  s.cleft = r.chance(0.45f) ? r.range(0.4f, 1.0f) : 0.0f;
  if (look == Look::kBluish) s.mucin_haem += 0.06f;
  if (look == Look::kPink) s.stroma_eosin += 0.12f;
}

}  // namespace

SyntheticStyle make_synthetic_style(std::uint64_t seed) {
  CellRandom random(seed * 0x9E3779B97F4A7C15ull + 77);
  SyntheticStyle style{};
  const Look look = static_cast<Look>(random.bits() % static_cast<std::uint32_t>(Look::kCount));
  draw_optics(style, look, random);
  draw_architecture(style, look, random);
  draw_epithelium(style, look, random);
  draw_stroma(style, look, random);
  return style;
}

}  // namespace histojet::slide
