#include <algorithm>
#include <cmath>

#include "cases.hpp"

namespace histojet::nuclei {
namespace {

using test::Json;

/// s128 lies in this repository; the larger tiles are in the shared fixtures.
std::string fixture(const std::string& tile, const std::string& rest) {
  for (const std::string& name : {tile + rest, tile + rest + ".gz"}) {
    const std::string path =
        tile == "s128" ? test::own_fixture("nuclei/" + name) : test::shared_fixture("hover/" + name);
    if (std::filesystem::exists(path)) return path;
  }
  throw std::runtime_error("no fixture " + tile + rest);
}

std::vector<std::pair<float, float>> points_of(const Json& ring) {
  std::vector<std::pair<float, float>> points;
  for (const Json& point : ring.list) points.emplace_back(point[0].number, point[1].number);
  return points;
}

std::vector<std::pair<float, float>> points_of(const NucleusList& list, std::size_t i) {
  std::vector<std::pair<float, float>> points;
  const auto ring = list.contour(i);
  for (std::size_t k = 0; k + 1 < ring.size(); k += 2) points.emplace_back(ring[k], ring[k + 1]);
  return points;
}

std::size_t differing(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b) {
  std::size_t count = a.size() == b.size() ? 0 : a.size();
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) count += a[i] != b[i];
  return count;
}

/// Rings of features are equal point by point; repaired ones (closed twice) may start elsewhere.
bool same_ring(std::vector<std::pair<float, float>> ours, std::vector<std::pair<float, float>> reference) {
  reference.pop_back();  // the file closes every ring
  if (ours == reference) return true;
  if (ours.size() != reference.size() || ours.front() != ours.back()) return false;
  ours.pop_back();
  reference.pop_back();
  const auto start = std::find(ours.begin(), ours.end(), reference.front());
  if (start == ours.end()) return false;
  std::rotate(ours.begin(), start, ours.end());
  return ours == reference;
}

void expect_hovernet(const std::string& tile) {
  const test::Npz npz = test::read_npz(fixture(tile, ".npz"));
  const Maps maps = test::maps_of(npz);
  for (const bool monotone : {false, true}) {
    PostprocessOptions options = test::compat(Variant::kHoverNet);
    options.monotone_watershed = monotone;
    const PostprocessResult result = postprocess(maps, options);
    EXPECT_EQ(differing(result.labels, npz.at("hovernet_inst").as<std::int32_t>()), 0u) << tile;
    const Json file = test::read_json(fixture(tile, "_hovernet.json"));
    const Json& expected = file["nuc"];
    ASSERT_EQ(result.ids.size(), expected.size());
    for (std::size_t i = 0; i < result.ids.size(); ++i) {
      const Json& nucleus = expected[std::to_string(result.ids[i])];
      EXPECT_EQ(points_of(result.nuclei, i), points_of(nucleus["contour"])) << tile << " " << result.ids[i];
      EXPECT_EQ(result.nuclei.centroids[2 * i], static_cast<float>(nucleus["centroid"][0].number));
      EXPECT_EQ(result.nuclei.centroids[2 * i + 1], static_cast<float>(nucleus["centroid"][1].number));
      const float* box = &result.nuclei.boxes[4 * i];
      EXPECT_EQ(box[0], nucleus["bbox"][0][1].number);
      EXPECT_EQ(box[1], nucleus["bbox"][0][0].number);
      EXPECT_EQ(box[2], nucleus["bbox"][1][1].number);
      EXPECT_EQ(box[3], nucleus["bbox"][1][0].number);
      EXPECT_EQ(result.nuclei.typed(), !nucleus["type"].null());
      if (!result.nuclei.typed()) continue;
      EXPECT_EQ(result.nuclei.types[i], nucleus["type"].number);
      EXPECT_EQ(result.nuclei.type_probabilities[i], static_cast<float>(nucleus["type_prob"].number));
    }
  }
}

void expect_features(const PostprocessResult& result, const Json& features, const std::string& what) {
  ASSERT_EQ(result.nuclei.size(), features.size()) << what;
  for (std::size_t i = 0; i < features.size(); ++i) {
    EXPECT_TRUE(same_ring(points_of(result.nuclei, i), points_of(features[i]["geometry"]["coordinates"][0])))
        << what << " feature " << i;
  }
}

void expect_hoverfast_roi(const std::string& tile) {
  const test::Npz npz = test::read_npz(fixture(tile, ".npz"));
  const Maps maps = test::maps_of(npz);
  PostprocessOptions options = test::compat(Variant::kHoverFast);
  const PostprocessResult result = postprocess(maps, options);
  EXPECT_EQ(differing(result.labels, npz.at("hoverfast_label").as<std::int32_t>()), 0u) << tile;
  expect_features(result, test::read_json(fixture(tile, "_hoverfast_roi.json")), tile);
  options.simplify = 0;
  expect_features(postprocess(maps, options), test::read_json(fixture(tile, "_hoverfast_roi_p0.json")), tile + " p0");
}

/// The slide mode differs by its area threshold, the rule that a centroid lies in the core, and the shift.
void expect_hoverfast_wsi(const std::string& tile) {
  const Json cases = test::read_json(test::own_fixture("nuclei/cases.json"));
  const Json& parameters = cases[tile];
  const Maps maps = test::maps_of(test::read_npz(fixture(tile, ".npz")));
  const double downfactor = parameters["wsi_downfactor"].number, mpp = parameters["wsi_mpp"].number;
  PostprocessOptions options = test::compat(Variant::kHoverFast);
  options.min_area_px = 5 / (mpp * mpp) / (downfactor * downfactor);
  PostprocessResult result = postprocess(maps, options);
  const double half = std::floor(static_cast<double>(maps.width) / 2);
  const double reach = half - std::floor(parameters["wsi_stride"].number / 2);
  PostprocessResult kept;
  for (std::size_t i = 0; i < result.nuclei.size(); ++i) {
    const float x = result.nuclei.centroids[2 * i], y = result.nuclei.centroids[2 * i + 1];
    if (std::fabs(x - half) <= reach && std::fabs(y - half) <= reach) kept.nuclei.append(result.nuclei, i);
  }
  kept.nuclei.transform(downfactor, downfactor, parameters["wsi_coord"][0].number, parameters["wsi_coord"][1].number,
                        downfactor * downfactor);
  const Json features = test::read_json(fixture(tile, "_hoverfast_wsi.json"));
  expect_features(kept, features, tile + " wsi");
}

TEST(Parity, HoverNetTile) {
  expect_hovernet("s128");
}
TEST(Parity, HoverFastRegion) {
  expect_hoverfast_roi("s128");
}
TEST(Parity, HoverFastSlide) {
  expect_hoverfast_wsi("s128");
}

TEST(Parity, LargerTiles) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  for (const std::string tile : {"s256", "s512", "s1024"}) {
    expect_hovernet(tile);
    expect_hoverfast_roi(tile);
    expect_hoverfast_wsi(tile);
  }
}

class EdgeCase : public ::testing::TestWithParam<std::string> {};

TEST_P(EdgeCase, BothVariants) {
  const test::Npz npz = test::read_npz(test::own_fixture("nuclei/edge_cases.npz"));
  const Json file = test::read_json(test::own_fixture("nuclei/edge_cases.json"));
  const Json& expected = file[GetParam()];
  const std::string prefix = GetParam() + ".";
  const Maps maps = test::maps_of(npz, prefix);
  for (const bool monotone : {false, true}) {
    PostprocessOptions options = test::compat(Variant::kHoverNet);
    options.monotone_watershed = monotone;
    const std::string ending = monotone ? "_monotone" : "";
    const PostprocessResult hovernet = postprocess(maps, options);
    EXPECT_EQ(hovernet.labels, npz.at(prefix + "hovernet_inst" + ending).as<std::int32_t>());
    ASSERT_EQ(hovernet.ids.size(), expected["hovernet_info_ids"].size());
    for (std::size_t i = 0; i < hovernet.ids.size(); ++i) {
      const std::string id = std::to_string(hovernet.ids[i]);
      EXPECT_EQ(hovernet.ids[i], expected["hovernet_info_ids"][i].number);
      EXPECT_EQ(points_of(hovernet.nuclei, i), points_of(expected["hovernet_contours"][id]));
      EXPECT_EQ(hovernet.nuclei.centroids[2 * i], static_cast<float>(expected["hovernet_centroids"][id][0].number));
      EXPECT_EQ(hovernet.nuclei.centroids[2 * i + 1], static_cast<float>(expected["hovernet_centroids"][id][1].number));
    }
    options.variant = Variant::kHoverFast;
    options.min_area_px = 10;
    for (const int simplify : {0, 6}) {
      options.simplify = simplify;
      const PostprocessResult hoverfast = postprocess(maps, options);
      if (simplify == 0) {
        EXPECT_EQ(hoverfast.labels, npz.at(prefix + "hoverfast_label" + ending).as<std::int32_t>());
      }
      const Json& rings = expected[simplify == 0 ? "hoverfast_features_p0" : "hoverfast_features_p6"];
      ASSERT_EQ(hoverfast.nuclei.size(), rings.size());
      for (std::size_t i = 0; i < rings.size(); ++i) {
        EXPECT_TRUE(same_ring(points_of(hoverfast.nuclei, i), points_of(rings[i]))) << simplify << " ring " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Parity, EdgeCase,
                         ::testing::Values("empty", "full", "half", "tiny", "diagonal", "const_hv", "ring_and_core",
                                           "borders", "bridges", "ties_q8", "ties_q4", "symmetric", "spill"));

}  // namespace
}  // namespace histojet::nuclei
