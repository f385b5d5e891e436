// The selective scan alone, one request per line on stdin, one JSON line each as answer. HISTOJET_THREADS says how many
// cores it may use, HISTOJET_ISA with which instructions.
//   scan LAYOUT BATCH CHANNELS STATES LENGTH REPEATS   LAYOUT bdl or bld; all inputs, softplus and gate
//   grid CHANNELS STATES HEIGHT WIDTH REPEATS          the 2-D scan, channels last
//   ssd HEADS HEAD_CHANNELS STATES LENGTH REPEATS      the scan of Mamba-2
// The answer holds the median and the smallest time of a repeat for each element (batch * channels * states * length),
// as core time of all threads and as wall time, in nanoseconds.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/executor.hpp"
#include "clock.hpp"
#include "scan/scan_2d.hpp"
#include "scan/selective_scan.hpp"
#include "scan/ssd_scan.hpp"
#include "serve_lines.hpp"

namespace {

using namespace histojet;

/// Pseudo-random floats within [low, high).
class Inputs {
 public:
  const float* next(std::int64_t count, float low, float high) {
    kept_.push_back(make_aligned<float>(static_cast<std::size_t>(count)));
    float* const values = kept_.back().get();
    for (std::int64_t i = 0; i < count; ++i) {
      seed_ = seed_ * 1664525U + 1013904223U;
      values[i] = low + (high - low) * static_cast<float>(seed_ >> 8) / 16777216.0f;
    }
    return values;
  }
  float* room(std::int64_t count) { return const_cast<float*>(next(count, 0, 0)); }

 private:
  std::uint32_t seed_ = 1;
  std::vector<AlignedBuffer<float>> kept_;
};

struct Times {
  std::vector<double> cpu_ms, wall_ms;
};

Times measure(int repeats, const std::function<void()>& work) {
  Times times;
  for (int i = 0; i < repeats; ++i) {
    const double cpu = cpu_ms(), wall = wall_ms();
    work();
    times.cpu_ms.push_back(cpu_ms() - cpu);
    times.wall_ms.push_back(wall_ms() - wall);
  }
  std::sort(times.cpu_ms.begin(), times.cpu_ms.end());
  std::sort(times.wall_ms.begin(), times.wall_ms.end());
  return times;
}

std::string report(const Times& times, double elements) {
  const auto per_element = [&](double ms) { return ms * 1e6 / elements; };
  std::ostringstream text;
  text << "{\"elements\":" << elements << ",\"threads\":" << Executor::instance().thread_count() << ",\"isa\":\""
       << isa_name(active_isa()) << "\",\"cpuNs\":" << per_element(times.cpu_ms[times.cpu_ms.size() / 2])
       << ",\"cpuNsBest\":" << per_element(times.cpu_ms[0])
       << ",\"wallNs\":" << per_element(times.wall_ms[times.wall_ms.size() / 2])
       << ",\"wallNsBest\":" << per_element(times.wall_ms[0]) << "}";
  return text.str();
}

scan::SelectiveScan make_scan(Inputs& inputs, bool channels_last, std::int64_t batch, std::int64_t channels,
                              std::int64_t states, std::int64_t length) {
  const std::int64_t values = batch * channels * length, factors = batch * states * length;
  const auto sequence = [&](float low, float high) {
    const float* data = inputs.next(values, low, high);
    if (channels_last) return scan::Sequence{data, channels * length, 1, channels};
    return scan::Sequence{data, channels * length, length, 1};
  };
  const auto factor = [&] {
    const float* data = inputs.next(factors, -1, 1);
    if (channels_last) return scan::Factor{data, states * length, 0, 1, states};
    return scan::Factor{data, states * length, 0, length, 1};
  };
  scan::SelectiveScan scan;
  scan.batch = batch;
  scan.channels = channels;
  scan.states = states;
  scan.length = length;
  scan.u = sequence(-1, 1);
  scan.delta = sequence(-1, 1);
  scan.z = sequence(-2, 2);
  scan.y = scan.u;
  scan.y_data = inputs.room(values);
  scan.a = inputs.next(channels * states, -16, -0.5f);
  scan.b = factor();
  scan.c = factor();
  scan.d = inputs.next(channels, 0, 1);
  scan.delta_bias = inputs.next(channels, -6, -2);
  scan.delta_softplus = true;
  return scan;
}

std::string run_scan(std::istringstream& request) {
  std::string layout;
  std::int64_t batch = 0, channels = 0, states = 0, length = 0;
  int repeats = 0;
  request >> layout >> batch >> channels >> states >> length >> repeats;
  Inputs inputs;
  const scan::SelectiveScan scan = make_scan(inputs, layout == "bld", batch, channels, states, length);
  return report(measure(repeats, [&] { scan::selective_scan(scan); }),
                static_cast<double>(batch * channels * states * length));
}

std::string run_grid(std::istringstream& request) {
  std::int64_t channels = 0, states = 0, height = 0, width = 0;
  int repeats = 0;
  request >> channels >> states >> height >> width >> repeats;
  Inputs inputs;
  const scan::SelectiveScan scan = make_scan(inputs, true, 1, channels, states, height * width);
  return report(measure(repeats, [&] { scan::scan_2d(scan, height, width); }),
                static_cast<double>(channels * states * height * width));
}

std::string run_ssd(std::istringstream& request) {
  std::int64_t heads = 0, channels = 0, states = 0, length = 0;
  int repeats = 0;
  request >> heads >> channels >> states >> length >> repeats;
  Inputs inputs;
  const scan::SsdScan scan{.batch = 1,
                           .length = length,
                           .heads = heads,
                           .head_channels = channels,
                           .states = states,
                           .x = inputs.next(length * heads * channels, -1, 1),
                           .dt = inputs.next(length * heads, -5, 1),
                           .a = inputs.next(heads, -2, -0.5f),
                           .b = inputs.next(length * states, -1, 1),
                           .c = inputs.next(length * states, -1, 1),
                           .d = inputs.next(heads, 0, 1),
                           .y = inputs.room(length * heads * channels),
                           .dt_softplus = true};
  return report(measure(repeats, [&] { scan::ssd_scan(scan); }),
                static_cast<double>(heads * channels * states * length));
}

struct Server {
  static std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string verb;
    request >> verb;
    if (verb == "scan") return run_scan(request);
    if (verb == "grid") return run_grid(request);
    if (verb == "ssd") return run_ssd(request);
    throw std::invalid_argument("unknown request " + line);
  }
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "scan_bench");
}
