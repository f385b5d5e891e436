// One Mamba block with made weights, one request per line on stdin, one JSON line each as answer:
//   block DIM TOKENS PRECISION THREADS RUNS [none|v1|v2]   out = mixer(in) for a sequence, RUNS times
// DIM channels of the model (d_state 16, d_conv 4, expand 2). HISTOJET_THREADS and HISTOJET_ISA limit what is used.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "clock.hpp"
#include "serve_lines.hpp"
#include "tokens/made_mixer.hpp"
#include "tokens/mamba_mixer.hpp"

namespace {

using namespace histojet;
using tokens::Bidirectional;
using tokens::MambaConfig;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string verb, precision, form;
    std::int64_t dim = 0, count = 0;
    int threads = 1, runs = 5;
    request >> verb >> dim >> count >> precision >> threads >> runs >> form;
    if (verb != "block" || dim <= 0 || count <= 0 || runs <= 0) throw std::invalid_argument("unknown request " + line);
    MambaConfig config{.dim = dim};
    if (form == "v1") config.bidirectional = Bidirectional::kV1;
    if (form == "v2") config.bidirectional = Bidirectional::kV2;
    tokens::LayerOptions options;
    for (const auto known : {engine::Precision::kFloat32, engine::Precision::kHigh, engine::Precision::kFast}) {
      if (engine::precision_name(known) == precision) options.precision = known;
    }
    const auto mixer =
        tokens::MambaMixer::load(weights::WeightScope(std::make_shared<tokens::MadeMixer>(config)), config, options);
    return measure(mixer, count, threads, runs);
  }

 private:
  static std::string measure(const tokens::MambaMixer& mixer, std::int64_t count, int threads, int runs) {
    const std::int64_t dim = mixer.config().dim;
    std::vector<float> in(static_cast<std::size_t>(count * dim)), out(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<float>(i * 2654435761U % 2048) / 1024 - 1;
    tokens::MixerScratch scratch;
    const tokens::MixerRun run{.in = {in.data(), dim}, .out = {out.data(), dim}, .tokens = count};
    mixer.forward(run, scratch, threads, {});
    std::vector<double> wall, cpu;
    for (int i = 0; i < runs; ++i) {
      const double wall_start = wall_ms(), cpu_start = cpu_ms();
      mixer.forward(run, scratch, threads, {});
      wall.push_back(wall_ms() - wall_start);
      cpu.push_back(cpu_ms() - cpu_start);
    }
    std::ostringstream text;
    text << "{\"dim\":" << dim << ",\"tokens\":" << count << ",\"precision\":\""
         << engine::precision_name(mixer.precision()) << "\",\"isa\":\"" << isa_name(active_isa())
         << "\",\"threads\":" << threads << ",\"wallMs\":" << median(wall) << ",\"cpuMs\":" << median(cpu)
         << ",\"leastCpuMs\":" << *std::ranges::min_element(cpu) << ",\"scratchBytes\":" << scratch.byte_size()
         << ",\"weightBytes\":" << mixer.byte_size() << "}";
    return text.str();
  }
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "mamba_block_bench");
}
