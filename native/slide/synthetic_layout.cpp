#include "slide/synthetic_layout.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"

namespace histojet::slide {

namespace {

constexpr float kDetailAmplitude = 0.20f;  // of the ragged edge relative to the island noise
constexpr float kReachUm = 20.0f;          // fields end at this value of kTissue, which is only about a distance
constexpr double kObjectReachUm = 16;      // true distance that nuclei and debris reach from their centres

/// About the inverse of the normal distribution, for thresholds that give a share of the area.
float probit(float p) {
  p = std::clamp(p, 0.001f, 0.999f);
  const float t = p - 0.5f;
  return t * (2.30f + 4.2f * t * t * t * t * 6.0f);
}

}  // namespace

struct Layout::Mixture {
  float epithelium = 0, lumen = 0, mucoid = 0, lymph = 0, adipose = 0, necrosis = 0, muscle = 0, blood = 0;
  float spacing = 0, slit = 0, stromal = 0;
  void add(const TerritoryRecipe& r, float w) {
    epithelium += w * r.epithelium;
    lumen += w * r.lumen;
    mucoid += w * r.mucoid;
    lymph += w * r.lymph;
    adipose += w * r.adipose;
    necrosis += w * r.necrosis;
    muscle += w * r.muscle;
    blood += w * r.blood;
    spacing += w * r.spacing;
    slit += w * r.slit;
    stromal += w * r.stromal;
  }
};

Layout::Layout(const SyntheticParams& params, const SyntheticStyle& style, std::int64_t period_px)
    : style_(style), mpp_(params.mpp), tissue_(params.tissue) {
  step_ = mpp_ <= 0.3 ? 8 : (mpp_ <= 0.6 ? 4 : 2);
  const auto px = [&](double um) { return um / mpp_; };
  const std::uint64_t seed = params.seed * 1009 + 3;
  const double side = static_cast<double>(std::min(params.width, params.height));
  island_px_ = std::clamp(side * 0.33, px(60), px(style.island_um));
  if (period_px > 0) island_px_ = std::min(island_px_, static_cast<double>(period_px) / 3);
  island_ = Fractal(island_px_, 3, 0.5f, period_px, seed + 1);
  island_detail_ = Fractal(std::max(island_px_ / 8, px(8)), 3, 0.5f, period_px, seed + 2);
  nest_ = Fractal(px(style.nest_um), 3, 0.45f, period_px, seed + 3);
  defocus_ = Fractal(px(300), 2, 0.5f, period_px, seed + 4);
  fold_ = Fractal(px(700), 3, 0.4f, period_px, seed + 5);
  cloud_ = Fractal(px(35), 3, 0.55f, period_px, seed + 6);
  territory_ = Lattice(px(style.territory_um), period_px, seed + 7);
  warp_x_ = Lattice(px(style.territory_um * 0.35), period_px, seed + 8);
  warp_y_ = Lattice(px(style.territory_um * 0.35), period_px, seed + 9);
  angle_ = Lattice(px(style.orientation_um), period_px, seed + 10);
  haem_ = Lattice(px(420), period_px, seed + 11);
  eosin_ = Lattice(px(380), period_px, seed + 12);
  grade_ = Lattice(px(180), period_px, seed + 13);
  wide_ = Lattice(px(15), period_px, seed + 14);
  blood_ = Lattice(px(110), period_px, seed + 15);
  mucoid_ = Lattice(px(70), period_px, seed + 16);
  swirl_ = Lattice(px(45), period_px, seed + 17);
  calibrate(params);
}

void Layout::calibrate(const SyntheticParams& params) {
  if (tissue_ <= 0 || tissue_ >= 1) return;
  const std::int64_t width = params.width;
  const std::int64_t height = params.height;
  const std::int64_t columns = std::clamp<std::int64_t>(width / 4, 1, 320);
  const std::int64_t rows = std::clamp<std::int64_t>(height / 4, 1, 320);
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(columns * rows));
  for (std::int64_t j = 0; j < rows; ++j) {
    for (std::int64_t i = 0; i < columns; ++i) {
      const double x = (static_cast<double>(i) + 0.5) * static_cast<double>(width) / static_cast<double>(columns);
      const double y = (static_cast<double>(j) + 0.5) * static_cast<double>(height) / static_cast<double>(rows);
      values.push_back(island_low(x, y) + kDetailAmplitude * island_detail_.at(x, y));
    }
  }
  const double rank = (1.0 - tissue_) * static_cast<double>(values.size());
  const std::size_t index = std::min(values.size() - 1, static_cast<std::size_t>(rank));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(index), values.end());
  threshold_ = values[index];
}

float Layout::island_low(double x, double y) const {
  return island_.at(x, y);
}

float Layout::tissue_um(double x, double y) const {
  if (tissue_ >= 1) return 1000;
  if (tissue_ <= 0) return -1000;
  const float value = island_low(x, y) + kDetailAmplitude * island_detail_.at(x, y) - threshold_;
  return value * tissue_scale();
}

float Layout::tissue_scale() const {
  return static_cast<float>(island_px_ * mpp_) * 0.35f;
}

float Layout::nest_um(double x, double y, float coverage) const {
  const float threshold = -0.30f * probit(coverage);
  return (nest_.at(x, y) - threshold) * style_.nest_um * 0.8f;
}

Layout::Mixture Layout::mixture(double x, double y) const {
  const double inverse = territory_.inverse();
  const double u = x * inverse + 0.35 * static_cast<double>(gradient_noise(warp_x_, x, y));
  const double v = y * inverse + 0.35 * static_cast<double>(gradient_noise(warp_y_, x, y));
  const std::int64_t ix = static_cast<std::int64_t>(std::floor(u));
  const std::int64_t iy = static_cast<std::int64_t>(std::floor(v));
  float distance[9];
  int kind[9];
  float nearest = 1e9f;
  for (int k = 0; k < 9; ++k) {
    const std::int64_t cx = ix + k % 3 - 1;
    const std::int64_t cy = iy + k / 3 - 1;
    const std::uint32_t h = territory_.hash(cx, cy);
    const float dx = static_cast<float>(static_cast<double>(cx) - u) + 0.1f + 0.8f * unit_float(h << 8);
    const float dy = static_cast<float>(static_cast<double>(cy) - v) + 0.1f + 0.8f * unit_float(h << 20);
    distance[k] = std::sqrt(dx * dx + dy * dy);
    nearest = std::min(nearest, distance[k]);
    kind[k] = static_cast<int>(hash_point(static_cast<std::int32_t>(h), 17, 91) & 0x7fffffff);
  }
  float total = 0;
  for (float w : style_.territory_weight) total += w;
  float weight[9];
  float sum = 0;
  for (int k = 0; k < 9; ++k) {
    const float gap = std::max(0.0f, 1.0f - (distance[k] - nearest) / 0.16f);
    weight[k] = gap * gap;
    sum += weight[k];
  }
  Mixture mixture;
  for (int k = 0; k < 9; ++k) {
    if (weight[k] <= 0) continue;
    float lot = unit_float(static_cast<std::uint32_t>(kind[k]) << 1) * total;
    int pick = 0;
    while (pick + 1 < kTerritoryCount && lot >= style_.territory_weight[static_cast<std::size_t>(pick)]) {
      lot -= style_.territory_weight[static_cast<std::size_t>(pick)];
      ++pick;
    }
    mixture.add(territory_recipe(static_cast<Territory>(pick)), weight[k] / sum);
  }
  return mixture;
}

Site Layout::at(double x, double y, bool stains) const {
  Site s{};
  s[kTissue] = tissue_um(x, y);
  if (s[kTissue] < -kReachUm) {
    s.fill(0);
    s[kTissue] = -1000;
    s[kEpithelium] = s[kLumen] = s[kAdipose] = s[kNecrosis] = -1000;
    s[kHaem] = s[kEosin] = 1;
    s[kDirectionX] = 1;
    return s;
  }
  const Mixture m = mixture(x, y);
  const float wide = gradient_noise(wide_, x, y);
  s[kEpithelium] = m.epithelium < 0.01f ? -100.0f : nest_um(x, y, m.epithelium);
  s[kLumen] = s[kEpithelium] - 11.0f - 7.0f * wide - (1 - m.lumen) * 60.0f;
  const float patch = gradient_noise(mucoid_, x, y);
  s[kMucoid] = clamp01(m.mucoid + 0.9f * patch * (0.35f + m.mucoid));
  s[kLymph] = clamp01(m.lymph * 1.1f + 0.5f * std::max(0.0f, patch) * m.lymph);
  s[kAdipose] = (m.adipose - 0.5f) * 80.0f + 10.0f * wide;
  s[kNecrosis] = (m.necrosis - 0.5f) * 70.0f + 22.0f * wide + 20.0f * patch;
  s[kMuscle] = m.muscle;
  s[kBlood] = smooth_step(0.40f - 0.4f * m.blood, 0.60f - 0.3f * m.blood, gradient_noise(blood_, x, y));
  const Direction d = direction_of(1.3f * gradient_noise(angle_, x, y) + 0.14f * gradient_noise(swirl_, x, y));
  s[kDirectionX] = d.x;
  s[kDirectionY] = d.y;
  s[kSpacing] = m.spacing;
  s[kSlit] = m.slit;
  s[kStromal] = m.stromal;
  s[kGrade] = 1.4f * gradient_noise(grade_, x, y);
  s[kWide] = wide;
  if (stains) add_stains(x, y, s);
  return s;
}

void Layout::add_stains(double x, double y, Site& s) const {
  s[kHaem] = 1 + 0.35f * gradient_noise(haem_, x, y);
  s[kEosin] = 1 + 0.40f * gradient_noise(eosin_, x, y);
  if (style_.defocus > 0) s[kDefocus] = smooth_step(0, 0.25f, defocus_.at(x, y) + 0.30f * probit(style_.defocus));
  if (style_.fold > 0) {
    const float line = fold_.at(x, y);
    s[kFold] = style_.fold * (1 - smooth_step(0.006f, 0.014f, std::abs(line - 0.12f))) *
               smooth_step(0.0f, 0.15f, gradient_noise(haem_, y, x));
  }
  s[kCloud] = style_.clouds * smooth_step(0.12f, 0.55f, cloud_.at(x, y));
}

Direction Layout::nest_normal(double x, double y) const {
  const double h = 3.0 / mpp_;
  const float gx = nest_.at(x + h, y) - nest_.at(x - h, y);
  const float gy = nest_.at(x, y + h) - nest_.at(x, y - h);
  const float length = std::sqrt(gx * gx + gy * gy);
  if (length < 1e-6f) return {};
  return {gx / length, gy / length};
}

FieldGrid Layout::grid(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  FieldGrid grid;
  grid.step = step_;
  grid.first_x = floor_div(x, step_);
  grid.first_y = floor_div(y, step_);
  grid.columns = floor_div(x + width - 1, step_) + 2 - grid.first_x;
  grid.rows = floor_div(y + height - 1, step_) + 2 - grid.first_y;
  grid.sites.reserve(static_cast<std::size_t>(grid.columns * grid.rows));
  for (std::int64_t j = 0; j < grid.rows; ++j) {
    for (std::int64_t i = 0; i < grid.columns; ++i) {
      grid.sites.push_back(
          at(static_cast<double>((grid.first_x + i) * step_), static_cast<double>((grid.first_y + j) * step_)));
    }
  }
  return grid;
}

bool Layout::blank(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  if (tissue_ <= 0) return true;
  if (tissue_ >= 1) return false;
  // Gradient noise changes by at most 2 per cell: with three octaves of equal slope on each of the two fractals, the
  // value between samples `probe` apart stays within this slack.
  const double probe = std::max(4.0, island_px_ / 128);
  const double slope = (6.0 + 6.0 * 8 * static_cast<double>(kDetailAmplitude)) / island_px_;
  const float slack = static_cast<float>(slope * probe * 0.71) * tissue_scale();
  const std::int64_t margin = static_cast<std::int64_t>(kObjectReachUm / mpp_) + step_;
  const std::int64_t columns = 1 + static_cast<std::int64_t>(static_cast<double>(width + 2 * margin) / probe);
  const std::int64_t rows = 1 + static_cast<std::int64_t>(static_cast<double>(height + 2 * margin) / probe);
  for (std::int64_t j = 0; j <= rows; ++j) {
    for (std::int64_t i = 0; i <= columns; ++i) {
      const double px = static_cast<double>(x - margin) +
                        static_cast<double>((width + 2 * margin) * i) / static_cast<double>(columns);
      const double py =
          static_cast<double>(y - margin) + static_cast<double>((height + 2 * margin) * j) / static_cast<double>(rows);
      if (tissue_um(px, py) + slack > -kReachUm) return false;
    }
  }
  return true;
}

}  // namespace histojet::slide
