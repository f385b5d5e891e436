// What 100 % means: float32 multiply-adds per second on one core with values in registers, for the widest instructions
// that this CPU has. Answers every line on stdin with one JSON line, so that it can be measured between other rounds.
#include <immintrin.h>
#include <time.h>

#include <cstdio>

#include "../native/clock.hpp"

namespace {

constexpr int kSums = 12;  // more independent sums than latency times units
constexpr int kTurns = 2'000'000;

__attribute__((target("avx512f"))) double avx512(float& sink) {
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  const __m512 factor = _mm512_set1_ps(0.999f), offset = _mm512_set1_ps(0.001f);
  const double start = cpu_seconds();
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_fmadd_ps(sums[i], factor, offset);
  }
  const double seconds = cpu_seconds() - start;
  for (const __m512& sum : sums) sink += _mm512_cvtss_f32(sum);
  return 2.0 * 16 * kSums * kTurns / seconds / 1e9;
}

__attribute__((target("avx2,fma"))) double avx2(float& sink) {
  __m256 sums[kSums];
  for (__m256& sum : sums) sum = _mm256_set1_ps(1.0f);
  const __m256 factor = _mm256_set1_ps(0.999f), offset = _mm256_set1_ps(0.001f);
  const double start = cpu_seconds();
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm256_fmadd_ps(sums[i], factor, offset);
  }
  const double seconds = cpu_seconds() - start;
  for (const __m256& sum : sums) sink += _mm256_cvtss_f32(sum);
  return 2.0 * 8 * kSums * kTurns / seconds / 1e9;
}

}  // namespace

int main() {
  char line[256];
  float sink = 0.0f;
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    const bool wide = __builtin_cpu_supports("avx512f");
    const double gflops = wide ? avx512(sink) : __builtin_cpu_supports("fma") ? avx2(sink) : 0.0;
    std::printf("{\"isa\":\"%s\",\"gflops\":%.1f,\"sink\":%g}\n", wide ? "avx512" : "avx2", gflops, sink);
    std::fflush(stdout);
  }
  return 0;
}
