#pragma once

// What 100 % means on this core: products on values in registers, measured in core time.

#include <immintrin.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/bfloat16.hpp"
#include "base/cpu_info.hpp"

namespace histojet::bench {

inline double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

inline constexpr int kSums = 12;  // more independent sums than latency x units
inline constexpr int kTurns = 1000000;

/// GFLOP/s of multiply-adds on values in registers: what 100 % means on this core. The sums are returned through
/// `sink`, or the loop would be removed.
__attribute__((target("avx512f"))) inline double peak_avx512(float* sink) {
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

/// The same for products of bfloat16 pairs; 0 where the kernels do not use them.
__attribute__((target("avx512f,avx512bf16"))) inline double peak_pairs() {
  if (active_isa() != Isa::kAvx512Bf16) return 0.0;
  __m512 sums[kSums];
  for (__m512& sum : sums) sum = _mm512_set1_ps(1.0f);
  const auto ones = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
  const auto quarters = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3e803e80));
  const double start = thread_seconds();
  for (int turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) sums[i] = _mm512_dpbf16_ps(sums[i], ones, quarters);
  }
  const double seconds = thread_seconds() - start;
  float sink = 0.0f;
  for (const __m512& sum : sums) sink += _mm512_cvtss_f32(sum);
  volatile float kept = sink;  // the sums count as used
  static_cast<void>(kept);
  return 2.0 * 32 * kSums * kTurns / seconds / 1e9;
}

__attribute__((target("avx2,fma"))) inline double peak_avx2(float* sink) {
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

/// GFLOP/s of the widest float32 multiply-add that the kernels may use.
inline double peak_multiply_add() {
  if (active_isa() == Isa::kScalar) return 0.0;
  float sink = 0.0f;
  const double gflops = active_isa() >= Isa::kAvx512 ? peak_avx512(&sink) : peak_avx2(&sink);
  volatile float kept = sink;  // the sums count as used
  static_cast<void>(kept);
  return gflops;
}

/// GFLOP/s of bfloat16 tile products on random data, loads from the first-level cache included; 0 without tiles. The
/// clock falls with the activity of the data, so zeros would promise too much.
inline double peak_tiles() {
  if (active_isa() < Isa::kAmx) return 0.0;
  struct alignas(64) Config {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t line_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t lines[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
  static const Config config;
  alignas(64) thread_local Bfloat16 data[4 * 512];
  std::uint32_t seed = 1;
  for (Bfloat16& value : data) {
    seed = seed * 1664525U + 1013904223U;
    value = to_bfloat16(static_cast<float>(seed >> 9) / (1 << 23) - 0.5f);
  }
  constexpr int kProducts = 4;
  constexpr int kSteps = 20000;
  asm volatile("ldtilecfg %0" : : "m"(config));
  asm volatile("tilezero %%tmm0; tilezero %%tmm1; tilezero %%tmm2; tilezero %%tmm3" :);
  const std::int64_t line = 64;
  const double start = thread_seconds();
  for (int i = 0; i < kSteps; ++i) {
    asm volatile(
        "tileloadd (%0,%1,1), %%tmm4\n tileloadd 2048(%0,%1,1), %%tmm6\n tdpbf16ps %%tmm6, %%tmm4, %%tmm0\n"
        "tileloadd 3072(%0,%1,1), %%tmm7\n tdpbf16ps %%tmm7, %%tmm4, %%tmm1\n"
        "tileloadd 1024(%0,%1,1), %%tmm5\n tdpbf16ps %%tmm6, %%tmm5, %%tmm2\n tdpbf16ps %%tmm7, %%tmm5, %%tmm3"
        :
        : "r"(data), "r"(line)
        : "memory");
  }
  const double seconds = thread_seconds() - start;
  asm volatile("tilerelease" :);
  return 2.0 * 16 * 16 * 32 * kProducts * kSteps / seconds / 1e9;
}

/// All peaks at one moment.
struct Peaks {
  double fma = 0.0;    ///< GFLOP/s, see peak_multiply_add
  double pairs = 0.0;  ///< GFLOP/s, see peak_pairs
  double tiles = 0.0;  ///< GFLOP/s, see peak_tiles
};

/// Middle values of three measurements each, about 15 ms in all: one of them may have been interrupted.
inline Peaks measure_peaks() {
  const auto middle = [](double (*peak)()) {
    std::array<double, 3> values{};
    for (double& value : values) value = peak();
    std::sort(values.begin(), values.end());
    return values[1];
  };
  return {.fma = middle(peak_multiply_add), .pairs = middle(peak_pairs), .tiles = middle(peak_tiles)};
}

/// What every one of `threads` threads can do while the others do the same: cores lose their tile speed independently
/// of each other.
inline Peaks measure_peaks(int threads) {
  std::vector<Peaks> peaks(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < peaks.size(); ++i) others.emplace_back([&peaks, i] { peaks[i] = measure_peaks(); });
    peaks[0] = measure_peaks();
  }
  Peaks least = peaks[0];
  for (const Peaks& peak : peaks) {
    least = {.fma = std::min(least.fma, peak.fma),
             .pairs = std::min(least.pairs, peak.pairs),
             .tiles = std::min(least.tiles, peak.tiles)};
  }
  return least;
}

}  // namespace histojet::bench
