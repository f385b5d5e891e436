#include <string>

#include "base/version.hpp"
#include "slide/pyramid_writer.hpp"
#include "slide/synthetic_geojson.hpp"
#include "slide/synthetic_scene.hpp"

namespace histojet::slide {

namespace {

class SceneSource final : public PyramidSource {
 public:
  explicit SceneSource(const PaintedScene& scene) : scene_(scene) {}
  Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override {
    return scene_.render(x, y, width, height);
  }
  std::optional<Colour> uniform(std::int64_t x, std::int64_t y, std::int64_t width,
                                std::int64_t height) const override {
    if (!scene_.blank(x, y, width, height)) return {};
    return scene_.background();
  }

 private:
  const PaintedScene& scene_;
};

}  // namespace

SyntheticResult write_synthetic_slide(const std::string& path, const SyntheticParams& params,
                                      const std::string& truth_path,
                                      const std::function<void(std::int64_t, std::int64_t)>& progress,
                                      const CancelToken& cancel) {
  const PaintedScene scene(params);
  PyramidOptions options;
  options.width = params.width;
  options.height = params.height;
  options.mpp = params.mpp;
  options.software = "histojet " + std::string(kVersion);
  options.description = options.software + " synthetic slide, seed " + std::to_string(params.seed);
  options.period_px = params.repeat ? kSyntheticPeriodPx : 0;
  SyntheticResult result;
  result.file_bytes = PyramidWriter(options).write(path, SceneSource(scene), progress, cancel);
  result.clusters = scene.clusters();
  result.nuclei = write_synthetic_truth(truth_path, scene, cancel);
  return result;
}

}  // namespace histojet::slide
