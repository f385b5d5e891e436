#include "slide/synthetic_clusters.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.hpp"
#include "slide/synthetic_canvas.hpp"

namespace histojet::slide {

namespace {

constexpr float kCleftUm = 5.0f;        // width of the white gap around a nest
constexpr float kBeltUm = 6.0f;         // free of other cells outside the gap
constexpr float kWaveUm = 6.0f;         // how far the border strays from a circle, at most
constexpr double kSmallestGapUm = 200;  // between the centres of two clusters
constexpr double kBorderUm = 48;        // from a centre to the border of the slide
constexpr double kTissueDepthUm = 40;   // from a centre to the border of the tissue, about
constexpr int kTries = 600;             // places tried per distance
constexpr int kFewest = 2, kMost = 4;

/// A share of the smaller side, so that clusters of a large slide lie in different parts of it.
double widest_gap_um(const SyntheticParams& p) {
  const double side_um = static_cast<double>(std::min(p.width, p.height)) * p.mpp;
  return std::max(kSmallestGapUm, 0.45 * side_um);
}

ClusterKind other(ClusterKind kind) {
  return kind == ClusterKind::kBasophilic ? ClusterKind::kEosinophilic : ClusterKind::kBasophilic;
}

}  // namespace

const std::vector<std::string>& synthetic_cluster_kinds() {
  static const std::vector<std::string> kKinds = {"basophilic", "eosinophilic"};
  return kKinds;
}

Clusters::Clusters(const SyntheticParams& params, const Layout& layout)
    : mpp_(params.mpp), wave_(22.0 / params.mpp, 0, params.seed * 1019 + 5) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument, "synthetic slide: " + what);
  };
  if (params.grade == kNoGrade) return;
  if (params.grade < 0 || params.grade > 2) refuse("grade must be 0, 1 or 2, got " + std::to_string(params.grade));
  if (params.repeat) refuse("a repeated slide has no grade");
  if (params.grade == 0) return;
  place(params, layout);
  if (clusters_.size() < kFewest) {
    refuse("grade " + std::to_string(params.grade) +
           " needs tissue for two clusters that are 200 um apart; make the slide larger or give it more tissue");
  }
}

void Clusters::place(const SyntheticParams& params, const Layout& layout) {
  CellRandom random(params.seed * 0xD1B54A32D192ED03ull + 1709);
  const std::size_t wanted = kFewest + random.bits() % (kMost - kFewest + 1);
  const ClusterKind first = random.chance(0.5f) ? ClusterKind::kBasophilic : ClusterKind::kEosinophilic;
  const double width = static_cast<double>(params.width);
  const double height = static_cast<double>(params.height);
  const double border = kBorderUm / mpp_;
  if (width <= 2 * border || height <= 2 * border) return;
  for (double gap_um = widest_gap_um(params);; gap_um = std::max(kSmallestGapUm, 0.85 * gap_um)) {
    for (int tries = 0; tries < kTries && clusters_.size() < wanted; ++tries) {
      TrueCluster c;
      c.x = border + static_cast<double>(random.unit()) * (width - 2 * border);
      c.y = border + static_cast<double>(random.unit()) * (height - 2 * border);
      c.radius_px = static_cast<double>(random.range(28, 40)) / mpp_;
      // Grade 2 shows both kinds in its first two clusters; the draws are the same in grade 1.
      const bool swap = clusters_.size() == 1 || (clusters_.size() > 1 && random.chance(0.5f));
      c.kind = static_cast<int>(params.grade == 2 && swap ? other(first) : first);
      const double gap = gap_um / mpp_;
      const bool lonely = std::all_of(clusters_.begin(), clusters_.end(), [&](const TrueCluster& o) {
        return (o.x - c.x) * (o.x - c.x) + (o.y - c.y) * (o.y - c.y) >= gap * gap;
      });
      if (!lonely || static_cast<double>(layout.at(c.x, c.y, false)[kTissue]) < 0.5 * kTissueDepthUm) continue;
      const double ring = kTissueDepthUm / mpp_;
      const auto inside = [&](double dx, double dy) {
        return layout.at(c.x + dx * ring, c.y + dy * ring, false)[kTissue] > 0;
      };
      if (inside(1, 0) && inside(-1, 0) && inside(0, 1) && inside(0, -1)) clusters_.push_back(c);
    }
    if (clusters_.size() >= wanted || gap_um <= kSmallestGapUm) return;
  }
}

Clusters::Spot Clusters::at(const TrueCluster& cluster, double x, double y) const {
  const float dx = static_cast<float>((x - cluster.x) * mpp_);
  const float dy = static_cast<float>((y - cluster.y) * mpp_);
  const float radius = static_cast<float>(cluster.radius_px * mpp_);
  const float wave = std::clamp(12.0f * gradient_noise(wave_, x, y), -kWaveUm, kWaveUm);
  return {&cluster, radius + wave - std::sqrt(dx * dx + dy * dy)};
}

Clusters::Spot Clusters::at(double x, double y) const {
  for (const TrueCluster& c : clusters_) {
    const double reach = c.radius_px + static_cast<double>(kWaveUm + kBeltUm) / mpp_;
    if ((x - c.x) * (x - c.x) + (y - c.y) * (y - c.y) < reach * reach) return at(c, x, y);
  }
  return {};
}

bool Clusters::choose(const Spot& spot, Nucleus& n, CellRandom& r) const {
  n.outline.axis = direction_of(r.unit());
  if (spot.cluster->kind == static_cast<int>(ClusterKind::kBasophilic)) {
    n.kind = NucleusKind::kEpithelial;
    n.spacing = r.range(0.80f, 0.92f);
    return spot.depth_um > kCleftUm + 2.0f;
  }
  n.kind = NucleusKind::kVesicular;
  n.spacing = r.range(1.5f, 1.8f);
  return spot.depth_um > kCleftUm + 3.5f;
}

void Clusters::dress(const Spot& spot, Nucleus& n, float scale, CellRandom& r) const {
  Chromatin& c = n.chromatin;
  CellBody& body = n.body;
  c.halo = c.halo_px = 0;
  const float mean = std::sqrt(n.outline.a * n.outline.b);
  const Direction d = direction_of(r.unit());
  body.stretch = r.range(0.85f, 1.15f);
  if (spot.cluster->kind == static_cast<int>(ClusterKind::kBasophilic)) {
    c.base = std::max(c.base, 1.0f) * r.range(1.15f, 1.45f);
    c.through = 0.5f;
    body.radius_px = mean * 1.25f + 0.5f * scale;
    body.haem = r.range(0.42f, 0.58f);
    body.eosin = r.range(0.15f, 0.30f);
    body.opacity = 0.8f;
    body.border = 0;
    return;
  }
  c.base = std::min(c.base, 0.55f) * r.range(0.8f, 1.0f);
  c.rim *= 0.7f;
  body.radius_px = std::min(mean * 2.1f + scale, 15.0f * scale);
  body.dx = d.x * 0.2f * mean;
  body.dy = d.y * 0.2f * mean;
  body.haem = r.range(0.01f, 0.04f);
  body.eosin = r.range(0.95f, 1.25f);
  body.opacity = 0.9f;
  body.border = 0.5f;
}

void paint_clusters(Canvas& canvas, const Clusters& clusters) {
  const float um = static_cast<float>(clusters.mpp());
  for (const TrueCluster& c : clusters.all()) {
    const bool dark = c.kind == static_cast<int>(ClusterKind::kBasophilic);
    const float haem = dark ? 0.40f : 0.02f;
    const float eosin = dark ? 0.22f : 0.95f;
    const float reach = static_cast<float>(c.radius_px) + (kWaveUm + 3) / um;
    for_each_pixel_around(canvas, c.x, c.y, reach, [&](std::size_t i, float dx, float dy) {
      const float depth = clusters.at(c, c.x + static_cast<double>(dx), c.y + static_cast<double>(dy)).depth_um;
      const float inner = smooth_step(kCleftUm - 0.8f, kCleftUm + 0.8f, depth);
      const float gap = smooth_step(-0.8f, 0.8f, depth) * (1 - inner);
      canvas.erase(i, 0.93f * gap);
      const float speck = 1 + 0.18f * canvas.grain[i] + 0.15f * canvas.mid[i];
      canvas.haem[i] = mix(canvas.haem[i], haem * speck, inner);
      canvas.eosin[i] = mix(canvas.eosin[i], eosin * speck, inner);
      canvas.brown[i] *= 1 - inner;
      canvas.nuclear[i] *= 1 - inner;
      canvas.tissue[i] = std::max(canvas.tissue[i], inner);
    });
  }
}

}  // namespace histojet::slide
