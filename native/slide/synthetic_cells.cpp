#include "slide/synthetic_canvas.hpp"
#include "slide/synthetic_nucleus.hpp"

namespace histojet::slide {

namespace {

void paint_body(Canvas& c, const SyntheticStyle& style, const Nucleus& n) {
  const CellBody& b = n.body;
  const Outline& o = n.outline;
  const float reach = b.radius_px * 1.45f + 2;
  const float grainy = style.cytoplasm_granularity;
  for_each_pixel_around(c, o.x + b.dx, o.y + b.dy, reach, [&](std::size_t i, float dx, float dy) {
    const float u = dx * o.axis.x + dy * o.axis.y;
    const float v = dy * o.axis.x - dx * o.axis.y;
    const float q = std::sqrt(u * u * b.stretch + v * v / b.stretch) / b.radius_px + 0.12f * c.mid[i];
    if (q > 1.15f) return;
    const float cover = smooth_step(1.08f, 0.88f, q) * b.opacity * c.tissue[i];
    const float speck = 1 + grainy * (0.24f * c.grain[i] + 0.20f * c.fine[i]) + 0.15f * c.mid[i];
    c.haem[i] = mix(c.haem[i], b.haem * speck, cover);
    c.eosin[i] = mix(c.eosin[i], b.eosin * speck, cover);
    const float line = (1 - std::abs(q - 0.98f) / 0.10f) * c.tissue[i];
    if (line <= 0) return;
    if (b.border > 0) {
      c.eosin[i] += 0.22f * b.border * line;
      c.haem[i] += 0.06f * b.border * line;
    } else {
      c.erase(i, std::min(0.9f, -1.4f * b.border * line));
    }
  });
}

float texture(const Nucleus& n, const Lattice& plain, const Outline::Local& at) {
  const Chromatin& k = n.chromatin;
  const float sharp = 1 - k.smear;
  float tone = k.base;
  const float rim = 1 - std::abs(at.distance + 0.7f * k.rim_px) / k.rim_px;
  if (rim > 0) tone += k.rim * rim * (0.3f + 0.7f * sharp);
  const std::uint32_t salt = k.seed & 0xffff;
  const float coarse = value_noise(plain, at.u / (2.3f * k.grain_px), at.v / (2.3f * k.grain_px), salt);
  tone += k.clump * coarse * (0.35f + 0.65f * sharp);
  if (sharp > 0.1f) tone += k.fine * sharp * value_noise(plain, at.u / k.grain_px, at.v / k.grain_px, salt + 9);
  for (int i = 0; i < k.nucleoli; ++i) {
    const auto& spot = k.nucleolus[static_cast<std::size_t>(i)];
    const float du = at.u - spot[0];
    const float dv = at.v - spot[1];
    const float q = (du * du + dv * dv) / (spot[2] * spot[2]);
    if (q < 2) tone += spot[3] * sharp * smooth_step(2, 0.4f, q);
  }
  return std::max(tone, 0.22f);
}

void paint_nucleus(Canvas& c, const Nucleus& n, const Lattice& plain) {
  const Outline& o = n.outline;
  const Chromatin& k = n.chromatin;
  const float reach = o.reach + std::max(k.edge_px, k.halo_px * 1.3f) + 1.5f;
  for_each_pixel_around(c, o.x, o.y, reach, [&](std::size_t i, float dx, float dy) {
    if (dx * dx + dy * dy > reach * reach) return;
    const Outline::Local at = o.locate(dx, dy);
    if (k.halo_px > 0 && at.distance < k.halo_px * 1.2f) {
      const float side = (dx * k.halo_side.x + dy * k.halo_side.y) / (0.7f * o.reach);
      const float width = k.halo_px * std::max(0.0f, 1 + k.halo_lop * (side - 0.5f));
      const float gap = smooth_step(width * 1.2f + 0.4f, width * 0.5f - 0.6f, at.distance + 0.4f * width * c.mid[i]);
      c.erase(i, k.halo * gap * (at.distance > -1 ? 1.0f : 0.0f));
    }
    const float cover = smooth_step(k.edge_px, -k.edge_px, at.distance);
    if (cover <= 0) return;
    const float tone = texture(n, plain, at);
    c.nuclear[i] = c.nuclear[i] * (1 - cover * (1 - k.through)) + cover * tone;
    c.haem[i] = mix(c.haem[i], 0.35f * c.haem[i], cover);
    c.eosin[i] = mix(c.eosin[i], 0.45f * c.eosin[i] + 0.5f * k.eosin * std::min(1.0f, tone), cover);
    c.brown[i] *= 1 - cover;
  });
}

}  // namespace

void paint_nuclei(Canvas& canvas, const SyntheticStyle& style, const std::vector<Nucleus>& nuclei) {
  const Lattice plain(1.0, 0, 1618);
  for (const Nucleus& n : nuclei) {
    if (n.body.radius_px > 0) paint_body(canvas, style, n);
  }
  for (const Nucleus& n : nuclei) paint_nucleus(canvas, n, plain);
}

}  // namespace histojet::slide
