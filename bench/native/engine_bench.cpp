// Time of one 1024 x 1024 tile for the networks that we ship, as JSON lines for each precision: milliseconds, useful
// GFLOP/s and the share of the peak of the unit that computes, measured in the same run. Weights are computed, so
// nothing has to be downloaded. usage: engine_bench [side] [repetitions]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../test/native/engine/run_graph.hpp"
#include "../../test/native/models/formula_dict.hpp"
#include "clock.hpp"
#include "models/nuclei_network.hpp"
#include "peaks.hpp"

using namespace histojet;

namespace {

struct Case {
  std::string name;
  models::HoverFastConfig config;
};

void measure(const Case& item, std::int64_t side, int repetitions, engine::Precision precision) {
  const auto dict = test::formula_dict(item.config);
  const auto network = models::load_hoverfast(dict, {.precision = precision});
  if (network->info().precision != engine::precision_name(precision)) return;
  const engine::Graph graph = models::build_hoverfast(weights::WeightScope(dict), item.config);
  const double gflop = static_cast<double>(engine::Plan(engine::Program::compile(graph), {side, side}).flops()) / 1e9;
  const Image image = test::noise_image(side, side);
  const auto session = network->make_session(side, side);
  const bool tiles = precision != engine::Precision::kFloat32;
  Maps maps;
  for (const int threads : {1, 2}) {
    double best_core = 1e30;
    double best_wall = 1e30;
    double best_peak = 0.0;
    for (int i = 0; i < repetitions; ++i) {
      best_peak = std::max(best_peak, tiles ? bench::peak_tiles() : bench::peak_multiply_add());
      const double core = bench::thread_seconds();
      const double wall = wall_seconds();
      network->predict(*session, image, maps, threads, {});
      best_wall = std::min(best_wall, wall_seconds() - wall);
      best_core = std::min(best_core, bench::thread_seconds() - core);
    }
    // The calling thread's core time says little about two threads: their figure is wall time.
    const double seconds = threads == 1 ? best_core : best_wall;
    std::printf(
        "{\"bench\":\"engine\",\"case\":\"%s\",\"side\":%lld,\"isa\":\"%s\",\"precision\":\"%s\",\"threads\":%d,"
        "\"ms\":%.1f,\"wall_ms\":%.1f,\"gflop\":%.1f,\"gflops\":%.1f,\"peak_gflops\":%.1f,\"share\":%.3f,"
        "\"session_mb\":%.1f,\"weights_mb\":%.2f}\n",
        item.name.c_str(), static_cast<long long>(side), network->info().isa.c_str(), network->info().precision.c_str(),
        threads, 1e3 * seconds, 1e3 * best_wall, gflop, gflop / seconds, best_peak * threads,
        best_peak > 0.0 ? gflop / seconds / (best_peak * threads) : 0.0,
        static_cast<double>(session->memory_bytes()) / 1e6, static_cast<double>(network->info().memory_bytes) / 1e6);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t side = argc > 1 ? std::atoll(argv[1]) : 1024;
  const int repetitions = argc > 2 ? std::atoi(argv[2]) : 5;
  for (const engine::Precision precision :
       {engine::Precision::kFloat32, engine::Precision::kHigh, engine::Precision::kFast}) {
    measure({"hoverfast msunet depth 3 wf 4", {}}, side, repetitions, precision);
    measure({"hoverfast unet depth 4 wf 4", {.depth = 4, .conv_block = models::BlockKind::kUnet}}, side, repetitions,
            precision);
  }
  return 0;
}
