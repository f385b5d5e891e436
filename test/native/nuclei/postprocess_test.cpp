#include "nuclei/postprocess.hpp"

#include <cmath>
#include <limits>
#include <set>

#include "base/error.hpp"
#include "cases.hpp"
#include "nuclei/polygon.hpp"

namespace histojet::nuclei {
namespace {

Maps s128() {
  return test::maps_of(test::read_npz(test::own_fixture("nuclei/s128.npz")));
}

Maps constant(std::int64_t height, std::int64_t width, float np, float hv) {
  const auto pixels = static_cast<std::size_t>(height * width);
  return {height, width, std::vector<float>(pixels, np), std::vector<float>(2 * pixels, hv), {}};
}

Ring doubled_ring(const NucleusList& list, std::size_t i) {
  Ring ring;
  const auto points = list.contour(i);
  for (std::size_t k = 0; k + 1 < points.size(); k += 2) {
    EXPECT_EQ(points[k] * 2, std::round(points[k] * 2));
    ring.push_back({static_cast<std::int32_t>(points[k] * 2), static_cast<std::int32_t>(points[k + 1] * 2)});
  }
  return ring;
}

/// All that a default result promises.
void expect_sound(const Maps& maps, const PostprocessResult& result, double min_area_px) {
  const std::size_t n = result.nuclei.size();
  ASSERT_EQ(result.ids.size(), n);
  ASSERT_EQ(result.nuclei.contour_starts.size(), n + 1);
  ASSERT_EQ(result.labels.size(), maps.np.size());
  std::vector<double> count(n + 1), x(n + 1), y(n + 1);
  std::int32_t last_new = 0;
  for (std::size_t i = 0; i < result.labels.size(); ++i) {
    const std::int32_t label = result.labels[i];
    ASSERT_TRUE(label >= 0 && label <= static_cast<std::int32_t>(n));
    const auto at = static_cast<std::size_t>(label);
    if (label > 0 && count[at] == 0) {
      EXPECT_EQ(label, last_new + 1) << "labels rise in raster order";
      last_new = label;
    }
    ++count[at];
    x[at] += static_cast<double>(static_cast<std::int64_t>(i) % maps.width) + 0.5;
    y[at] += static_cast<double>(static_cast<std::int64_t>(i) / maps.width) + 0.5;
  }
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(result.ids[i], static_cast<std::int32_t>(i) + 1);
    EXPECT_GE(count[i + 1], min_area_px);
    EXPECT_EQ(result.nuclei.areas[i], count[i + 1]);
    EXPECT_NEAR(result.nuclei.centroids[2 * i], x[i + 1] / count[i + 1], 1e-3);
    EXPECT_NEAR(result.nuclei.centroids[2 * i + 1], y[i + 1] / count[i + 1], 1e-3);
    const Ring ring = doubled_ring(result.nuclei, i);
    EXPECT_TRUE(is_simple(ring));
    EXPECT_GT(doubled_area(ring), 0);
    const float* box = &result.nuclei.boxes[4 * i];
    for (const Point p : ring) {
      EXPECT_TRUE(p.x >= 2 * box[0] && p.x <= 2 * box[2] && p.y >= 2 * box[1] && p.y <= 2 * box[3]);
    }
  }
}

TEST(Postprocess, DefaultModeKeepsTheReferencesObjects) {
  const Maps maps = s128();
  for (const Variant variant : {Variant::kHoverNet, Variant::kHoverFast}) {
    PostprocessOptions options;
    options.variant = variant;
    expect_sound(maps, postprocess(maps, options), variant == Variant::kHoverNet ? 10 : 85);
    options.min_area_px = 200;
    options.simplify = 0;
    expect_sound(maps, postprocess(maps, options), 200);
  }
  // HoverNet: the same pixels per object, renumbered.
  const auto reference = postprocess(maps, test::compat(Variant::kHoverNet)).labels;
  const auto ours = postprocess(maps, {}).labels;
  std::set<std::pair<int, int>> pairs;
  for (std::size_t i = 0; i < ours.size(); ++i) pairs.emplace(ours[i], reference[i]);
  EXPECT_EQ(pairs.size(), 17u);
}

TEST(Postprocess, EdgeCasesAreSound) {
  const test::Npz npz = test::read_npz(test::own_fixture("nuclei/edge_cases.npz"));
  for (const auto& [name, array] : npz) {
    if (!name.ends_with(".np_prob")) continue;
    const Maps maps = test::maps_of(npz, name.substr(0, name.size() - 7));
    for (const Variant variant : {Variant::kHoverNet, Variant::kHoverFast}) {
      PostprocessOptions options;
      options.variant = variant;
      expect_sound(maps, postprocess(maps, options), variant == Variant::kHoverNet ? 10 : 85);
    }
  }
}

TEST(Postprocess, TileWithoutBackgroundKeepsItsNucleus) {
  const Maps maps = test::maps_of(test::read_npz(test::own_fixture("nuclei/edge_cases.npz")), "full.");
  EXPECT_EQ(postprocess(maps, test::compat(Variant::kHoverNet)).nuclei.size(), 0u);
  EXPECT_EQ(postprocess(maps, {}).nuclei.size(), 1u);
}

TEST(Postprocess, TinyAndEmptyMaps) {
  for (const Variant variant : {Variant::kHoverNet, Variant::kHoverFast}) {
    for (const bool compat : {false, true}) {
      PostprocessOptions options;
      options.variant = variant;
      options.compat = compat;
      options.min_area_px = 0;
      for (const auto& [height, width] :
           {std::pair<int, int>{0, 0}, {0, 7}, {1, 1}, {1, 40}, {40, 1}, {2, 2}, {5, 70}}) {
        for (const float np : {0.0f, 1.0f}) {
          const Maps maps = constant(height, width, np, 0);
          const PostprocessResult result = postprocess(maps, options);
          EXPECT_EQ(result.labels.size(), maps.np.size());
          if (!compat) expect_sound(maps, result, 0);
        }
      }
    }
  }
}

TEST(Postprocess, ValuesThatAreNoNumbersCountAsBackgroundAndFlat) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  Maps maps = s128();
  for (std::size_t i = 0; i < maps.np.size(); i += 97) maps.np[i] = nan;
  for (std::size_t i = 0; i < maps.hv.size(); i += 89) maps.hv[i] = i % 2 ? nan : i % 3 ? infinity : -infinity;
  Maps clean = maps;
  for (float& value : clean.np) value = std::isnan(value) ? 0 : value;
  for (float& value : clean.hv) value = std::isfinite(value) ? value : 0;
  for (const Variant variant : {Variant::kHoverNet, Variant::kHoverFast}) {
    PostprocessOptions options;
    options.variant = variant;
    const PostprocessResult result = postprocess(maps, options);
    expect_sound(maps, result, 1);
    EXPECT_EQ(result.labels, postprocess(clean, options).labels);
  }
  EXPECT_EQ(postprocess(constant(30, 30, nan, nan), {}).nuclei.size(), 0u);
}

TEST(Postprocess, HugeAndTinyValues) {
  for (const float scale : {1e38f, 1e-38f, 1e-44f}) {
    Maps maps = s128();
    for (float& value : maps.hv) value *= scale;
    for (const Variant variant : {Variant::kHoverNet, Variant::kHoverFast}) {
      PostprocessOptions options;
      options.variant = variant;
      expect_sound(maps, postprocess(maps, options), 1);
    }
  }
}

TEST(Postprocess, RefusesWrongShapes) {
  const auto code_of = [](const Maps& maps, const PostprocessOptions& options) {
    try {
      postprocess(maps, options);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  Maps maps = constant(4, 5, 0, 0);
  maps.np.pop_back();
  EXPECT_EQ(code_of(maps, {}), ErrorCode::kShapeMismatch);
  maps = constant(4, 5, 0, 0);
  maps.hv.push_back(0);
  EXPECT_EQ(code_of(maps, {}), ErrorCode::kShapeMismatch);
  maps = constant(4, 5, 0, 0);
  maps.tp.push_back(0);
  EXPECT_EQ(code_of(maps, {}), ErrorCode::kShapeMismatch);
  maps = {-1, 5, {}, {}, {}};
  EXPECT_EQ(code_of(maps, {}), ErrorCode::kInvalidArgument);
  PostprocessOptions options;
  options.simplify = std::nan("");
  EXPECT_EQ(code_of(constant(4, 5, 0, 0), options), ErrorCode::kInvalidArgument);
}

TEST(Postprocess, StopsWhenCancelled) {
  CancelSource source;
  source.cancel();
  EXPECT_THROW(postprocess(s128(), {}, source.token()), Cancelled);
}

TEST(NucleusList, AppendAndTransform) {
  const NucleusList all = postprocess(s128(), {}).nuclei;
  NucleusList list;
  list.append(all, 3);
  list.append(all, 5);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_TRUE(list.typed());
  EXPECT_EQ(list.types[1], all.types[5]);
  EXPECT_TRUE(std::ranges::equal(list.contour(1), all.contour(5)));
  list.transform(2, 4, 10, 20, 0.25);
  EXPECT_EQ(list.centroids[2], all.centroids[10] * 2 + 10);
  EXPECT_EQ(list.boxes[5], all.boxes[21] * 4 + 20);
  EXPECT_EQ(list.contour(0)[1], all.contour(3)[1] * 4 + 20);
  EXPECT_EQ(list.areas[0], all.areas[3] * 0.25f);
  NucleusList untyped;
  untyped.areas = {1};
  untyped.centroids = {0, 0};
  untyped.boxes = {0, 0, 1, 1};
  untyped.contour_starts = {0, 0};
  EXPECT_THROW(list.append(untyped, 0), Error);
  EXPECT_THROW(list.append(all, all.size()), Error);
}

}  // namespace
}  // namespace histojet::nuclei
