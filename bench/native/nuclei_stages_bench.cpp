// The stages of nuclei segmentation run apart on the windows that a run works on, one request per line on stdin, one
// JSON line each as answer. HISTOJET_THREADS says how many cores it may use.
//   windows SLIDE WEIGHTS                how many windows hold tissue, and the time that finding it takes
//   stages SLIDE WEIGHTS PRECISION       core time of each stage, one after the other, each on all threads
#include <algorithm>
#include <cstdio>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/executor.hpp"
#include "clock.hpp"
#include "models/nuclei_network.hpp"
#include "nuclei/postprocess.hpp"
#include "pipeline/run_plan.hpp"
#include "pipeline/slide_windows.hpp"
#include "pipeline/tiled_prediction.hpp"
#include "serve_lines.hpp"
#include "tiles/tissue.hpp"

namespace {

using namespace histojet;
using pipeline::kContext_px;
using pipeline::kCore_px;
using pipeline::kWindow_px;

/// Strips that go through one stage together, for each thread: many enough that no thread waits for long, few enough
/// that their maps fit into memory.
constexpr std::int64_t kStripsPerThread = 6;
constexpr double kTissueMpp = 8;

/// Core and wall time of one stage, milliseconds.
struct Stage {
  double cpu_ms = 0, wall_ms = 0;

  template <typename Work>
  void add(const Work& work) {
    const double cpu = ::cpu_ms(), wall = ::wall_ms();
    work();
    cpu_ms += ::cpu_ms() - cpu;
    wall_ms += ::wall_ms() - wall;
  }
};

Maps cut_window(const Maps& strip, std::int64_t left) {
  Maps window;
  window.height = window.width = kWindow_px;
  const auto cut = [&](const std::vector<float>& from, std::vector<float>& to, std::int64_t planes) {
    for (std::int64_t row = 0; row < planes * kWindow_px; ++row) {
      const auto begin = from.begin() + row * strip.width + left;
      to.insert(to.end(), begin, begin + kWindow_px);
    }
  };
  cut(strip.np, window.np, 1);
  cut(strip.hv, window.hv, 2);
  return window;
}

struct Stages {
  Stage tissue, decode, network, postprocess;
  std::int64_t windows = 0;
  std::int64_t candidates = 0;  ///< nuclei before seams are settled
};

/// One group of strips, stage after stage.
void run_group(const pipeline::RunPlan& plan, const pipeline::SlideWindows& windows,
               const std::vector<pipeline::Strip>& strips, std::size_t first, models::SessionPool& sessions,
               Stages& stages) {
  const auto threads = Executor::instance().thread_count();
  const std::size_t count = std::min<std::size_t>(kStripsPerThread * threads, strips.size() - first);
  const auto each = [&](const auto& work) {
    Executor::instance().parallel_for(static_cast<std::int64_t>(count), threads,
                                      [&](std::int64_t i) { work(static_cast<std::size_t>(i)); });
  };
  std::vector<Image> pixels(count);
  std::vector<Maps> maps(count);
  std::vector<std::int64_t> found(count);
  stages.decode.add([&] {
    each([&](std::size_t i) {
      const pipeline::Strip& strip = strips[first + i];
      pixels[i] = pipeline::StripPixels(plan, windows, strip, plan.tiles_of(strip)).read({});
    });
  });
  stages.network.add([&] {
    each([&](std::size_t i) {
      const pipeline::Strip& strip = strips[first + i];
      maps[i] = pipeline::predict_tiled(sessions, plan.tiles_of(strip), pixels[i], kWindow_px, strip.width_px(), 1, {});
    });
  });
  stages.postprocess.add([&] {
    each([&](std::size_t i) {
      for (std::int64_t k = 0; k < strips[first + i].count; ++k) {
        const Maps window = cut_window(maps[i], k * kCore_px);
        found[i] += static_cast<std::int64_t>(nuclei::postprocess(window, plan.options.postprocess).nuclei.size());
      }
    });
  });
  for (const std::int64_t n : found) stages.candidates += n;
}

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string verb, slide, weights, precision;
    request >> verb >> slide >> weights >> precision;
    const bool all = verb == "stages";
    if (!all && verb != "windows") throw std::invalid_argument("unknown request " + line);
    return report(measure(slide, network(weights, precision), all));
  }

 private:
  std::shared_ptr<const models::NucleiNetwork> network(const std::string& weights, const std::string& precision) {
    auto& loaded = networks_[precision];
    if (loaded == nullptr) {
      models::LoadOptions options;
      for (const auto known : {models::Precision::kFloat32, models::Precision::kHigh, models::Precision::kFast}) {
        if (models::precision_name(known) == precision) options.precision = known;
      }
      loaded = models::load_nuclei_network(weights::StateDict::open(weights, {.opaque_globals = true}), options);
    }
    return loaded;
  }

  /// Opens the slide anew, so that no tile is decoded before.
  static Stages measure(const std::string& path, std::shared_ptr<const models::NucleiNetwork> network, bool all) {
    Stages stages;
    const pipeline::RunPlan plan = pipeline::make_run_plan(slide::Slide::open(path), std::move(network), {});
    tiles::TissueMask mask;
    stages.tissue.add([&] { mask = tiles::find_tissue(*plan.slide, kTissueMpp); });
    const pipeline::SlideWindows windows(*plan.slide, plan.scale_x, plan.scale_y, plan.region, &mask, 0);
    stages.windows = windows.count();
    if (!all) return stages;
    const auto strips = windows.strips(plan.strip_windows);
    models::SessionPool sessions(plan.network);
    const std::size_t step = static_cast<std::size_t>(kStripsPerThread * Executor::instance().thread_count());
    for (std::size_t first = 0; first < strips.size(); first += step) {
      run_group(plan, windows, strips, first, sessions, stages);
    }
    return stages;
  }

  static std::string report(const Stages& stages) {
    std::ostringstream text;
    text << "{\"windows\":" << stages.windows << ",\"candidates\":" << stages.candidates
         << ",\"threads\":" << Executor::instance().thread_count();
    const std::map<const char*, const Stage*> named = {{"tissue", &stages.tissue},
                                                       {"decode", &stages.decode},
                                                       {"network", &stages.network},
                                                       {"postprocess", &stages.postprocess}};
    for (const auto& [name, stage] : named) {
      text << ",\"" << name << "\":{\"cpuMs\":" << stage->cpu_ms << ",\"wallMs\":" << stage->wall_ms << "}";
    }
    text << "}";
    return text.str();
  }

  std::map<std::string, std::shared_ptr<const models::NucleiNetwork>> networks_;
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "nuclei_stages_bench");
}
