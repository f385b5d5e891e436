// Pixel-Mamba with computed weights on a computed picture, one request per line on stdin, one JSON line each as answer.
// HISTOJET_THREADS says how many cores it may use.
//   run PRESET SIDE_PX PRECISION THREADS STORE_MIB [SCOPE]   one evaluation: core and wall time, tokens that went to
//                                                            disk, growth of resident memory over that before the run;
//                                                            SCOPE region: all stages look back inside regions only
//   stages PRESET SIDE_PX PRECISION                          core time of each stage's blocks and of all the rest, on
//   one
//                                                            thread, milliseconds per megapixel
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/resident_memory.hpp"
#include "clock.hpp"
#include "models/formula_pixel_mamba.hpp"
#include "models/pixel_mamba/pixel_mamba.hpp"
#include "serve_lines.hpp"

namespace {

using namespace histojet;

/// A picture that is computed where it is read, so that it takes no memory.
class ComputedRegions final : public models::RegionSource {
 public:
  ComputedRegions(const models::PixelMambaConfig& config, std::int64_t side_px)
      : side_px_(side_px),
        region_px_(config.region_size_px),
        table_(config),
        regions_(models::all_regions(config, side_px, side_px)) {}
  std::int64_t width_px() const override { return side_px_; }
  std::int64_t height_px() const override { return side_px_; }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken&) const override {
    const tokens::GridCell cell = regions_[static_cast<std::size_t>(index)];
    std::vector<std::uint8_t> row(static_cast<std::size_t>(3 * region_px_));
    for (std::int64_t y = 0; y < region_px_; ++y) {
      auto seed = static_cast<std::uint32_t>((cell.row * region_px_ + y) * 65599 + cell.column);
      for (std::uint8_t& value : row) {
        seed = seed * 1664525u + 1013904223u;
        value = static_cast<std::uint8_t>(160 + (seed >> 26));
      }
      table_.convert(row.data(), region_px_, out + 3 * y * region_px_);
    }
  }

 private:
  std::int64_t side_px_;
  std::int64_t region_px_;
  models::PixelTable table_;
  std::vector<tokens::GridCell> regions_;
};

/// The most resident memory while it lives, looked at a hundred times a second.
class MemoryWatch {
 public:
  MemoryWatch() : thread_([this] { watch(); }) {}
  ~MemoryWatch() {
    if (thread_.joinable()) stop();
  }
  std::int64_t stop() {
    ended_ = true;
    thread_.join();
    return most_;
  }

 private:
  void watch() {
    while (!ended_) {
      most_ = std::max(most_.load(), resident_bytes());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::atomic<bool> ended_{false};
  std::atomic<std::int64_t> most_{0};
  std::thread thread_;
};

/// Gives the time since the last event to the stage whose block began then.
class StageTimes final : public models::RunListener {
 public:
  explicit StageTimes(std::size_t stages) : blocks_ms(stages) {}
  void before_block(const models::BlockVisit& visit) override {
    settle();
    current_ = &blocks_ms[visit.stage];
  }
  void after_stage(std::size_t, std::int64_t, std::int64_t, const float*, std::int64_t) override {
    settle();
    current_ = &rest_ms;
  }
  void settle() {
    const double now = cpu_ms();
    *current_ += now - last_;
    last_ = now;
  }
  std::vector<double> blocks_ms;
  double rest_ms = 0;

 private:
  double* current_ = &rest_ms;
  double last_ = cpu_ms();
};

models::Precision precision_of(const std::string& name) {
  for (const auto precision : {models::Precision::kFloat32, models::Precision::kHigh, models::Precision::kFast}) {
    if (models::precision_name(precision) == name) return precision;
  }
  throw std::invalid_argument("unknown precision " + name);
}

class Server {
 public:
  std::string answer(const std::string& line) const {
    std::istringstream words(line);
    std::string verb, preset, precision;
    std::int64_t side_px = 0;
    words >> verb >> preset >> side_px >> precision;
    if (verb == "run") {
      std::string scope;
      std::int64_t store_mib = 0;
      int threads = 0;
      words >> threads >> store_mib >> scope;
      return run(preset, side_px, precision, {.threads = threads, .store_bytes = store_mib << 20}, scope == "region");
    }
    if (verb == "stages") return stages(preset, side_px, precision);
    throw std::invalid_argument("cannot understand: " + line);
  }

 private:
  static std::shared_ptr<const models::PixelMamba> load(const std::string& preset, const std::string& precision,
                                                        bool only_regions) {
    models::PixelMambaConfig config = models::pixel_mamba_preset(preset);
    for (models::PixelMambaStage& stage : config.stages) {
      if (only_regions) stage.backward_scope = models::BackwardScope::kRegion;
    }
    return models::PixelMamba::load(test::pixel_mamba_dict(config), {.precision = precision_of(precision)});
  }

  static std::string run(const std::string& preset, std::int64_t side_px, const std::string& precision,
                         const models::PixelMambaRunOptions& options, bool only_regions) {
    const auto model = load(preset, precision, only_regions);
    const ComputedRegions regions(model->config(), side_px);
    const std::int64_t before = resident_bytes();
    MemoryWatch watch;
    const double cpu = cpu_ms(), wall = wall_ms();
    const auto result = model->run(regions, options);
    const double cpu_taken = cpu_ms() - cpu, wall_taken = wall_ms() - wall;
    const double megapixels = static_cast<double>(side_px * side_px) / 1e6;
    char text[512];
    std::snprintf(
        text, sizeof text,
        "{\"preset\": \"%s\", \"side_px\": %lld, \"precision\": \"%s\", \"threads\": %d, \"core_ms_per_mpx\": "
        "%.1f, \"wall_ms_per_mpx\": %.1f, \"grown_mb\": %.1f, \"spilled_mb\": %.1f, \"logit\": %.7g}",
        preset.c_str(), static_cast<long long>(side_px),
        std::string(models::precision_name(model->precision())).c_str(), options.threads, cpu_taken / megapixels,
        wall_taken / megapixels, static_cast<double>(watch.stop() - before) / 1e6,
        static_cast<double>(result.spilled_bytes) / 1e6, static_cast<double>(result.logits[0]));
    return text;
  }

  static std::string stages(const std::string& preset, std::int64_t side_px, const std::string& precision) {
    const auto model = load(preset, precision, false);
    const ComputedRegions regions(model->config(), side_px);
    StageTimes times(model->config().stages.size());
    model->run(regions, {.threads = 1, .listener = &times});
    times.settle();
    const double megapixels = static_cast<double>(side_px * side_px) / 1e6;
    std::ostringstream text;
    text.precision(3);
    text << "{\"blocks_ms_per_mpx\": [";
    for (std::size_t s = 0; s < times.blocks_ms.size(); ++s) {
      text << (s == 0 ? "" : ", ") << times.blocks_ms[s] / megapixels;
    }
    text << "], \"rest_ms_per_mpx\": " << times.rest_ms / megapixels << "}";
    return text.str();
  }
};

}  // namespace

int main() {
  Server server;
  return bench::serve_lines(server, "pixel_mamba_bench");
}
