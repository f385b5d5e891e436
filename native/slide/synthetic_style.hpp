#pragma once

#include <array>
#include <cstdint>

namespace histojet::slide {

/// The kinds of tissue that a territory of the slide can be.
enum class Territory {
  kNestsInMucin,
  kNestsInCollagen,
  kSheets,
  kGlands,
  kCollagen,
  kMucin,
  kLymphoid,
  kAdipose,
  kNecrosis,
  kMuscle,
  kSingleFile,
  kSquamous,
  kCount,
};
constexpr int kTerritoryCount = static_cast<int>(Territory::kCount);

/// What a territory is made of. Shares are 0..1; neighbours blend into each other.
struct TerritoryRecipe {
  float epithelium;  ///< share of the area that is nests
  float lumen;       ///< how readily the middle of a nest opens
  float mucoid;      ///< stroma: 0 pink collagen, 1 blue-grey mucin
  float lymph;       ///< density of lymphocytes in the stroma
  float adipose;
  float necrosis;  ///< bright pink matter without nuclei
  float muscle;
  float blood;
  float spacing;  ///< distance between epithelial nuclei; 1: they touch
  float slit;     ///< white cracks between fibres
  float stromal;  ///< density of stromal nuclei
};
const TerritoryRecipe& territory_recipe(Territory territory);

/// Everything that differs from slide to slide, drawn from the seed. All parameters of the look are here or in the
/// recipes above; lengths in micrometres, stain amounts in optical density.
struct SyntheticStyle {
  // Optics
  std::array<float, 3> white;         ///< background, 0..255
  std::array<float, 3> haematoxylin;  ///< optical density per unit, green about 1
  std::array<float, 3> eosin;
  std::array<float, 3> brown;    ///< red cells and pigment
  std::array<float, 3> nuclear;  ///< haematoxylin bound to chromatin, a little bluer or blacker
  float strength;                ///< thickness of the section
  float haem_gain;
  float eosin_gain;
  float blur_px;  ///< scanner point spread at 0.25 um/px
  float noise;    ///< grey levels
  float sharpen;  ///< scanner sharpening, 0..1
  float defocus;  ///< share of the area that is out of focus
  float fold;     ///< 0 none

  // Architecture
  std::array<float, kTerritoryCount> territory_weight;
  float island_um;
  float territory_um;
  float nest_um;
  float orientation_um;

  // Epithelium
  float epithelial_radius_um;
  float pleomorphism;      ///< spread of size and shape
  float vesicular;         ///< share of pale nuclei with a clear rim
  float nucleolus;         ///< share with nucleoli
  float atypical;          ///< share of huge dark nuclei
  float darkness;          ///< optical density of chromatin
  float crowding;          ///< factor on the spacing of nuclei
  float chromatin;         ///< strength of the texture
  float halo;              ///< share of nuclei with a white halo
  float ghost;             ///< share of pale nuclei hardly above the cytoplasm
  float defocused_nuclei;  ///< share of single nuclei out of focus
  float cytoplasm_haem;
  float cytoplasm_eosin;
  float cytoplasm_granularity;
  float cell_borders;  ///< contrast of the lines between cells; negative: white gaps
  float vacuoles;

  // Stroma
  float stroma_eosin;
  float stroma_haem;
  float mucin_haem;
  float mucin_eosin;
  float fibre_contrast;
  float fibre_um;  ///< width of the finest fibres
  float strand_density;
  float slit;
  float lymphocytes;  ///< everywhere in the stroma
  float debris;
  float clouds;        ///< basophilic smears
  float keratin_haem;  ///< darkness of horny layers
  float cleft;         ///< white gaps around nests
};

/// The look of the slide with this seed.
SyntheticStyle make_synthetic_style(std::uint64_t seed);

}  // namespace histojet::slide
