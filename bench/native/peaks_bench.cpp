// Calibration: what this core can do at this moment. Answers every line on stdin with one JSON line, so that rounds of
// other processes can be measured between two such answers: GFLOP/s of float32 multiply-adds ("fma"), of products of
// bfloat16 pairs ("pairs") and of bfloat16 tiles ("tiles"), 0 for what the kernels do not use here.
#include <cstdio>

#include "peaks.hpp"

int main() {
  char line[64];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    const histojet::bench::Peaks peaks = histojet::bench::measure_peaks();
    std::printf("{\"isa\":\"%s\",\"fma\":%.1f,\"pairs\":%.1f,\"tiles\":%.1f}\n",
                histojet::isa_name(histojet::active_isa()).data(), peaks.fma, peaks.pairs, peaks.tiles);
    std::fflush(stdout);
  }
  return 0;
}
