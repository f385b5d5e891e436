#include "slide/synthetic.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "slide/synthetic_scene.hpp"

namespace histojet::slide {
namespace {

SyntheticParams small_slide(std::uint64_t seed) {
  SyntheticParams p;
  p.width = 1500;
  p.height = 1300;
  p.seed = seed;
  p.tissue = 0.8;
  return p;
}

/// Crossing or touching of two closed segments that share no end.
bool segments_meet(const float* a, const float* b, const float* c, const float* d) {
  const auto side = [](const float* p, const float* q, const float* r) {
    return (static_cast<double>(q[0]) - p[0]) * (static_cast<double>(r[1]) - p[1]) -
           (static_cast<double>(q[1]) - p[1]) * (static_cast<double>(r[0]) - p[0]);
  };
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

bool is_simple(const std::vector<float>& points) {
  const std::size_t count = points.size() / 2;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      if (segments_meet(&points[2 * i], &points[2 * ((i + 1) % count)], &points[2 * j],
                        &points[2 * ((j + 1) % count)])) {
        return false;
      }
    }
  }
  return true;
}

bool holds(const std::vector<float>& points, double x, double y) {
  bool inside = false;
  const std::size_t count = points.size() / 2;
  for (std::size_t i = 0, j = count - 1; i < count; j = i++) {
    const double xi = points[2 * i], yi = points[2 * i + 1], xj = points[2 * j], yj = points[2 * j + 1];
    if ((yi > y) != (yj > y) && x < (xj - xi) * (y - yi) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

TEST(Synthetic, EqualSeedsGiveEqualPixelsAndOthersDoNot) {
  const auto a = SyntheticScene::create(small_slide(3))->render(100, 200, 300, 250);
  const auto b = SyntheticScene::create(small_slide(3))->render(100, 200, 300, 250);
  const auto c = SyntheticScene::create(small_slide(4))->render(100, 200, 300, 250);
  EXPECT_EQ(a.data, b.data);
  EXPECT_NE(a.data, c.data);
}

TEST(Synthetic, WindowsFitWithoutSeams) {
  for (const std::uint64_t seed : {2, 7}) {
    const auto scene = SyntheticScene::create(small_slide(seed));
    const Image whole = scene->render(0, 0, 1500, 1300);
    const auto labels = scene->labels(0, 0, 1500, 1300);
    for (const auto& w : std::vector<std::array<std::int64_t, 4>>{
             {0, 0, 37, 41}, {511, 257, 301, 199}, {1001, 3, 499, 255}, {777, 1023, 130, 277}}) {
      const Image part = scene->render(w[0], w[1], w[2], w[3]);
      const auto part_labels = scene->labels(w[0], w[1], w[2], w[3]);
      for (std::int64_t y = 0; y < w[3]; ++y) {
        ASSERT_TRUE(std::equal(part.row(y), part.row(y) + 3 * w[2], whole.row(w[1] + y) + 3 * w[0]))
            << "seed " << seed << ", row " << y << " of the window at " << w[0] << ", " << w[1];
        ASSERT_TRUE(std::equal(part_labels.begin() + y * w[2], part_labels.begin() + (y + 1) * w[2],
                               labels.begin() + (w[1] + y) * 1500 + w[0]));
      }
    }
  }
}

TEST(Synthetic, EveryNucleusLiesInOneWindowOfAPartition) {
  const auto scene = SyntheticScene::create(small_slide(5));
  std::map<std::uint64_t, std::vector<float>> all;
  for (const auto& n : scene->nuclei(0, 0, 1500, 1300)) ASSERT_TRUE(all.emplace(n.id, n.points).second);
  ASSERT_GT(all.size(), 100u);
  std::size_t found = 0;
  for (std::int64_t y = 0; y < 1300; y += 211) {
    for (std::int64_t x = 0; x < 1500; x += 333) {
      for (const auto& n :
           scene->nuclei(x, y, std::min<std::int64_t>(333, 1500 - x), std::min<std::int64_t>(211, 1300 - y))) {
        ++found;
        ASSERT_TRUE(all.count(n.id));
        EXPECT_EQ(all[n.id], n.points);
      }
    }
  }
  EXPECT_EQ(found, all.size());
}

TEST(Synthetic, RingsAreSimpleAndStayInsideTheSlide) {
  for (const std::uint64_t seed : {1, 6, 9}) {
    SyntheticParams p = small_slide(seed);
    p.tissue = 1;
    for (const auto& n : SyntheticScene::create(p)->nuclei(0, 0, p.width, p.height)) {
      ASSERT_GE(n.points.size(), 32u);
      ASSERT_LE(n.points.size(), 96u);
      EXPECT_TRUE(is_simple(n.points)) << "nucleus " << n.id << " of seed " << seed;
      ASSERT_LT(static_cast<std::size_t>(n.kind), synthetic_kinds().size());
      for (std::size_t i = 0; i < n.points.size(); i += 2) {
        ASSERT_GE(n.points[i], 0);
        ASSERT_LE(n.points[i], static_cast<float>(p.width));
        ASSERT_GE(n.points[i + 1], 0);
        ASSERT_LE(n.points[i + 1], static_cast<float>(p.height));
      }
    }
  }
}

TEST(Synthetic, LabelsAgreeWithRings) {
  SyntheticParams p = small_slide(8);
  p.tissue = 1;
  const auto scene = SyntheticScene::create(p);
  const auto labels = scene->labels(0, 0, p.width, p.height);
  std::int64_t inside = 0, agree = 0, kept = 0;
  std::set<std::int32_t> seen(labels.begin(), labels.end());
  const auto nuclei = scene->nuclei(0, 0, p.width, p.height);
  for (const auto& n : nuclei) {
    float left = 1e9f, right = 0, top = 1e9f, bottom = 0;
    for (std::size_t i = 0; i < n.points.size(); i += 2) {
      left = std::min(left, n.points[i]), right = std::max(right, n.points[i]);
      top = std::min(top, n.points[i + 1]), bottom = std::max(bottom, n.points[i + 1]);
    }
    for (std::int64_t y = static_cast<std::int64_t>(top); y < std::min<float>(bottom, 1300); ++y) {
      for (std::int64_t x = static_cast<std::int64_t>(left); x < std::min<float>(right, 1500); ++x) {
        if (!holds(n.points, static_cast<double>(x) + 0.5, static_cast<double>(y) + 0.5)) continue;
        ++inside;
        agree += labels[static_cast<std::size_t>(y * p.width + x)] == static_cast<std::int32_t>(n.id);
      }
    }
    kept += static_cast<std::int64_t>(seen.count(static_cast<std::int32_t>(n.id)));
  }
  ASSERT_GT(inside, 50000);
  EXPECT_GE(static_cast<double>(agree), 0.995 * static_cast<double>(inside));
  EXPECT_EQ(kept, static_cast<std::int64_t>(nuclei.size()));
  EXPECT_EQ(seen.size(), nuclei.size() + 1);
}

/// A nucleus must be visible where its ring says: darker than the rest of its surroundings for nearly all of them.
TEST(Synthetic, NucleiAreDarkerThanTheirSurroundings) {
  SyntheticParams p = small_slide(11);
  p.tissue = 1;
  const auto scene = SyntheticScene::create(p);
  const Image image = scene->render(0, 0, p.width, p.height);
  const auto labels = scene->labels(0, 0, p.width, p.height);
  double dark = 0, bright = 0, dark_count = 0, bright_count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    (labels[i] != 0 ? dark : bright) += image.data[3 * i];
    (labels[i] != 0 ? dark_count : bright_count) += 1;
  }
  EXPECT_LT(dark / dark_count + 25, bright / bright_count);
}

TEST(Synthetic, TissueShareIsKept) {
  for (const double share : {0.0, 0.024, 0.3, 0.6, 0.9, 1.0}) {
    SyntheticParams p;
    p.width = 6000;
    p.height = 4000;
    p.seed = 21;
    p.tissue = share;
    const PaintedScene scene(p);
    double inside = 0, all = 0;
    for (std::int64_t y = 8; y < p.height; y += 16) {
      for (std::int64_t x = 8; x < p.width; x += 16) {
        inside += scene.layout().at(static_cast<double>(x), static_cast<double>(y))[kTissue] > 0;
        ++all;
      }
    }
    EXPECT_NEAR(inside / all, share, 0.02) << share;
  }
}

TEST(Synthetic, BlankWindowsShowBackgroundOnly) {
  SyntheticParams p;
  p.width = 6000;
  p.height = 6000;
  p.seed = 30;
  p.tissue = 0.1;
  const PaintedScene scene(p);
  const auto colour = scene.background();
  int blanks = 0;
  for (std::int64_t y = 0; y < 6000 && blanks < 12; y += 500) {
    for (std::int64_t x = 0; x < 6000 && blanks < 12; x += 500) {
      if (!scene.blank(x, y, 200, 200)) continue;
      ++blanks;
      // A larger window is painted in blocks that are not blank as a whole, so the pixels are really computed.
      const Layout& layout = scene.layout();
      for (std::int64_t v = y; v < y + 200; v += 8) {
        for (std::int64_t u = x; u < x + 200; u += 8) {
          ASSERT_LT(layout.at(static_cast<double>(u), static_cast<double>(v))[kTissue], -16);
        }
      }
      const Image image = scene.render(x, y, 200, 200);
      EXPECT_EQ(image.data[0], colour[0]);
      EXPECT_TRUE(scene.nuclei(x, y, 200, 200).empty());
    }
  }
  EXPECT_GT(blanks, 3);
}

TEST(Synthetic, RepeatedSceneIsPeriodic) {
  SyntheticParams p;
  p.width = p.height = 12000;
  p.seed = 14;
  p.repeat = true;
  p.tissue = 0.7;
  const auto scene = SyntheticScene::create(p);
  const std::int64_t period = kSyntheticPeriodPx;
  EXPECT_EQ(scene->render(period - 60, 300, 130, 90).data, scene->render(2 * period - 60, 300 + period, 130, 90).data);
  const auto a = scene->nuclei(1000, 1000, 500, 500);
  const auto b = scene->nuclei(1000 + period, 1000 + 2 * period, 500, 500);
  ASSERT_EQ(a.size(), b.size());
  ASSERT_FALSE(a.empty());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NE(a[i].id, b[i].id);
    ASSERT_EQ(a[i].points.size(), b[i].points.size());
    EXPECT_NEAR(a[i].points[0] + static_cast<float>(period), b[i].points[0], 0.03);
    EXPECT_NEAR(a[i].points[1] + static_cast<float>(2 * period), b[i].points[1], 0.03);
  }
}

/// Noise, fibres and nuclei must run on over the seam: the step across it is no larger than steps beside it.
TEST(Synthetic, RepeatHasNoSeam) {
  SyntheticParams p;
  p.width = p.height = 9000;
  p.seed = 15;
  p.repeat = true;
  p.tissue = 1;
  const auto scene = SyntheticScene::create(p);
  const Image image = scene->render(kSyntheticPeriodPx - 20, 0, 40, 600);
  const auto step = [&](std::int64_t x) {
    double sum = 0;
    for (std::int64_t y = 0; y < 600; ++y) sum += std::abs(image.row(y)[3 * x] - image.row(y)[3 * x + 3]);
    return sum / 600;
  };
  double beside = 0;
  for (const std::int64_t x : {5, 10, 15, 24, 30}) beside = std::max(beside, step(x));
  EXPECT_LT(step(19), beside * 1.5 + 1);
}

TEST(Synthetic, NaturalSizesAtOtherResolutions) {
  for (const double mpp : {0.125, 0.5, 1.0}) {
    SyntheticParams p = small_slide(5);
    p.mpp = mpp;
    p.tissue = 1;
    const auto nuclei = SyntheticScene::create(p)->nuclei(200, 200, 800, 800);
    ASSERT_GT(nuclei.size(), 5u);
    double width_um = 0;
    for (const auto& n : nuclei) {
      float left = 1e9f, right = 0;
      for (std::size_t i = 0; i < n.points.size(); i += 2)
        left = std::min(left, n.points[i]), right = std::max(right, n.points[i]);
      width_um += static_cast<double>(right - left) * mpp;
    }
    EXPECT_GT(width_um / static_cast<double>(nuclei.size()), 4);
    EXPECT_LT(width_um / static_cast<double>(nuclei.size()), 14);
  }
}

SyntheticParams graded_slide(std::uint64_t seed, int grade) {
  SyntheticParams p;
  p.width = 550;
  p.height = 500;
  p.mpp = 1;
  p.seed = seed;
  p.tissue = 0.95;
  p.grade = grade;
  return p;
}

TEST(SyntheticGrade, KindsTellGradesApartAndNothingElse) {
  std::set<std::size_t> counts;
  std::set<int> first_kinds;
  for (std::uint64_t seed = 1; seed < 25; ++seed) {
    const auto one = SyntheticScene::create(graded_slide(seed, 1))->clusters();
    const auto two = SyntheticScene::create(graded_slide(seed, 2))->clusters();
    EXPECT_TRUE(SyntheticScene::create(graded_slide(seed, 0))->clusters().empty());
    ASSERT_EQ(one.size(), two.size());
    ASSERT_GE(one.size(), 2u);
    ASSERT_LE(one.size(), 4u);
    counts.insert(one.size());
    first_kinds.insert(one[0].kind);
    std::set<int> kinds_one, kinds_two;
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(one[i].x, two[i].x);
      EXPECT_EQ(one[i].y, two[i].y);
      EXPECT_EQ(one[i].radius_px, two[i].radius_px);
      kinds_one.insert(one[i].kind);
      kinds_two.insert(two[i].kind);
      for (std::size_t j = 0; j < i; ++j) {
        EXPECT_GE(std::hypot(one[i].x - one[j].x, one[i].y - one[j].y), 200);
      }
    }
    EXPECT_EQ(kinds_one.size(), 1u);
    EXPECT_EQ(kinds_two.size(), 2u);
  }
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_EQ(first_kinds.size(), 2u);
}

TEST(SyntheticGrade, PixelsChangeAtClustersOnly) {
  for (const std::uint64_t seed : {3}) {
    SyntheticParams plain = graded_slide(seed, kNoGrade);
    const Image without = SyntheticScene::create(plain)->render(0, 0, plain.width, plain.height);
    EXPECT_EQ(SyntheticScene::create(graded_slide(seed, 0))->render(0, 0, plain.width, plain.height).data,
              without.data);
    const auto scene = SyntheticScene::create(graded_slide(seed, 2));
    const Image with = scene->render(0, 0, plain.width, plain.height);
    for (const TrueCluster& c : scene->clusters()) {
      std::int64_t changed = 0, inside = 0, far_changed = 0;
      for (std::int64_t y = 0; y < plain.height; ++y) {
        for (std::int64_t x = 0; x < plain.width; ++x) {
          const bool differs = !std::equal(with.row(y) + 3 * x, with.row(y) + 3 * x + 3, without.row(y) + 3 * x);
          const double distance = std::hypot(static_cast<double>(x) - c.x, static_cast<double>(y) - c.y);
          if (distance < 0.6 * c.radius_px) ++inside, changed += differs;
          const bool far = std::all_of(scene->clusters().begin(), scene->clusters().end(), [&](const TrueCluster& o) {
            return std::hypot(static_cast<double>(x) - o.x, static_cast<double>(y) - o.y) > o.radius_px + 60;
          });
          far_changed += far && differs;
        }
      }
      EXPECT_GT(changed, inside * 9 / 10);
      EXPECT_EQ(far_changed, 0);
    }
  }
}

TEST(SyntheticGrade, WindowsOfClustersFitAndKindsLookDifferent) {
  const auto scene = SyntheticScene::create(graded_slide(4, 2));
  const Image whole = scene->render(0, 0, 550, 500);
  std::map<int, double> red;
  for (const TrueCluster& c : scene->clusters()) {
    const auto x = static_cast<std::int64_t>(c.x), y = static_cast<std::int64_t>(c.y);
    const Image part = scene->render(x, y, 45, 47);
    for (std::int64_t row = 0; row < 47; ++row) {
      ASSERT_TRUE(std::equal(part.row(row), part.row(row) + 3 * 45, whole.row(y + row) + 3 * x));
    }
    double sum = 0;
    for (std::int64_t i = 0; i < 20 * 20; ++i) sum += whole.row(y - 10 + i / 20)[3 * (x - 10 + i % 20)];
    red[c.kind] = sum / 400;
  }
  ASSERT_EQ(red.size(), 2u);
  EXPECT_LT(red[0] + 30, red[1]);
}

TEST(SyntheticGrade, RefusesGradesThatTheSlideCannotHave) {
  EXPECT_THROW(SyntheticScene::create(graded_slide(1, 3)), Error);
  SyntheticParams p = graded_slide(1, 1);
  p.width = 150;
  p.height = 150;
  EXPECT_THROW(SyntheticScene::create(p), Error);
  p = graded_slide(1, 1);
  p.tissue = 0;
  EXPECT_THROW(SyntheticScene::create(p), Error);
  p = graded_slide(1, 0);
  p.repeat = true;
  EXPECT_THROW(SyntheticScene::create(p), Error);
}

TEST(Synthetic, RefusesImpossibleParameters) {
  SyntheticParams p;
  p.width = 0;
  EXPECT_THROW(SyntheticScene::create(p), Error);
  p.width = 100;
  p.tissue = 1.5;
  EXPECT_THROW(SyntheticScene::create(p), Error);
  p.tissue = 0.5;
  p.mpp = std::nan("");
  EXPECT_THROW(SyntheticScene::create(p), Error);
}

}  // namespace
}  // namespace histojet::slide
