#include "base/checked.hpp"
#include "slide/synthetic_canvas.hpp"

namespace histojet::slide {

PaintLattices::PaintLattices(const SyntheticStyle&, double mpp, std::int64_t period_px, std::uint64_t seed)
    : grain(1.2 / mpp, period_px, seed + 101),
      fine(std::max(1.0, 0.5 / mpp), period_px, seed + 102),
      mid(4.0 / mpp, period_px, seed + 103),
      grain_too(0.83 / mpp, period_px, seed + 109),
      mid_too(2.7 / mpp, period_px, seed + 110),
      frame(42.0 / mpp, period_px, seed + 104),
      strand(17.0 / mpp, period_px, seed + 105),
      vacuole(11.0 / mpp, period_px, seed + 106),
      red_cell(6.4 / mpp, period_px, seed + 107),
      debris(19.0 / mpp, period_px, seed + 108) {}

namespace {

struct Fibre {
  float fine, coarse, slit;
};

/// Fibre texture on a grid of `step` pixels: noise stretched along the fibres, sampled in the frames of the four
/// nearest lattice points and blended, so that it follows a turning direction without any global coordinate.
class FibreField {
 public:
  FibreField(const Canvas& canvas, const SyntheticStyle& style, const Layout& layout, const Lattice& frame)
      : step_(canvas.scale >= 3 ? 2 : 1), scale_(canvas.scale) {
    first_x_ = floor_div(canvas.x, step_);
    first_y_ = floor_div(canvas.y, step_);
    columns_ = floor_div(canvas.x + canvas.width - 1, step_) + 2 - first_x_;
    rows_ = floor_div(canvas.y + canvas.height - 1, step_) + 2 - first_y_;
    values_.assign(static_cast<std::size_t>(columns_ * rows_), Fibre{0, 0, -1});
    make_frames(canvas, layout, frame);
    const float width = style.fibre_um;
    for (std::int64_t j = 0; j < rows_; ++j) {
      for (std::int64_t i = 0; i < columns_; ++i) sample(canvas, frame, width, i, j);
    }
  }

  /// Two rows of the grid blended for a pixel row.
  void row(std::int64_t y, std::vector<Fibre>& out) const {
    const std::int64_t j = floor_div(y, step_) - first_y_;
    const float t = step_ == 1 ? 0.0f : 0.5f * static_cast<float>(y - (first_y_ + j) * step_);
    out.resize(static_cast<std::size_t>(columns_));
    const Fibre* a = &values_[static_cast<std::size_t>(j * columns_)];
    const Fibre* b = a + columns_;
    for (std::int64_t i = 0; i < columns_; ++i) {
      out[static_cast<std::size_t>(i)] = {mix(a[i].fine, b[i].fine, t), mix(a[i].coarse, b[i].coarse, t),
                                          mix(a[i].slit, b[i].slit, t)};
    }
  }
  Fibre at(const std::vector<Fibre>& row, std::int64_t x) const {
    const std::int64_t i = floor_div(x, step_) - first_x_;
    if (step_ == 1 || x == (first_x_ + i) * step_) return row[static_cast<std::size_t>(i)];
    const Fibre& a = row[static_cast<std::size_t>(i)];
    const Fibre& b = row[static_cast<std::size_t>(i) + 1];
    return {0.5f * (a.fine + b.fine), 0.5f * (a.coarse + b.coarse), 0.5f * (a.slit + b.slit)};
  }

 private:
  struct Frame {
    double x, y;
    Direction d;
    std::uint32_t salt;
  };

  void make_frames(const Canvas& canvas, const Layout& layout, const Lattice& lattice) {
    const double inverse = lattice.inverse();
    frame_x_ = static_cast<std::int64_t>(std::floor(static_cast<double>(canvas.x - 4) * inverse));
    frame_y_ = static_cast<std::int64_t>(std::floor(static_cast<double>(canvas.y - 4) * inverse));
    frame_columns_ = static_cast<std::int64_t>(std::floor(static_cast<double>(canvas.x + canvas.width + 4) * inverse)) +
                     2 - frame_x_;
    const std::int64_t frame_rows =
        static_cast<std::int64_t>(std::floor(static_cast<double>(canvas.y + canvas.height + 4) * inverse)) + 2 -
        frame_y_;
    for (std::int64_t j = 0; j < frame_rows; ++j) {
      for (std::int64_t i = 0; i < frame_columns_; ++i) {
        Frame f;
        f.x = static_cast<double>(frame_x_ + i) * lattice.spacing();
        f.y = static_cast<double>(frame_y_ + j) * lattice.spacing();
        f.salt = lattice.hash(frame_x_ + i, frame_y_ + j) & 0xffff;
        const Site site = layout.at(f.x, f.y);
        const float length =
            std::sqrt(site[kDirectionX] * site[kDirectionX] + site[kDirectionY] * site[kDirectionY]) + 1e-6f;
        f.d = {site[kDirectionX] / length, site[kDirectionY] / length};
        frames_.push_back(f);
      }
    }
  }

  void sample(const Canvas& canvas, const Lattice& lattice, float width, std::int64_t i, std::int64_t j) {
    const std::int64_t x = (first_x_ + i) * step_;
    const std::int64_t y = (first_y_ + j) * step_;
    const FieldGrid& grid = canvas.fields;
    const std::int64_t gx = std::min(floor_div(x, grid.step), grid.first_x + grid.columns - 1);
    const std::int64_t gy = std::min(floor_div(y, grid.step), grid.first_y + grid.rows - 1);
    const Site& site = grid.at(gx, gy);
    if (site[kTissue] < -12 || site[kAdipose] > 12) return;
    const double u = static_cast<double>(x) * lattice.inverse();
    const double v = static_cast<double>(y) * lattice.inverse();
    const std::int64_t cx = static_cast<std::int64_t>(std::floor(u));
    const std::int64_t cy = static_cast<std::int64_t>(std::floor(v));
    const float wx = smooth_step(0.22f, 0.78f, static_cast<float>(u - static_cast<double>(cx)));
    const float wy = smooth_step(0.22f, 0.78f, static_cast<float>(v - static_cast<double>(cy)));
    Fibre sum{0, 0, 0};
    float square = 0;
    for (int k = 0; k < 4; ++k) {
      const float w = ((k & 1) ? wx : 1 - wx) * ((k & 2) ? wy : 1 - wy);
      if (w < 0.004f) continue;
      const Frame& f =
          frames_[static_cast<std::size_t>((cy - frame_y_ + k / 2) * frame_columns_ + cx - frame_x_ + k % 2)];
      const float dx = static_cast<float>(static_cast<double>(x) - f.x) / scale_;
      const float dy = static_cast<float>(static_cast<double>(y) - f.y) / scale_;
      const float along = dx * f.d.x + dy * f.d.y;
      const float across = dy * f.d.x - dx * f.d.y + wave(along, f.salt);
      sum.fine += w * value_noise(plain_, along / 13, across / width, f.salt);
      sum.coarse += w * value_noise(plain_, along / 34, across / (3.4f * width), f.salt + 31);
      sum.slit += w * value_noise(plain_, along / 15, across / (2.3f * width), f.salt + 77);
      square += w * w;
    }
    const float gain = 1 / std::sqrt(square);
    values_[static_cast<std::size_t>(j * columns_ + i)] = {sum.fine * gain, sum.coarse * gain, sum.slit * gain};
  }

  /// Fibres run in waves of about 20 um.
  float wave(float along, std::uint32_t salt) const { return 2.2f * value_noise(plain_, along / 11, 0.5f, salt + 13); }

  std::int64_t step_;
  float scale_;
  std::int64_t first_x_, first_y_, columns_, rows_;
  std::int64_t frame_x_ = 0, frame_y_ = 0, frame_columns_ = 0;
  std::vector<Frame> frames_;
  std::vector<Fibre> values_;
  Lattice plain_{1.0, 0, 4711};
};

/// Adds a second lattice of another spacing, which hides the squares of value noise.
void mix_noise(const Lattice& lattice, const Canvas& c, std::vector<float>& plane) {
  std::vector<float> other(plane.size());
  fill_value_noise(lattice, c.x, c.y, c.width, c.height, other.data());
  for (std::size_t i = 0; i < plane.size(); ++i) plane[i] = 0.72f * (plane[i] + other[i]);
}

struct Stains {
  float haem, eosin, hole;
};

Stains stroma(const PixelSite& f, const Fibre& t, float fine, float grain, float mid, const SyntheticStyle& s) {
  const float c = s.fibre_contrast;
  // Light between fibres, where the noise crosses zero.
  const float gleam = smooth_step(0.82f, 1.0f, 1 - std::abs(t.slit - 0.1f)) * smooth_step(-0.3f, 0.4f, -t.coarse);
  const float pink_e = s.stroma_eosin * std::max(0.12f, 1 + c * (0.50f * t.coarse + 0.50f * t.fine - 0.45f * gleam) +
                                                            0.16f * fine + 0.10f * grain);
  const float pink_h = s.stroma_haem * (1 + 0.5f * t.coarse);
  // Fibrils run along the zero lines, too.
  const float fibril =
      c * (0.7f * smooth_step(0.40f, 0.85f, t.fine) +
           smooth_step(0.80f, 1.0f, 1 - std::abs(t.fine + 0.15f)) * smooth_step(-0.1f, 0.5f, t.coarse));
  const float blue_e = s.mucin_eosin * (1 + 0.5f * t.coarse + 0.3f * grain) + (0.16f + 0.2f * s.stroma_eosin) * fibril;
  const float blue_h =
      s.mucin_haem * (1 + 0.28f * mid + 0.25f * t.coarse + 0.22f * grain + 0.2f * fine - 0.3f * gleam + 0.35f * fibril);
  const float muscle_e = s.stroma_eosin * (0.95f + 0.22f * t.coarse + 0.12f * t.fine + 0.08f * grain);
  const float muscle_h = 0.08f + s.stroma_haem;
  const float lymph = 0.8f * f[kLymph] * f[kLymph];
  Stains out;
  const float m = smooth_step(0.15f, 0.85f, f[kMucoid] + 0.35f * t.coarse);
  out.eosin = mix(mix(pink_e, blue_e, m), muscle_e, f[kMuscle]);
  out.haem = mix(mix(pink_h, blue_h, m), muscle_h, f[kMuscle]);
  out.eosin = mix(out.eosin, s.cytoplasm_eosin * (0.7f + 0.3f * grain + 0.2f * mid), lymph);
  out.haem = mix(out.haem, (s.cytoplasm_haem * 0.6f + 0.06f) * (1 + 0.4f * grain + 0.3f * mid), lymph);
  const float open = 0.98f - 0.62f * f[kSlit] * s.slit;
  out.hole = smooth_step(open, open + 0.14f, t.slit + 0.1f * mid) * (1 - 0.45f * m);
  return out;
}

/// Granular necrosis where the grade is low, layered keratin where it is high: some of it nearly as dark as nuclei.
Stains dead_matter(const PixelSite& f, const Fibre& t, float fine, float grain, float mid, const SyntheticStyle& s) {
  const float keratin = smooth_step(-0.15f, 0.15f, f[kGrade]);
  const Stains granular{std::max(0.0f, 0.05f + 0.16f * grain * (0.7f + f[kWide]) + 0.05f * mid),
                        s.stroma_eosin * (1.05f + 0.25f * t.coarse + 0.35f * grain + 0.2f * fine),
                        smooth_step(0.85f, 1.0f, t.slit)};
  const float layer = smooth_step(0.25f, 0.75f, t.coarse + 0.3f * t.fine);
  const Stains layered{s.keratin_haem * layer * (0.7f + 0.5f * smooth_step(0.2f, 0.9f, t.fine)),
                       s.stroma_eosin * (1.0f + 0.5f * t.coarse + 0.3f * t.fine),
                       smooth_step(0.30f, 0.45f, t.slit + 0.2f * f[kWide])};
  return {mix(granular.haem, layered.haem, keratin), mix(granular.eosin, layered.eosin, keratin),
          mix(granular.hole, layered.hole, keratin)};
}

Stains fat_tissue(const FatWall& wall, float mid, const SyntheticStyle& s) {
  const float septum = 1 - smooth_step(0.3f, 1.1f, wall.distance_um - 0.2f + 0.7f * mid);
  return {0.05f * septum, s.stroma_eosin * 0.8f * septum, 0};
}

}  // namespace

void paint_ground(Canvas& c, const SyntheticStyle& s, const Layout& layout, const FatCells& fat,
                  const PaintLattices& lattices) {
  fill_value_noise(lattices.grain, c.x, c.y, c.width, c.height, c.grain.data());
  fill_value_noise(lattices.fine, c.x, c.y, c.width, c.height, c.fine.data());
  fill_value_noise(lattices.mid, c.x, c.y, c.width, c.height, c.mid.data());
  mix_noise(lattices.grain_too, c, c.grain);
  mix_noise(lattices.mid_too, c, c.mid);
  const FibreField fibres(c, s, layout, lattices.frame);
  const FieldGrid& grid = c.fields;
  std::vector<Fibre> fibre_row;
  FieldRows rows(grid);
  for (std::int64_t y = 0; y < c.height; ++y) {
    rows.move_to(c.y + y);
    fibres.row(c.y + y, fibre_row);
    for (std::int64_t x = 0; x < c.width; ++x) {
      const std::size_t i = static_cast<std::size_t>(y * c.width + x);
      const float mid = c.mid[i];
      const Fibre t = fibres.at(fibre_row, c.x + x);
      const FieldRows::Position at = rows.position(c.x + x);
      const float cover = smooth_step(-0.8f, 0.8f, rows.value(at, kTissue) + 1.6f * mid + 2.5f * t.coarse);
      if (cover <= 0) continue;
      const PixelSite f = rows.values(at);
      const float fine = c.fine[i];
      const float grain = c.grain[i];
      Stains ground = stroma(f, t, fine, grain, mid, s);
      const float nest = smooth_step(-1.4f, 1.4f, f[kEpithelium] + 1.3f * mid);
      if (nest > 0) {
        const float g = s.cytoplasm_granularity;
        const float foam = 1 - std::abs(mid + 0.6f * grain);
        const float speck =
            std::max(0.1f, 1 + g * (0.30f * grain + 0.26f * fine + 0.35f * (foam - 0.6f)) + 0.12f * mid);
        ground.eosin = mix(ground.eosin, s.cytoplasm_eosin * speck * (1 + 0.1f * t.coarse), nest);
        ground.haem = mix(ground.haem, s.cytoplasm_haem * speck, nest);
        ground.hole = mix(ground.hole, smooth_step(-1.0f, 1.0f, f[kLumen] + 1.1f * mid), nest);
      }
      const float dead = smooth_step(-5, 5, f[kNecrosis] + 3 * mid);
      if (dead > 0) {
        const Stains dull = dead_matter(f, t, fine, grain, mid, s);
        ground = {mix(ground.haem, dull.haem, dead), mix(ground.eosin, dull.eosin, dead),
                  mix(ground.hole, dull.hole, dead)};
      }
      const float lard = smooth_step(-2.5f, 2.5f, f[kAdipose] + 1.5f * mid);
      if (lard > 0) {
        const Stains fatty =
            fat_tissue(fat.at(static_cast<double>(c.x + x) + 0.5, static_cast<double>(c.y + y) + 0.5), mid, s);
        ground = {mix(ground.haem, fatty.haem, lard), mix(ground.eosin, fatty.eosin, lard), mix(ground.hole, 0, lard)};
      }
      ground.haem += 0.45f * f[kCloud] * (0.75f + 0.25f * mid) * (1 - lard);
      const float cleft = s.cleft * smooth_step(0.05f, 0.3f, f[kWide] + 0.5f * f[kGrade]);
      if (cleft > 0) {
        const float gap = 1 - std::abs(f[kEpithelium] + 2.6f + 0.9f * mid) / 2.0f;
        if (gap > 0) ground.hole = std::max(ground.hole, cleft * smooth_step(0, 0.5f, gap) * (1 - lard));
      }
      const float keep = cover * (1 - ground.hole);
      c.haem[i] = std::max(0.0f, ground.haem) * keep * f[kHaem];
      c.eosin[i] = std::max(0.0f, ground.eosin) * keep * f[kEosin];
      c.tissue[i] = cover;
    }
  }
}

}  // namespace histojet::slide
