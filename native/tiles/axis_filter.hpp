#pragma once

#include <cstdint>
#include <vector>

namespace histojet::tiles {

/// Where the pixels of one output axis lie on a source axis: output pixel i covers the source interval
/// [(phase + i) * ratio, (phase + i + 1) * ratio) with phase = phase_q16 / 65536. The phase is counted in output pixels
/// and rounded to 1/65536 of one, so that windows read apart compute the same numbers for the same pixel.
struct AxisMapping {
  std::int64_t phase_q16 = 0;
  double ratio = 1;  ///< source pixels per output pixel; above 1 shrinks

  bool whole_pixels() const { return ratio == 1 && (phase_q16 & 0xffff) == 0; }
  std::int64_t whole_phase() const { return phase_q16 >> 16; }
};

/// Weights of one axis: output pixel `first + k` is the sum over t < counts[k] of weights[k * taps + t] times source
/// pixel starts[k] + t. Weights of one pixel sum to 1; starts never fall.
struct AxisFilter {
  std::int64_t first = 0;  ///< first output pixel whose centre lies on the source; those before are background
  std::int64_t count = 0;  ///< output pixels on the source
  int taps = 0;            ///< room per output pixel
  std::vector<std::int64_t> starts;
  std::vector<std::int32_t> counts;
  std::vector<float> weights;

  std::int64_t end_of(std::int64_t k) const { return starts[k] + counts[k]; }
};

/// Fractional coverage (box) for ratios above 1, Keys' cubic with a = -0.5 otherwise. Source pixels beyond the ends
/// do not exist: a box is cut and normalised, a cubic repeats the end pixel.
AxisFilter make_axis_filter(const AxisMapping& mapping, std::int64_t output_length, std::int64_t source_length);

}  // namespace histojet::tiles
