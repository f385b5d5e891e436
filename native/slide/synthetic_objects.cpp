#include "slide/synthetic_canvas.hpp"

namespace histojet::slide {

namespace {

/// Calls body(random, x, y) for the object of each lattice cell within `reach_um` of the canvas, in a fixed order.
template <class Body>
void for_each_cell(const Canvas& c, const Lattice& lattice, float reach_um, std::uint32_t salt, const Body& body) {
  const double reach = static_cast<double>(reach_um * c.scale);
  const auto cell = [&](double p) { return static_cast<std::int64_t>(std::floor(p * lattice.inverse())); };
  const std::int64_t x0 = cell(static_cast<double>(c.x) - reach);
  const std::int64_t x1 = cell(static_cast<double>(c.x + c.width) + reach);
  const std::int64_t y0 = cell(static_cast<double>(c.y) - reach);
  const std::int64_t y1 = cell(static_cast<double>(c.y + c.height) + reach);
  for (std::int64_t iy = y0; iy <= y1; ++iy) {
    for (std::int64_t ix = x0; ix <= x1; ++ix) {
      CellRandom random = lattice.random(ix, iy, salt);
      const double x = (static_cast<double>(ix) + random.unit()) * lattice.spacing();
      const double y = (static_cast<double>(iy) + random.unit()) * lattice.spacing();
      body(random, x, y);
    }
  }
}

struct Strand {
  double x, y;
  Direction d;
  float half_length, half_width, bend, wave, wave_length;
  float eosin, haem, opacity;
  std::uint32_t salt;
};

constexpr float kStrandReachUm = 48;

/// A curved, tapering, striped band. Rows are cut to the slanted strip that holds it.
void paint_strand(Canvas& c, const Strand& s) {
  const Lattice plain(1.0, 0, 977);
  const float sag = std::abs(s.bend) * s.half_length * s.half_length + std::abs(s.wave) + s.half_width + 1;
  const float reach = s.half_length + sag;
  for_each_pixel_around(c, s.x, s.y, reach, [&](std::size_t i, float dx, float dy) {
    const float u = dx * s.d.x + dy * s.d.y;
    float v = dy * s.d.x - dx * s.d.y;
    if (u > s.half_length || u < -s.half_length || v > sag || v < -sag) return;
    v -= s.bend * u * u + s.wave * value_noise(plain, u / s.wave_length, 0.5f, s.salt);
    const float share = u / s.half_length;
    const float width = s.half_width * (1 - share * share * share * share);
    const float cover = smooth_step(width + 0.7f, width - 0.7f - 0.3f * width, std::abs(v));
    if (cover <= 0) return;
    const float stripe = 1 + 0.35f * value_noise(plain, u / (9 * c.scale), v / (0.55f * c.scale), s.salt + 5);
    const float amount = cover * s.opacity * c.tissue[i];
    c.eosin[i] = mix(c.eosin[i], std::max(c.eosin[i], s.eosin * stripe), amount);
    c.haem[i] = mix(c.haem[i], s.haem, amount * 0.7f);
  });
}

void paint_strands(Canvas& c, const SyntheticStyle& style, const Layout& layout, const Lattice& lattice) {
  for (std::uint32_t layer = 0; layer < 2; ++layer) {
    const bool fibril = layer == 0;
    for_each_cell(c, lattice, kStrandReachUm, 40 + layer, [&](CellRandom& r, double x, double y) {
      if (!r.chance(style.strand_density * (fibril ? 0.9f : 0.35f))) return;
      const Site site = layout.at(x, y);
      if (site[kTissue] < 1 || site[kEpithelium] > -3 || site[kAdipose] > -2 || site[kNecrosis] > 0) return;
      const Direction jitter = direction_of((fibril ? 0.07f : 0.035f) * r.normal());
      Strand s;
      s.x = x;
      s.y = y;
      s.d = {site[kDirectionX] * jitter.x - site[kDirectionY] * jitter.y,
             site[kDirectionX] * jitter.y + site[kDirectionY] * jitter.x};
      s.half_length = (fibril ? r.range(5, 22) : r.range(10, 30)) * c.scale;
      s.half_width = (fibril ? r.range(0.25f, 0.7f) : r.range(0.8f, 3.2f)) * c.scale;
      s.bend = r.normal() * 0.25f / s.half_length;
      s.wave = r.range(0.3f, fibril ? 2.6f : 2.0f) * c.scale;
      s.wave_length = r.range(4, 11) * c.scale;
      s.eosin = style.stroma_eosin * r.range(0.8f, 1.5f) * site[kEosin];
      s.haem = style.stroma_haem;
      s.opacity = r.range(0.35f, 0.95f) * (0.5f + 0.5f * (1 - site[kMuscle]));
      s.salt = r.bits() & 0xffff;
      paint_strand(c, s);
    });
  }
}

void paint_vacuoles(Canvas& c, const SyntheticStyle& style, const Layout& layout, const Lattice& lattice) {
  for_each_cell(c, lattice, 8, 50, [&](CellRandom& r, double x, double y) {
    if (!r.chance(0.5f * style.vacuoles)) return;
    const Site site = layout.at(x, y);
    if (site[kTissue] < 2 || site[kEpithelium] < 1.5f || site[kAdipose] > -2 || site[kLumen] > -4) return;
    const float radius = (r.chance(0.75f) ? r.range(0.8f, 2.4f) : r.range(2.4f, 5.5f)) * c.scale;
    const float clear = r.range(0.5f, 1.0f);
    const float stretch = r.range(0.75f, 1.3f);
    for_each_pixel_around(c, x, y, radius * 1.5f + 3, [&](std::size_t i, float dx, float dy) {
      const float d = std::sqrt(dx * dx * stretch + dy * dy / stretch) - radius + 0.14f * radius * c.mid[i];
      c.erase(i, clear * smooth_step(0.9f, -1.2f, d));
      const float rim = 1 - std::abs(d - 1.2f) / 1.6f;
      if (rim > 0) c.haem[i] += 0.10f * rim * c.tissue[i];
    });
  });
}

void paint_red_cells(Canvas& c, const SyntheticStyle& style, const Layout& layout, const Lattice& lattice) {
  for_each_cell(c, lattice, 5, 60, [&](CellRandom& r, double x, double y) {
    if (!r.chance(0.75f)) return;
    const Site site = layout.at(x, y);
    if (site[kBlood] < 0.2f || !r.chance(site[kBlood])) return;
    if (site[kTissue] < 1 || (site[kEpithelium] > -3 && site[kLumen] < 2) || site[kAdipose] > -1) return;
    const float radius = r.range(2.3f, 3.6f) * c.scale;
    const float stretch = r.range(0.6f, 1.6f);
    const Direction d = direction_of(r.unit());
    const float dense = r.range(0.7f, 1.3f);
    const float pale = r.range(0, 0.45f);
    for_each_pixel_around(c, x, y, radius * 1.5f + 2, [&](std::size_t i, float dx, float dy) {
      const float u = dx * d.x + dy * d.y;
      const float v = dy * d.x - dx * d.y;
      const float q = std::sqrt(u * u * stretch + v * v / stretch) / radius;
      const float cover = smooth_step(1.12f, 0.92f, q + 0.05f * c.mid[i]);
      if (cover <= 0) return;
      const float body = dense * (1 - pale * smooth_step(0.6f, 0.0f, q));
      c.eosin[i] = mix(c.eosin[i], 0.55f * body * (0.7f + 0.3f * style.eosin_gain), cover);
      c.haem[i] *= 1 - 0.9f * cover;
      c.brown[i] = mix(c.brown[i], 0.38f * body, cover);
    });
  });
}

/// Dust, pigment and nuclear crumbs: dark, but too small or too ragged to be a nucleus.
void paint_debris(Canvas& c, const SyntheticStyle& style, const Layout& layout, const Lattice& lattice) {
  for_each_cell(c, lattice, 8, 70, [&](CellRandom& r, double x, double y) {
    const Site site = layout.at(x, y);
    const bool granules = site[kSpacing] > 1.25f && site[kEpithelium] > 6 && site[kWide] > 0.08f;
    const float share = site[kNecrosis] > 0 ? 0.6f : (granules ? 3.0f : 0.22f);
    if (site[kTissue] < -12 || !r.chance(share * style.debris)) return;
    const int specks = granules ? 30 : 1 + static_cast<int>(r.unit() * r.unit() * 6);
    const float tint = granules ? 1.0f : r.unit();  // brown pigment, black dust or blue crumbs
    const float strength = r.range(0.3f, 1.4f);
    for (int k = 0; k < specks; ++k) {
      const float radius = r.range(0.15f, 0.75f) * c.scale;
      const double sx = x + static_cast<double>(r.normal() * (granules ? 4.5f : 1.8f) * c.scale);
      const double sy = y + static_cast<double>(r.normal() * (granules ? 4.5f : 1.8f) * c.scale);
      for_each_pixel_around(c, sx, sy, radius + 2, [&](std::size_t i, float dx, float dy) {
        const float cover = strength * smooth_step(radius + 0.8f, radius - 0.8f, std::sqrt(dx * dx + dy * dy));
        if (cover <= 0) return;
        c.brown[i] += cover * (tint < 0.35f ? 1.0f : (tint < 0.6f ? 0.6f : 0.0f));
        c.haem[i] += cover * (tint < 0.35f ? 0.2f : 0.9f);
      });
    }
  });
}

}  // namespace

void paint_objects(Canvas& c, const SyntheticStyle& style, const Layout& layout, const PaintLattices& lattices) {
  paint_strands(c, style, layout, lattices.strand);
  paint_vacuoles(c, style, layout, lattices.vacuole);
  paint_red_cells(c, style, layout, lattices.red_cell);
  paint_debris(c, style, layout, lattices.debris);
}

}  // namespace histojet::slide
