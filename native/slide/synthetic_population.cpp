#include "slide/synthetic_population.hpp"

#include <algorithm>
#include <cmath>

#include "base/checked.hpp"

namespace histojet::slide {

namespace {

constexpr double kCellUm = 4.5;        // spacing of the candidates
constexpr float kMaxExtentUm = 13.0f;  // no nucleus keeps others away further than this from its own centre
constexpr float kBodyReachUm = 20.0f;  // no body, halo or outline reaches further
constexpr int kRounds = 3;
constexpr std::size_t kKeptChunks = 64;
constexpr std::int64_t kIdMargin = 64;

}  // namespace

FatCells::FatCells(double mpp, std::int64_t period_px, std::uint64_t seed) {
  CellRandom random(seed + 41);
  cell_um_ = random.range(45, 85);
  lattice_ = Lattice(cell_um_ / mpp, period_px, seed + 40);
}

FatWall FatCells::at(double x, double y) const {
  const double u = x * lattice_.inverse();
  const double v = y * lattice_.inverse();
  const std::int64_t ix = static_cast<std::int64_t>(std::floor(u));
  const std::int64_t iy = static_cast<std::int64_t>(std::floor(v));
  float best = 1e9f, second = 1e9f;
  float best_x = 0, best_y = 0, second_x = 0, second_y = 0;
  for (int k = 0; k < 9; ++k) {
    const std::int64_t cx = ix + k % 3 - 1;
    const std::int64_t cy = iy + k / 3 - 1;
    const std::uint32_t h = lattice_.hash(cx, cy);
    const float dx = static_cast<float>(static_cast<double>(cx) - u) + 0.15f + 0.7f * unit_float(h << 4);
    const float dy = static_cast<float>(static_cast<double>(cy) - v) + 0.15f + 0.7f * unit_float(h << 16);
    const float d = dx * dx + dy * dy;
    if (d < best) {
      second = best, second_x = best_x, second_y = best_y;
      best = d, best_x = dx, best_y = dy;
    } else if (d < second) {
      second = d, second_x = dx, second_y = dy;
    }
  }
  const float ex = second_x - best_x;
  const float ey = second_y - best_y;
  const float gap = std::sqrt(ex * ex + ey * ey) + 1e-6f;
  return {0.5f * (second - best) / gap * cell_um_, {-ey / gap, ex / gap}};
}

/// Candidates of a block of cells, with the circles that keep neighbours apart.
struct Population::Candidates {
  struct Guard {
    float x, y;          // centre, pixels from the block's corner
    float extent;        // furthest point of the guard circles
    float radius;        // of each circle
    float offset[3][2];  // of the circles
    int circles;
    std::uint32_t priority;
    std::uint64_t order;
    int state;  // 0 open, 1 lives, 2 gone
  };
  std::int64_t columns = 0, rows = 0;
  std::vector<std::int32_t> cell;  // index or -1
  std::vector<Guard> guards;
  std::vector<std::array<std::int64_t, 2>> places;  // cells

  static bool before(const Guard& a, const Guard& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.order > b.order;
  }
  static bool conflict(const Guard& a, const Guard& b) {
    const float dx = b.x - a.x;
    const float dy = b.y - a.y;
    const float far = a.extent + b.extent;
    if (dx * dx + dy * dy >= far * far) return false;
    const float near = (a.radius + b.radius) * (a.radius + b.radius);
    for (int i = 0; i < a.circles; ++i) {
      for (int j = 0; j < b.circles; ++j) {
        const float ex = dx + b.offset[j][0] - a.offset[i][0];
        const float ey = dy + b.offset[j][1] - a.offset[i][1];
        if (ex * ex + ey * ey < near) return true;
      }
    }
    return false;
  }
};

Population::Population(const SyntheticParams& params, const SyntheticStyle& style, const Layout& layout,
                       const Clusters& clusters, std::int64_t period_px)
    : style_(style),
      layout_(layout),
      clusters_(clusters),
      mpp_(params.mpp),
      scale_(static_cast<float>(1.0 / params.mpp)),
      period_px_(period_px),
      lattice_(kCellUm / params.mpp, period_px, params.seed * 1013 + 21),
      fat_(params.mpp, period_px, params.seed * 1013 + 22) {
  chunk_px_ = period_px > 0 ? period_px / 4 : std::max<std::int64_t>(64, static_cast<std::int64_t>(256 / mpp_));
  chunks_ = period_px > 0 ? 4 : 0;
  id_columns_ = static_cast<std::uint64_t>(static_cast<double>(params.width) / lattice_.spacing()) + 2 * kIdMargin + 2;
}

bool Population::choose_stromal(Nucleus& n, const Site& site, CellRandom& r) const {
  const float lymph = site[kLymph];
  float lot = r.unit();
  const auto within = [&lot](float share) {
    lot -= share;
    return lot < 0;
  };
  n.spacing = r.range(1.0f, 1.5f);
  if (within(0.012f * style_.lymphocytes + 0.85f * lymph * lymph)) {
    n.kind = r.chance(0.04f + 0.10f * site[kMucoid]) ? NucleusKind::kPlasma : NucleusKind::kLymphocyte;
    n.spacing = r.range(0.92f, 1.12f) + 0.2f * (1 - lymph);
    return true;
  }
  if (within(0.020f * site[kStromal] * (1 - 0.7f * site[kMuscle]))) {
    n.kind = NucleusKind::kFibroblast;
    return true;
  }
  if (within(0.10f * site[kMuscle])) {
    n.kind = NucleusKind::kMuscle;
    return true;
  }
  if (within(0.007f * site[kStromal])) {
    n.kind = NucleusKind::kEndothelial;
    return true;
  }
  if (within(0.004f + 0.02f * lymph)) {
    n.kind = NucleusKind::kPlasma;
    return true;
  }
  if (within(0.006f)) {
    n.kind = r.chance(0.3f) ? NucleusKind::kVesicular : NucleusKind::kEpithelial;
    return true;
  }
  n.kind = NucleusKind::kPyknotic;
  return within(0.003f);
}

bool Population::choose_kind(Nucleus& n, const Site& site, CellRandom& r) const {
  const double x = n.outline.x;
  const double y = n.outline.y;
  if (site[kTissue] < 2.5f || site[kLumen] > -3.5f) {
    n.kind = NucleusKind::kPyknotic;
    n.spacing = 1.5f;
    return site[kTissue] > 2.5f && site[kLumen] > 3 && r.chance(0.006f);
  }
  Direction along{site[kDirectionX], site[kDirectionY]};
  const float turn = r.normal();
  if (site[kAdipose] > -4) {
    const FatWall wall = fat_.at(x, y);
    n.kind = r.chance(0.5f) ? NucleusKind::kFibroblast : NucleusKind::kEndothelial;
    n.outline.axis = wall.along;
    n.spacing = 1.3f;
    return wall.distance_um < 1.6f && r.chance(0.10f);
  }
  if (site[kNecrosis] > -2) {
    n.kind = r.chance(0.5f) ? NucleusKind::kPyknotic : NucleusKind::kLymphocyte;
    n.outline.axis = direction_of(r.unit());
    return r.chance(0.012f);
  }
  if (site[kEpithelium] > 2.0f) {
    if (!r.chance(0.97f)) return false;
    n.spacing = style_.crowding * site[kSpacing] * r.range(0.86f, 1.12f);
    const float lot = r.unit();
    n.kind =
        r.chance(clamp01(style_.vesicular + 0.5f * site[kGrade])) ? NucleusKind::kVesicular : NucleusKind::kEpithelial;
    if (lot < style_.atypical)
      n.kind = NucleusKind::kAtypical;
    else if (lot < style_.atypical + 0.006f)
      n.kind = NucleusKind::kMitosis;
    else if (lot < style_.atypical + 0.022f)
      n.kind = NucleusKind::kPyknotic;
    else if (lot < style_.atypical + 0.030f + 0.014f * style_.lymphocytes)
      n.kind = NucleusKind::kLymphocyte;
    n.outline.axis = direction_of(r.unit());
    if (site[kLumen] > -45 && site[kEpithelium] < 16) {
      const Direction across = layout_.nest_normal(x, y);
      const Direction jitter = direction_of(0.06f * turn);
      n.outline.axis = {across.x * jitter.x - across.y * jitter.y, across.x * jitter.y + across.y * jitter.x};
    }
    return true;
  }
  if (site[kEpithelium] > -2.0f) return false;
  if (!choose_stromal(n, site, r)) return false;
  const Direction jitter = direction_of((0.03f + 0.06f * site[kMucoid]) * turn);
  n.outline.axis = {along.x * jitter.x - along.y * jitter.y, along.x * jitter.y + along.y * jitter.x};
  const float length = std::sqrt(n.outline.axis.x * n.outline.axis.x + n.outline.axis.y * n.outline.axis.y) + 1e-6f;
  n.outline.axis = {n.outline.axis.x / length, n.outline.axis.y / length};
  return true;
}

void Population::add_body(Nucleus& n, const Site& site, CellRandom& r) const {
  const bool epithelial = n.kind == NucleusKind::kEpithelial || n.kind == NucleusKind::kVesicular ||
                          n.kind == NucleusKind::kAtypical || n.kind == NucleusKind::kMitosis;
  if (!epithelial && !(n.kind == NucleusKind::kPyknotic && r.chance(0.6f))) return;
  CellBody& body = n.body;
  const float mean = std::sqrt(n.outline.a * n.outline.b);
  const float limit = (kBodyReachUm - 4) * scale_;
  body.radius_px = std::min(limit, mean * r.range(1.35f, 1.9f) * (0.6f + 0.4f * site[kSpacing]) + scale_);
  const Direction d = direction_of(r.unit());
  const float shift = r.range(0, 0.3f) * mean;
  body.dx = d.x * shift;
  body.dy = d.y * shift;
  body.stretch = r.range(0.75f, 1.25f);
  body.haem = style_.cytoplasm_haem * r.spread(0.35f);
  body.eosin = style_.cytoplasm_eosin * r.spread(0.3f);
  body.opacity = r.range(0.55f, 0.95f);
  body.border = style_.cell_borders * r.range(0.3f, 1.0f);
  if (n.kind == NucleusKind::kPyknotic) {
    body.eosin *= 1.8f;
    body.radius_px *= 0.9f;
  }
}

bool Population::candidate(std::int64_t ix, std::int64_t iy, Nucleus& n) const {
  CellRandom r = lattice_.random(ix, iy);
  n.priority = r.bits();
  n.outline.x = (static_cast<double>(ix) + r.unit()) * lattice_.spacing();
  n.outline.y = (static_cast<double>(iy) + r.unit()) * lattice_.spacing();
  const Site site = layout_.at(n.outline.x, n.outline.y, false);
  const Clusters::Spot spot = clusters_.at(n.outline.x, n.outline.y);
  if (!(spot.cluster != nullptr ? clusters_.choose(spot, n, r) : choose_kind(n, site, r))) return false;
  n.id = static_cast<std::uint64_t>(iy + kIdMargin) * id_columns_ + static_cast<std::uint64_t>(ix + kIdMargin) + 1;
  draw_nucleus(n, style_, site[kGrade], scale_, r);
  if (n.outline.sketch) return true;
  if (spot.cluster != nullptr)
    clusters_.dress(spot, n, scale_, r);
  else
    add_body(n, site, r);
  return true;
}

void Population::resolve(Candidates& c) const {
  const float cell_px = static_cast<float>(lattice_.spacing());
  const std::size_t count = c.guards.size();
  std::vector<std::int32_t> rivals;  // of all candidates, one after another
  std::vector<std::size_t> first(count + 1, 0);
  std::size_t next = 0;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    for (std::int64_t column = 0; column < c.columns; ++column) {
      const std::int32_t self = c.cell[static_cast<std::size_t>(row * c.columns + column)];
      if (self < 0) continue;
      const Candidates::Guard& guard = c.guards[static_cast<std::size_t>(self)];
      const std::int64_t reach = static_cast<std::int64_t>((guard.extent + kMaxExtentUm * scale_) / cell_px) + 1;
      for (std::int64_t v = std::max<std::int64_t>(0, row - reach); v <= std::min(c.rows - 1, row + reach); ++v) {
        for (std::int64_t u = std::max<std::int64_t>(0, column - reach); u <= std::min(c.columns - 1, column + reach);
             ++u) {
          const std::int32_t other = c.cell[static_cast<std::size_t>(v * c.columns + u)];
          if (other < 0 || other == self) continue;
          if (Candidates::conflict(guard, c.guards[static_cast<std::size_t>(other)])) rivals.push_back(other);
        }
      }
      first[++next] = rivals.size();
    }
  }
  std::vector<std::size_t> winners;
  for (int round = 0; round < kRounds; ++round) {
    winners.clear();
    for (std::size_t i = 0; i < count; ++i) {
      if (c.guards[i].state != 0) continue;
      bool wins = true;
      for (std::size_t k = first[i]; wins && k < first[i + 1]; ++k) {
        const Candidates::Guard& rival = c.guards[static_cast<std::size_t>(rivals[k])];
        wins = rival.state == 2 || Candidates::before(c.guards[i], rival);
      }
      if (wins) winners.push_back(i);
    }
    for (const std::size_t i : winners) {
      c.guards[i].state = 1;
      for (std::size_t k = first[i]; k < first[i + 1]; ++k) c.guards[static_cast<std::size_t>(rivals[k])].state = 2;
    }
  }
}

Population::Chunk Population::compute(std::int64_t cx, std::int64_t cy) const {
  const double spacing = lattice_.spacing();
  const double margin = kRounds * 2.0 * 2.0 * static_cast<double>(kMaxExtentUm * scale_);
  const double left = static_cast<double>(cx * chunk_px_);
  const double top = static_cast<double>(cy * chunk_px_);
  const double side = static_cast<double>(chunk_px_);
  const auto cell_of = [spacing](double p) { return static_cast<std::int64_t>(std::floor(p / spacing)); };
  const std::int64_t x0 = cell_of(left - margin), x1 = cell_of(left + side + margin);
  const std::int64_t y0 = cell_of(top - margin), y1 = cell_of(top + side + margin);
  Candidates c;
  c.columns = x1 - x0 + 1;
  c.rows = y1 - y0 + 1;
  c.cell.assign(static_cast<std::size_t>(c.columns * c.rows), -1);
  for (std::int64_t iy = y0; iy <= y1; ++iy) {
    for (std::int64_t ix = x0; ix <= x1; ++ix) {
      Nucleus n;
      n.outline.sketch = true;
      if (!candidate(ix, iy, n)) continue;
      Candidates::Guard guard{};
      const Outline& o = n.outline;
      guard.x = static_cast<float>(o.x - left);
      guard.y = static_cast<float>(o.y - top);
      guard.priority = n.priority;
      guard.order = hash_point(static_cast<std::int32_t>(n.id), static_cast<std::int32_t>(n.id >> 32), 5);
      guard.circles = o.a > 1.3f * o.b ? 3 : 1;
      const float core = guard.circles == 1 ? std::sqrt(o.a * o.b) : o.b;
      const float along = guard.circles == 1 ? 0 : o.a - o.b * 0.9f;
      guard.radius = std::max(std::min(core * n.spacing, kMaxExtentUm * scale_ - along), 0.5f * core);
      for (int i = 0; i < guard.circles; ++i) {
        const float u = along * static_cast<float>(i - guard.circles / 2) * 0.8f;
        const float v = o.bend * u * u;
        guard.offset[i][0] = u * o.axis.x - v * o.axis.y;
        guard.offset[i][1] = u * o.axis.y + v * o.axis.x;
      }
      guard.extent = std::min(along + guard.radius, kMaxExtentUm * scale_);
      c.cell[static_cast<std::size_t>((iy - y0) * c.columns + ix - x0)] = static_cast<std::int32_t>(c.guards.size());
      c.guards.push_back(guard);
      c.places.push_back({ix, iy});
    }
  }
  resolve(c);
  Chunk chunk;
  for (std::size_t i = 0; i < c.guards.size(); ++i) {
    if (c.guards[i].state != 1) continue;
    Nucleus n;
    candidate(c.places[i][0], c.places[i][1], n);
    const Outline& o = n.outline;
    if (o.x >= left && o.x < left + side && o.y >= top && o.y < top + side) chunk.push_back(n);
  }
  return chunk;
}

std::shared_ptr<const Population::Chunk> Population::chunk(std::int64_t cx, std::int64_t cy) const {
  const std::pair<std::int64_t, std::int64_t> key(cx, cy);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = chunk_cache_.find(key);
    if (found != chunk_cache_.end()) {
      recent_.remove(key);
      recent_.push_front(key);
      return found->second;
    }
  }
  auto made = std::make_shared<const Chunk>(compute(cx, cy));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (chunk_cache_.emplace(key, made).second) recent_.push_front(key);
  while (recent_.size() > kKeptChunks) {
    chunk_cache_.erase(recent_.back());
    recent_.pop_back();
  }
  return made;
}

std::uint64_t Population::lap_id(std::int64_t lap_x, std::int64_t lap_y) const {
  if (period_px_ == 0) return 0;
  const std::int64_t cells = static_cast<std::int64_t>(static_cast<double>(period_px_) / lattice_.spacing() + 0.5);
  return static_cast<std::uint64_t>(lap_y * cells) * id_columns_ + static_cast<std::uint64_t>(lap_x * cells);
}

std::vector<Nucleus> Population::near(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  const std::int64_t reach = static_cast<std::int64_t>(kBodyReachUm * scale_) + 2;
  const std::int64_t x0 = x - reach, x1 = x + width + reach;
  const std::int64_t y0 = y - reach, y1 = y + height + reach;
  std::vector<Nucleus> found;
  for (std::int64_t cy = floor_div(y0, chunk_px_); cy <= floor_div(y1, chunk_px_); ++cy) {
    for (std::int64_t cx = floor_div(x0, chunk_px_); cx <= floor_div(x1, chunk_px_); ++cx) {
      if (layout_.blank(cx * chunk_px_, cy * chunk_px_, chunk_px_, chunk_px_)) continue;
      const std::int64_t lap_x = chunks_ > 0 ? floor_div(cx, chunks_) : 0;
      const std::int64_t lap_y = chunks_ > 0 ? floor_div(cy, chunks_) : 0;
      const auto list = chunk(cx - lap_x * chunks_, cy - lap_y * chunks_);
      const double shift_x = static_cast<double>(lap_x * period_px_);
      const double shift_y = static_cast<double>(lap_y * period_px_);
      for (const Nucleus& n : *list) {
        const double nx = n.outline.x + shift_x;
        const double ny = n.outline.y + shift_y;
        if (nx < static_cast<double>(x0) || nx > static_cast<double>(x1) || ny < static_cast<double>(y0) ||
            ny > static_cast<double>(y1)) {
          continue;
        }
        Nucleus copy = n;
        copy.outline.x = nx;
        copy.outline.y = ny;
        copy.id += lap_id(lap_x, lap_y);
        found.push_back(copy);
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Nucleus& a, const Nucleus& b) {
    return a.priority != b.priority ? a.priority < b.priority : a.id < b.id;
  });
  return found;
}

}  // namespace histojet::slide
