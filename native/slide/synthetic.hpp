#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"

namespace histojet::slide {

/// A slide without a grade.
constexpr int kNoGrade = -1;

/// What a synthetic H&E slide looks like. Equal parameters give equal bytes on every machine and thread count.
struct SyntheticParams {
  std::int64_t width = 10000;  ///< level-0 pixels
  std::int64_t height = 10000;
  std::uint64_t seed = 1;
  double mpp = 0.25;    ///< micrometres per pixel; nuclei have natural sizes in micrometres
  double tissue = 0.6;  ///< share of the area that is tissue, 0..1
  bool repeat = false;  ///< periodic texture whose JPEG tiles are stored once
  /// A label of the whole slide that shows only in rare cell clusters: 0 none, 1 two to four clusters of one kind, 2 as
  /// many of both kinds. Grade 0 shows the same pixels as no grade.
  int grade = kNoGrade;
};

/// One true nucleus: a simple ring in level-0 pixels (pixel-edge convention), open.
struct TrueNucleus {
  std::uint64_t id = 0;
  std::vector<float> points;  ///< x0, y0, x1, y1, …
  int kind = 0;               ///< index into synthetic_kinds()
};

/// One cell cluster of a graded slide, in level-0 pixels: about a disc.
struct TrueCluster {
  double x = 0;
  double y = 0;
  double radius_px = 0;
  int kind = 0;  ///< index into synthetic_cluster_kinds()
};

/// The picture as a function: any window of any slide can be drawn alone and neighbours fit without a seam.
/// Immutable; safe from any number of threads.
class SyntheticScene {
 public:
  virtual ~SyntheticScene() = default;
  static std::shared_ptr<const SyntheticScene> create(const SyntheticParams& params);
  virtual const SyntheticParams& params() const = 0;
  /// RGB of the window with corner (x, y) in level-0 pixels.
  virtual Image render(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const = 0;
  /// Instance labels of the same window: 0 background, equal ids in all windows (id modulo 2^31 - 1, never 0).
  /// A pixel belongs to a nucleus when its centre lies inside the ring; where rings overlap the later one wins, and
  /// the rings that nuclei() gives are already cut accordingly, so that labels and rings agree.
  virtual std::vector<std::int32_t> labels(std::int64_t x, std::int64_t y, std::int64_t width,
                                           std::int64_t height) const = 0;
  /// The nuclei whose centre lies in the window, each in exactly one window of any partition, in a fixed order.
  virtual std::vector<TrueNucleus> nuclei(std::int64_t x, std::int64_t y, std::int64_t width,
                                          std::int64_t height) const = 0;
  /// The clusters that make the grade; empty without a grade and in grade 0.
  virtual const std::vector<TrueCluster>& clusters() const = 0;
};

/// Names of the nucleus kinds ("epithelial", "lymphocyte", "fibroblast", …).
const std::vector<std::string>& synthetic_kinds();

/// Names of the cluster kinds: "basophilic" (tight, dark nuclei), "eosinophilic" (large pink cells, pale nuclei).
const std::vector<std::string>& synthetic_cluster_kinds();

struct SyntheticResult {
  std::int64_t nuclei = 0;
  std::int64_t file_bytes = 0;
  std::vector<TrueCluster> clusters;
};

/// Writes the slide as a pyramidal JPEG BigTIFF (tiles of 256, levels halved with a box filter) in bounded memory and,
/// when `truth_path` is not empty, the rings as GeoJSON (one Feature a line; a path that ends in .gz is compressed);
/// the collection of a graded slide has the members `grade` and `clusters`. `progress(done, total)` counts tiles and
/// may be called from any thread, one call at a time.
SyntheticResult write_synthetic_slide(const std::string& path, const SyntheticParams& params,
                                      const std::string& truth_path,
                                      const std::function<void(std::int64_t, std::int64_t)>& progress,
                                      const CancelToken& cancel);

}  // namespace histojet::slide
