// Time of one 1024 x 1024 tile for the networks that we ship, as JSON lines: milliseconds, useful GFLOP/s and the share
// of this CPU's measured multiply-add peak. Weights are computed, so nothing has to be downloaded.
// usage: engine_bench [side] [repetitions]
#include <immintrin.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "../../test/native/engine/run_graph.hpp"
#include "../../test/native/models/formula_dict.hpp"
#include "clock.hpp"
#include "models/nuclei_network.hpp"

using namespace histojet;

namespace {

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

constexpr int kSums = 12;  // more independent sums than latency x units
constexpr int kTurns = 1000000;

/// GFLOP/s of multiply-adds on values in registers: what 100 % means on this core. The sums are returned through
/// `sink`, or the loop would be removed.
__attribute__((target("avx512f"))) double peak_avx512(float* sink) {
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  const __m512 factor = _mm512_set1_ps(0.999f);
  const __m512 offset = _mm512_set1_ps(0.001f);
  const double start = thread_seconds();
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, offset);
  }
  const double seconds = thread_seconds() - start;
  for (const __m512& sum : sums) *sink += _mm512_cvtss_f32(sum);
  return 2.0 * 16 * kSums * kTurns / seconds / 1e9;
}

__attribute__((target("avx2,fma"))) double peak_avx2(float* sink) {
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1.0f);
  const __m256 factor = _mm256_set1_ps(0.999f);
  const __m256 offset = _mm256_set1_ps(0.001f);
  const double start = thread_seconds();
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, offset);
  }
  const double seconds = thread_seconds() - start;
  for (const __m256& sum : sums) *sink += _mm256_cvtss_f32(sum);
  return 2.0 * 8 * kSums * kTurns / seconds / 1e9;
}

double peak() {
  if (active_isa() == Isa::kScalar) return 0.0;
  float sink = 0.0f;
  const double gflops = active_isa() >= Isa::kAvx512 ? peak_avx512(&sink) : peak_avx2(&sink);
  volatile float kept = sink;  // the sums count as used
  static_cast<void>(kept);
  return gflops;
}

struct Case {
  std::string name;
  models::HoverFastConfig config;
};

void measure(const Case& item, std::int64_t side, int repetitions) {
  const auto dict = test::formula_dict(item.config);
  const auto network = models::load_hoverfast(dict);
  const engine::Graph graph = models::build_hoverfast(weights::WeightScope(dict), item.config);
  const double gflop = static_cast<double>(engine::Plan(engine::Program::compile(graph), {side, side}).flops()) / 1e9;
  const Image image = test::noise_image(side, side);
  const auto session = network->make_session(side, side);
  Maps maps;
  for (const int threads : {1, 2}) {
    double best_core = 1e30;
    double best_wall = 1e30;
    double best_peak = 0.0;
    for (int i = 0; i < repetitions; ++i) {
      best_peak = std::max(best_peak, peak());
      const double core = thread_seconds();
      const double wall = wall_seconds();
      network->predict(*session, image, maps, threads, {});
      best_wall = std::min(best_wall, wall_seconds() - wall);
      best_core = std::min(best_core, thread_seconds() - core);
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
  measure({"hoverfast msunet depth 3 wf 4", {}}, side, repetitions);
  measure({"hoverfast unet depth 4 wf 4", {.depth = 4, .conv_block = models::BlockKind::kUnet}}, side, repetitions);
  return 0;
}
