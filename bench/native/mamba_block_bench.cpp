// One Mamba block with made weights, one request per line on stdin, one JSON line each as answer:
//   block DIM TOKENS PRECISION THREADS RUNS [none|v1|v2]   out = mixer(in) for a sequence, RUNS times
// DIM channels of the model (d_state 16, d_conv 4, expand 2). HISTOJET_THREADS and HISTOJET_ISA limit what is used.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "clock.hpp"
#include "serve_lines.hpp"
#include "tokens/mamba_mixer.hpp"

namespace {

using namespace histojet;
using tokens::Bidirectional;
using tokens::MambaConfig;

/// Weights of a mixer by a formula, in the range of trained ones.
class MadeWeights final : public weights::StateDict {
 public:
  explicit MadeWeights(const MambaConfig& config) {
    const std::int64_t e = config.inner(), n = config.d_state, r = config.rank();
    put("in_proj.weight", {2 * e, config.dim}, 1 / std::sqrt(config.dim), 0);
    const int branches = config.bidirectional == Bidirectional::kV2 ? 2 : 1;
    for (int branch = 0; branch < branches; ++branch) {
      const std::string end = branch == 0 ? "" : "_b";
      put("conv1d" + end + ".weight", {e, 1, config.d_conv}, 0.5, 0);
      put("conv1d" + end + ".bias", {e}, 0.1, 0);
      put("x_proj" + end + ".weight", {r + 2 * n, e}, 1 / std::sqrt(e), 0);
      put("dt_proj" + end + ".weight", {e, r}, 1 / std::sqrt(r), 0);
      put("dt_proj" + end + ".bias", {e}, 1, -4);
      put("D" + end, {e}, 0.1, 1);
    }
    put("A_log", {e, n}, 1, 1.5);
    if (config.bidirectional != Bidirectional::kNone) put("A_b_log", {e, n}, 1, 1.5);
    put("out_proj.weight", {config.dim, e}, 1 / std::sqrt(e), 0);
  }

  const std::string& path() const override { return name_; }
  const std::string& format() const override { return name_; }
  const std::vector<std::string>& names() const override { return names_; }
  const Entry& entry(std::string_view name) const override {
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end()) throw Error(ErrorCode::kMissingWeight, "no tensor '" + std::string(name) + "'");
    return found->second;
  }
  bool contains(std::string_view name) const override { return entries_.contains(std::string(name)); }
  Tensor get(std::string_view name) const override { return tensors_.at(std::string(name)); }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::string sha256() const override { return "sha256:"; }

 private:
  /// offset + scale * u with u in [-1, 1) from a hash of the index.
  void put(const std::string& name, const Shape& shape, double scale, double offset) {
    Tensor tensor(DType::kF32, shape);
    for (float& value : tensor.values<float>()) {
      seed_ = seed_ * 0x9E3779B1U + 0x7F4A7C15U;
      const std::uint32_t mixed = (seed_ ^ seed_ >> 15) * 0x846CA68BU;
      value = static_cast<float>(offset + scale * (static_cast<double>(mixed >> 8) / (1 << 23) - 1));
    }
    names_.push_back(name);
    entries_[name] = {DType::kF32, shape};
    tensors_[name] = std::move(tensor);
  }

  std::uint32_t seed_ = 1;
  std::string name_ = "made";
  std::vector<std::string> names_;
  std::map<std::string, Entry> entries_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

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
        tokens::MambaMixer::load(weights::WeightScope(std::make_shared<MadeWeights>(config)), config, options);
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
