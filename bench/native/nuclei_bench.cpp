// Post-processing of nuclei maps on one core: milliseconds of CPU time per megapixel, median and best of several
// rounds, one JSON line per workload.
//   nuclei_bench HOVER_FIXTURES [ROUNDS [PART_OF_NAME]]
// HOVER_FIXTURES is the folder with s1024.npz (1024 x 1024 maps of a tissue tile); without it nothing is printed. The
// 2048 workloads repeat the tile 2 x 2.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "clock.hpp"
#include "npz.hpp"
#include "nuclei/metrics.hpp"
#include "nuclei/postprocess.hpp"

namespace {

using namespace histojet;

/// `planes` planes of side x side, each repeated 2 x 2.
std::vector<float> repeated(const std::vector<float>& tile, std::size_t planes, std::size_t side) {
  std::vector<float> out;
  for (std::size_t plane = 0; plane < planes; ++plane) {
    for (std::size_t y = 0; y < 2 * side; ++y) {
      const float* row = tile.data() + (plane * side + y % side) * side;
      out.insert(out.end(), row, row + side);
      out.insert(out.end(), row, row + side);
    }
  }
  return out;
}

void measure(const std::string& workload, const Maps& maps, const nuclei::PostprocessOptions& options, int rounds,
             const std::string& wanted) {
  if (workload.find(wanted) == std::string::npos) return;
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const double start = cpu_seconds();
    const nuclei::PostprocessResult result = nuclei::postprocess(maps, options);
    times.push_back(cpu_seconds() - start);
    if (result.nuclei.size() == 0) std::abort();
  }
  std::sort(times.begin(), times.end());
  const double megapixels = static_cast<double>(maps.height * maps.width) / 1e6;
  std::printf("{\"workload\":\"%s\",\"unit\":\"ms/Mpx\",\"ours\":%.3f,\"best\":%.3f}\n", workload.c_str(),
              1000 * times[times.size() / 2] / megapixels, 1000 * times[0] / megapixels);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: nuclei_bench HOVER_FIXTURES [ROUNDS [PART_OF_NAME]]\n");
    return 2;
  }
  const int rounds = argc > 2 ? std::max(1, std::atoi(argv[2])) : 5;
  const std::string wanted = argc > 3 ? argv[3] : "";
  const std::string path = std::string(argv[1]) + "/s1024.npz";
  if (test::file_bytes(path).empty()) return 0;
  const test::Npz npz = test::read_npz(path);
  Maps tile{1024, 1024, npz.at("np_prob").as<float>(), npz.at("hv").as<float>(), {}};
  const Maps large{2048, 2048, repeated(tile.np, 1, 1024), repeated(tile.hv, 2, 1024), {}};
  for (const bool compat : {false, true}) {
    for (const nuclei::Variant variant : {nuclei::Variant::kHoverNet, nuclei::Variant::kHoverFast}) {
      const std::string name =
          std::string(variant == nuclei::Variant::kHoverNet ? "hovernet" : "hoverfast") + (compat ? " compat " : " ");
      nuclei::PostprocessOptions options;
      options.variant = variant;
      options.compat = compat;
      measure("postprocess " + name + "1024", tile, options, rounds, wanted);
      measure("postprocess " + name + "2048", large, options, rounds, wanted);
    }
  }
  return 0;
}
