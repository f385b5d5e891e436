// Post-processing through the C++ API, one request per line on stdin, one JSON line each as answer; the rival is
// bench/peers/postprocess_peer.py.
//   use FILE SIDE CLASSES REPEAT     maps of SIDE x SIDE px, repeated REPEAT x REPEAT times (see bench/nuclei/maps.mjs)
//   labels VARIANT FILE              writes the instance map in compat mode as int32
//   run VARIANT                      the maps in use once, default mode, one thread
//   windows VARIANT COUNT THREADS    the maps in use COUNT times, so many at once
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/executor.hpp"
#include "clock.hpp"
#include "npz.hpp"
#include "nuclei/postprocess.hpp"

namespace {

using namespace histojet;

/// `planes` planes of side x side, each `repeat` times to the right and down.
template <typename T>
std::vector<T> repeated(const T* tile, std::size_t planes, std::size_t side, std::size_t repeat) {
  std::vector<T> out;
  out.reserve(planes * side * side * repeat * repeat);
  for (std::size_t row = 0; row < planes * side * repeat; ++row) {
    const std::size_t plane = row / (side * repeat);
    const T* from = tile + (plane * side + row % side) * side;
    for (std::size_t i = 0; i < repeat; ++i) out.insert(out.end(), from, from + side);
  }
  return out;
}

Maps load(std::istringstream& request) {
  std::string path;
  std::size_t side = 0, repeat = 1;
  bool typed = false;
  request >> path >> side >> typed >> repeat;
  const std::vector<std::uint8_t> bytes = test::file_bytes(path);
  const std::size_t pixels = side * side;
  if (bytes.size() != pixels * (typed ? 13 : 12)) throw std::runtime_error(path + ": unexpected size");
  std::vector<float> planes(3 * pixels);
  std::memcpy(planes.data(), bytes.data(), planes.size() * sizeof(float));
  Maps maps;
  maps.height = maps.width = static_cast<std::int64_t>(side * repeat);
  maps.np = repeated(planes.data(), 1, side, repeat);
  maps.hv = repeated(planes.data() + pixels, 2, side, repeat);
  if (typed) maps.tp = repeated(bytes.data() + 12 * pixels, 1, side, repeat);
  return maps;
}

nuclei::PostprocessOptions options_of(const std::string& variant, bool compat) {
  nuclei::PostprocessOptions options;
  options.variant = variant == "hovernet" ? nuclei::Variant::kHoverNet : nuclei::Variant::kHoverFast;
  options.compat = compat;
  return options;
}

void write_labels(const Maps& maps, const std::string& variant, const std::string& path) {
  const auto labels = nuclei::postprocess(maps, options_of(variant, true)).labels;
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(labels.data()),
             static_cast<std::streamsize>(labels.size() * sizeof(std::int32_t)));
}

/// Time of `count` windows on `threads` threads, and the nuclei of the last one.
std::string run(const Maps& maps, const std::string& variant, int count, int threads) {
  const auto options = options_of(variant, false);
  std::vector<std::size_t> found(static_cast<std::size_t>(count));
  const double cpu = cpu_ms(), wall = wall_ms();
  Executor::instance().parallel_for(count, threads, [&](std::int64_t i) {
    found[static_cast<std::size_t>(i)] = nuclei::postprocess(maps, options).nuclei.size();
  });
  char text[128];
  std::snprintf(text, sizeof text, "{\"cpuMs\":%.3f,\"wallMs\":%.3f,\"nuclei\":%zu,\"executor\":%d}", cpu_ms() - cpu,
                wall_ms() - wall, found.back(), Executor::instance().thread_count());
  return text;
}

std::string answer(const std::string& line, Maps& maps) {
  std::istringstream request(line);
  std::string verb, variant;
  request >> verb;
  if (verb == "use") {
    maps = load(request);
    return "{}";
  }
  request >> variant;
  if (verb == "labels") {
    std::string path;
    request >> path;
    write_labels(maps, variant, path);
    return "{}";
  }
  if (verb == "run") return run(maps, variant, 1, 1);
  if (verb != "windows") throw std::invalid_argument("unknown request " + line);
  int count = 1, threads = 1;
  request >> count >> threads;
  return run(maps, variant, count, threads);
}

}  // namespace

int main() {
  try {
    Maps maps;
    for (std::string line; std::getline(std::cin, line);) {
      std::printf("%s\n", answer(line, maps).c_str());
      std::fflush(stdout);
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "nuclei_maps_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
