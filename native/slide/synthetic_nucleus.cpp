#include "slide/synthetic_nucleus.hpp"

#include <algorithm>
#include <cmath>

#include "slide/synthetic_style.hpp"

namespace histojet::slide {

Outline::Local Outline::locate(float dx, float dy) const {
  Local local;
  local.u = dx * axis.x + dy * axis.y;
  local.v = dy * axis.x - dx * axis.y - bend * local.u * local.u;
  const float p = local.u / a;
  const float q = local.v / b;
  const float ap = std::abs(p);
  const float aq = std::abs(q);
  const float norm = ap + aq;
  if (norm < 1e-6f) return {local.u, local.v, 0, -b};
  float t = aq / norm;  // diamond angle in the first quadrant
  if (p < 0) t = 2 - t;
  if (q < 0) t = 4 - t;
  const float position = t * static_cast<float>(points) * 0.25f;
  int k = static_cast<int>(position);
  if (k >= points) k = points - 1;
  const float r = mix(radius[static_cast<std::size_t>(k)], radius[static_cast<std::size_t>(k) + 1],
                      position - static_cast<float>(k));
  const float length = std::sqrt(p * p + q * q);
  local.rho = length / r;
  const float pa = p / a;
  const float qb = q / b;
  local.distance = (local.rho - 1) * r * length / std::sqrt(pa * pa + qb * qb);
  return local;
}

std::array<float, 2> Outline::point(int k, float scale) const {
  const int quarter = points / 4;
  const float t = static_cast<float>(k % quarter) / static_cast<float>(quarter);
  float p = 1 - t;
  float q = t;
  const float length = std::sqrt(p * p + q * q);
  p /= length;
  q /= length;
  const int quadrant = k / quarter;
  if (quadrant == 1) {
    const float swap = p;
    p = -q;
    q = swap;
  } else if (quadrant == 2) {
    p = -p;
    q = -q;
  } else if (quadrant == 3) {
    const float swap = p;
    p = q;
    q = -swap;
  }
  const float r = radius[static_cast<std::size_t>(k)] * scale;
  const float u = p * r * a;
  const float v = q * r * b + bend * u * u;
  return {u * axis.x - v * axis.y, u * axis.y + v * axis.x};
}

namespace {

struct Wave {
  float amplitude[5];  // of 2, 3, 4, 5, 7 periods around
  float ends = 0;      // -1 pointed (a diamond), 0 an ellipse, 1 blunt (nearly a rectangle)
};

/// Radius of the unit figure with the given ends in a direction.
float figure(float ends, Direction d) {
  const float ax = std::abs(d.x);
  const float ay = std::abs(d.y);
  if (ends < 0) return mix(1.0f, 1.0f / (ax + ay), -ends);
  return mix(1.0f, 1.0f / std::sqrt(std::sqrt(ax * ax * ax * ax + ay * ay * ay * ay)), ends);
}

void shape(Outline& o, const Wave& wave, CellRandom& r) {
  if (o.sketch) return;
  constexpr int kPeriods[5] = {2, 3, 4, 5, 7};
  const float size = o.a + o.b;
  o.points = size < 16 ? 20 : (size < 44 ? 28 : 36);
  const int quarter = o.points / 4;
  Direction phase[5];
  float amplitude[5];
  for (int i = 0; i < 5; ++i) {
    phase[i] = direction_of(r.unit());
    amplitude[i] = wave.amplitude[i] * r.range(0.2f, 1.0f);
  }
  for (int k = 0; k < o.points; ++k) {
    const float t = static_cast<float>(k % quarter) / static_cast<float>(quarter);
    const float length = std::sqrt((1 - t) * (1 - t) + t * t);
    float zx = (1 - t) / length;
    float zy = t / length;
    for (int turn = k / quarter; turn > 0; --turn) {
      const float swap = zx;
      zx = -zy;
      zy = swap;
    }
    float px = zx, py = zy, sum = figure(wave.ends, {zx, zy});
    int power = 1;
    for (int i = 0; i < 5; ++i) {
      for (; power < kPeriods[i]; ++power) {
        const float nx = px * zx - py * zy;
        py = px * zy + py * zx;
        px = nx;
      }
      sum += amplitude[i] * (px * phase[i].x - py * phase[i].y);
    }
    o.radius[static_cast<std::size_t>(k)] = std::max(0.45f, sum);
  }
  o.radius[static_cast<std::size_t>(o.points)] = o.radius[0];
  o.reach = 0;
  for (int k = 0; k < o.points; ++k) {
    const auto p = o.point(k, 1);
    o.reach = std::max(o.reach, std::sqrt(p[0] * p[0] + p[1] * p[1]));
  }
}

void nucleoli(Nucleus& n, int count, float size_px, float strength, CellRandom& r) {
  n.chromatin.nucleoli = count;
  for (int i = 0; i < count; ++i) {
    const Direction d = direction_of(r.unit());
    const float where = r.range(0.05f, 0.6f);
    n.chromatin.nucleolus[static_cast<std::size_t>(i)] = {d.x * where * n.outline.a, d.y * where * n.outline.b,
                                                          size_px * r.range(0.7f, 1.2f),
                                                          strength * r.range(0.6f, 1.3f)};
  }
}

void epithelial(Nucleus& n, const SyntheticStyle& s, float grade, float scale, CellRandom& r) {
  const bool vesicular = n.kind == NucleusKind::kVesicular;
  const bool atypical = n.kind == NucleusKind::kAtypical;
  float mean = s.epithelial_radius_um * (1 + 0.18f * grade) * r.spread(s.pleomorphism * 0.9f);
  if (atypical) mean *= r.range(1.25f, 1.9f);
  const float aspect = 1 + std::abs(r.normal()) * (0.18f + s.pleomorphism * 0.8f) + (atypical ? r.range(0, 0.5f) : 0);
  mean = std::clamp(mean, 2.6f, 9.0f);
  const float stretch = std::min(aspect, 2.3f);
  n.outline.a = mean * std::sqrt(stretch) * scale;
  n.outline.b = mean / std::sqrt(stretch) * scale;
  n.outline.bend = r.normal() * 0.10f / n.outline.a;
  const float rough = (atypical ? 2.0f : 1.0f) * (0.5f + s.pleomorphism * 3);
  shape(n.outline,
        {{0.05f * rough, 0.06f * rough, 0.045f * rough, 0.035f * rough, 0.022f * rough}, r.range(-0.15f, 0.35f)}, r);

  Chromatin& c = n.chromatin;
  const float tone = s.darkness * r.spread(0.24f) * (1 - 0.12f * grade);
  c.base = tone * r.range(0.80f, 1.05f);
  c.rim = tone * r.range(0.10f, 0.35f);
  c.clump = tone * s.chromatin * r.range(0.2f, 0.7f);
  c.fine = tone * s.chromatin * r.range(0.2f, 0.65f);
  c.eosin = r.range(0.05f, 0.50f);
  if (vesicular) {
    c.base = tone * r.range(0.32f, 0.62f);
    c.rim = tone * r.range(0.30f, 0.75f);
    c.clump = tone * r.range(0.15f, 0.55f);
  }
  if (atypical) {
    c.base = tone * r.range(1.0f, 1.6f);
    c.clump *= 1.3f;
  }
  c.rim_px = r.range(0.45f, 1.0f) * scale;
  c.grain_px = r.range(0.45f, 1.2f) * scale;
  if (r.chance(s.nucleolus)) {
    nucleoli(n, 1 + static_cast<int>(r.unit() * r.unit() * 3), r.range(0.5f, 1.2f) * scale, tone * r.range(0.3f, 1.0f),
             r);
  }
}

void lymphocyte(Nucleus& n, const SyntheticStyle& s, float scale, CellRandom& r) {
  const float radius = r.range(2.5f, 3.7f);
  const float aspect = 1 + std::abs(r.normal()) * 0.12f;
  n.outline.a = radius * aspect * scale;
  n.outline.b = radius / aspect * scale;
  shape(n.outline, {{0.04f, 0.06f, 0.045f, 0.03f, 0.02f}, r.range(-0.1f, 0.3f)}, r);
  Chromatin& c = n.chromatin;
  const float tone = (0.45f + 0.6f * s.darkness) * r.spread(0.18f);
  c.base = tone * r.range(1.05f, 1.55f);
  c.rim = tone * r.range(0, 0.2f);
  c.clump = tone * r.range(0.1f, 0.6f);
  c.fine = tone * r.range(0.1f, 0.4f);
  c.grain_px = r.range(0.9f, 1.6f) * scale;
  c.rim_px = 0.6f * scale;
  c.eosin = r.range(0.1f, 0.4f);
}

void plasma(Nucleus& n, const SyntheticStyle& s, float scale, CellRandom& r) {
  lymphocyte(n, s, scale, r);
  n.chromatin.base *= 0.8f;
  n.chromatin.clump = n.chromatin.base * 0.6f;
  n.chromatin.rim = n.chromatin.base * 0.3f;
  n.chromatin.grain_px = 1.5f * scale;
  const Direction d = direction_of(r.unit());
  CellBody& body = n.body;
  body.radius_px = r.range(5.0f, 6.8f) * scale;
  body.dx = d.x * r.range(1.5f, 2.8f) * scale;
  body.dy = d.y * r.range(1.5f, 2.8f) * scale;
  body.stretch = r.range(0.7f, 1.0f);
  body.haem = r.range(0.15f, 0.40f);
  body.eosin = r.range(0.2f, 0.5f);
  body.opacity = r.range(0.6f, 0.95f);
}

void spindle(Nucleus& n, const SyntheticStyle& s, float length_um, float width_um, float curve, float ends, float scale,
             CellRandom& r) {
  n.outline.a = 0.5f * length_um * scale;
  n.outline.b = 0.5f * width_um * scale;
  n.outline.bend = r.normal() * curve / n.outline.a;
  shape(n.outline, {{0.20f, 0.13f, 0.08f, 0.035f, 0.015f}, ends}, r);
  Chromatin& c = n.chromatin;
  const float tone = (0.3f + 0.7f * s.darkness) * r.spread(0.26f);
  const bool dense = r.chance(0.55f);
  c.base = tone * (dense ? r.range(0.8f, 1.4f) : r.range(0.4f, 0.75f));
  c.rim = tone * r.range(0.0f, 0.3f);
  c.clump = tone * r.range(0.1f, 0.4f) * s.chromatin;
  c.fine = tone * r.range(0.1f, 0.4f) * s.chromatin;
  c.rim_px = 0.5f * scale;
  c.grain_px = r.range(0.6f, 1.2f) * scale;
  c.eosin = r.range(0.1f, 0.5f);
}

void pyknotic(Nucleus& n, const SyntheticStyle& s, float scale, CellRandom& r) {
  const bool crescent = r.chance(0.35f);
  const float size = r.range(2.0f, 3.6f);
  const float aspect = crescent ? r.range(1.5f, 2.2f) : r.range(1.0f, 1.5f);
  n.outline.a = size * aspect * scale;
  n.outline.b = size / std::sqrt(aspect) * (crescent ? 0.7f : 0.9f) * scale;
  n.outline.bend = crescent ? r.range(0.25f, 0.5f) / n.outline.a : 0;
  shape(n.outline, {{0.12f, 0.12f, 0.10f, 0.08f, 0.05f}, r.range(-0.4f, 0.4f)}, r);
  Chromatin& c = n.chromatin;
  const float tone = (0.6f + 0.5f * s.darkness) * r.range(1.2f, 1.9f);
  c.base = tone;
  c.rim = 0;
  c.clump = 0.1f;
  c.fine = 0.05f;
  c.grain_px = scale;
  c.rim_px = scale;
  c.eosin = r.range(0.2f, 0.7f);
  if (r.chance(0.5f)) {
    c.halo = r.range(0.4f, 1.0f);
    c.halo_px = r.range(0.8f, 2.2f) * scale;
  }
}

void mitosis(Nucleus& n, const SyntheticStyle& s, float scale, CellRandom& r) {
  n.outline.a = r.range(3.5f, 5.5f) * scale;
  n.outline.b = r.range(1.4f, 2.6f) * scale;
  n.outline.bend = r.normal() * 0.08f / n.outline.a;
  shape(n.outline, {{0.10f, 0.12f, 0.12f, 0.12f, 0.12f}, 0.2f}, r);
  Chromatin& c = n.chromatin;
  c.base = (0.7f + 0.5f * s.darkness) * r.range(1.2f, 1.7f);
  c.rim = 0;
  c.clump = 0.4f;
  c.fine = 0.3f;
  c.grain_px = 0.8f * scale;
  c.rim_px = 0.5f * scale;
  c.edge_px = 1.2f;
  c.halo = r.range(0.2f, 0.5f);
  c.halo_px = r.range(2.0f, 3.5f) * scale;
}

}  // namespace

void draw_nucleus(Nucleus& n, const SyntheticStyle& s, float grade, float scale, CellRandom& r) {
  n.chromatin.seed = r.bits();
  n.chromatin.edge_px = r.range(0.35f, 0.9f) * std::max(1.0f, scale * 0.25f);
  switch (n.kind) {
    case NucleusKind::kEpithelial:
    case NucleusKind::kAtypical:
    case NucleusKind::kVesicular:
      epithelial(n, s, grade, scale, r);
      break;
    case NucleusKind::kLymphocyte:
      lymphocyte(n, s, scale, r);
      break;
    case NucleusKind::kPlasma:
      plasma(n, s, scale, r);
      break;
    case NucleusKind::kFibroblast:
      spindle(n, s, r.range(9, 19), r.range(2.6f, 5.6f), 0.14f, r.range(-0.9f, 0.5f), scale, r);
      break;
    case NucleusKind::kEndothelial:
      spindle(n, s, r.range(8, 15), r.range(2.0f, 3.6f), 0.20f, r.range(-0.9f, 0.3f), scale, r);
      break;
    case NucleusKind::kMuscle:
      spindle(n, s, r.range(11, 21), r.range(2.6f, 4.4f), 0.06f, r.range(-0.1f, 0.9f), scale, r);
      break;
    case NucleusKind::kPyknotic:
      pyknotic(n, s, scale, r);
      break;
    case NucleusKind::kMitosis:
      mitosis(n, s, scale, r);
      break;
  }
  if (n.outline.sketch) return;
  Chromatin& c = n.chromatin;
  c.through = r.range(0.05f, 0.6f);
  if (n.kind != NucleusKind::kMitosis && r.chance(s.ghost)) {
    c.base *= r.range(0.35f, 0.6f);
    c.rim *= 0.6f;
    c.clump *= 0.6f;
  }
  if (r.chance(s.defocused_nuclei)) {
    c.edge_px += r.range(0.25f, 0.9f) * scale;
    c.smear = r.range(0.4f, 1.0f);
    c.base *= r.range(0.75f, 1.0f);
  }
  if (c.halo_px <= 0 && r.chance(s.halo)) {
    c.halo = r.range(0.2f, 0.9f);
    c.halo_px = r.range(0.5f, 2.0f) * scale;
  }
  c.halo_side = direction_of(r.unit());
  c.halo_lop = r.chance(0.3f) ? r.range(0, 0.4f) : r.range(0.5f, 1.6f);
  c.base = std::max(c.base, 0.30f);
}

}  // namespace histojet::slide
