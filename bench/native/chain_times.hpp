#pragma once

// Times of a plan's chains, or of other parts of a network, on a machine whose tile unit falls to a fraction of its
// speed for most of the time: what is shorter than the moments of full speed can be measured in them.

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "peaks.hpp"

namespace histojet::bench {

/// Core time of each chain, the median of several computations that the tile unit did at full speed.
class ChainTimes {
 public:
  /// `rounds`: computations of each chain that must have been good; `most_seconds`: of core time for one chain.
  explicit ChainTimes(int rounds, double most_seconds = 20.0) : rounds_(rounds), most_seconds_(most_seconds) {}

  /// Computes a chain until it was timed well often enough, or for too long.
  void measure(const std::function<void()>& work) {
    std::vector<double> good;
    const double start = thread_seconds();
    while (static_cast<int>(good.size()) < rounds_ && thread_seconds() - start < most_seconds_) {
      // Looks often: the moments of full speed are shorter than the pauses between them.
      if (!at_full_speed()) continue;
      const double before = thread_seconds();
      work();
      const double seconds = thread_seconds() - before;
      if (at_full_speed())
        good.push_back(seconds);
      else
        ++discarded_;
    }
    if (good.empty()) {
      work();
      ++missed_;
      return;
    }
    std::sort(good.begin(), good.end());
    milliseconds_.push_back(1e3 * good[good.size() / 2]);
    fewest_ = std::min(fewest_, static_cast<int>(good.size()));
  }

  /// Has every chain so far been timed well at least once?
  bool complete() const { return missed_ == 0; }

  /// The sum, null when a chain was never timed well.
  std::string json() const {
    double sum = 0.0;
    for (const double ms : milliseconds_) sum += ms;
    char text[256];
    std::snprintf(text, sizeof text,
                  "{\"chains\":%zu,\"missed\":%d,\"rounds\":%d,\"discarded\":%d,\"peak\":%.1f,\"cpuMs\":",
                  milliseconds_.size(), missed_, fewest_, discarded_, best_);
    return std::string(text) + (missed_ > 0 ? "null" : std::to_string(sum)) + "}";
  }

 private:
  static constexpr double kLeastShare = 0.85;  ///< of the best peak

  bool at_full_speed() {
    const double peak = peak_tiles();
    best_ = std::max(best_, peak);
    return peak >= kLeastShare * best_ && peak >= kLeastTilesPerFma * fma_;
  }

  /// See bench/calibration.mjs: a unit that does less per multiply-add than this never was at full speed.
  static constexpr double kLeastTilesPerFma = 8.0;

  int rounds_;
  double most_seconds_;
  std::vector<double> milliseconds_;
  double fma_ = peak_multiply_add();
  double best_ = peak_tiles();
  int missed_ = 0;
  int discarded_ = 0;
  int fewest_ = 1 << 30;
};

}  // namespace histojet::bench
