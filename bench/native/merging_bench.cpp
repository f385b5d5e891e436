// Token merging: matching by similarity and merging, as after the attention of each block of a vision transformer. One
// request per line on stdin, one JSON line each as answer. HISTOJET_THREADS says how many cores it may use.
//   bipartite BATCH TOKENS METRIC_CHANNELS CHANNELS R MODE ROUNDS     MODE: mean or weighted; time of one call
//   copy TOKENS CHANNELS ROUNDS                                       time of merging alone, unmerging, and memcpy
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "clock.hpp"
#include "merging/token_merging.hpp"
#include "serve_lines.hpp"

namespace {

using namespace histojet;
using namespace histojet::merging;

/// Numbers in [-0.5, 0.5) that bench/peers/tome_peer.py makes in the same way.
std::vector<float> numbers(std::int64_t count, std::uint32_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    std::uint32_t x = i + seed * 0x9e3779b9U;
    x = (x ^ x >> 16) * 0x7feb352dU;
    x = (x ^ x >> 15) * 0x846ca68bU;
    values[i] = static_cast<float>((x ^ x >> 16) >> 8) / 16777216.0f - 0.5f;
  }
  return values;
}

/// Times of one call, the fastest and the middle one of some rounds.
template <typename Work>
std::string times(int rounds, const Work& work) {
  work();
  std::vector<double> wall;
  const double cpu = cpu_ms();
  for (int i = 0; i < rounds; ++i) {
    const double start = wall_ms();
    work();
    wall.push_back(wall_ms() - start);
  }
  const double cpu_each = (cpu_ms() - cpu) / rounds;
  std::sort(wall.begin(), wall.end());
  std::ostringstream text;
  text << "{\"cpuMs\":" << cpu_each << ",\"wallMs\":" << wall[wall.size() / 2] << ",\"bestMs\":" << wall[0] << "}";
  return text.str();
}

/// Changes when any token becomes part of another one than before.
std::uint64_t checksum(const MergeMap& map) {
  std::uint64_t sum = 0;
  for (std::int64_t sample = 0; sample < map.batch(); ++sample) {
    for (std::int64_t t = 0; t < map.tokens(); ++t) {
      sum += static_cast<std::uint64_t>(map.owner(sample)[t]) * static_cast<std::uint64_t>(t % 97 + 1);
    }
  }
  return sum;
}

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream request(line);
    std::string verb;
    request >> verb;
    if (verb == "bipartite") return bipartite(request);
    if (verb == "copy") return copy(request);
    throw std::invalid_argument("unknown request " + line);
  }

 private:
  static std::string bipartite(std::istringstream& request) {
    std::int64_t batch = 0, tokens = 0, metric_channels = 0, channels = 0, r = 0;
    std::string mode;
    int rounds = 0;
    request >> batch >> tokens >> metric_channels >> channels >> r >> mode >> rounds;
    const std::vector<float> features = numbers(batch * tokens * metric_channels, 1);
    const std::vector<float> x = numbers(batch * tokens * channels, 2);
    const Metric metric{features.data(), batch, tokens, metric_channels};
    const BipartiteOptions options{.r = r, .class_token = true};
    const TokenState before = TokenState::initial(batch, tokens);
    const MergeMap first = bipartite_matching(metric, options);
    std::vector<float> out(static_cast<std::size_t>(batch * first.merged_tokens() * channels));
    const auto step = [&] {
      const MergeMap map = bipartite_matching(metric, options);
      if (mode == "mean") return map.merge(x.data(), channels, MergeMode::kMean, nullptr, out.data());
      const TokenState after = before.after(map);
      map.merge(x.data(), channels, MergeMode::kWeighted, before.sizes.data(), out.data());
    };
    std::ostringstream text;
    text << "{\"isa\":\"" << isa_name(active_isa()) << "\",\"checksum\":" << checksum(first)
         << ",\"step\":" << times(rounds, step)
         << ",\"matching\":" << times(rounds, [&] { bipartite_matching(metric, options); }) << "}";
    return text.str();
  }

  static std::string copy(std::istringstream& request) {
    std::int64_t tokens = 0, channels = 0;
    int rounds = 0;
    request >> tokens >> channels >> rounds;
    const std::vector<float> features = numbers(tokens * 16, 1);
    const std::vector<float> x = numbers(tokens * channels, 2);
    const MergeMap map = bipartite_matching({features.data(), 1, tokens, 16}, {.r = tokens / 4});
    std::vector<float> merged(static_cast<std::size_t>(map.merged_tokens() * channels));
    std::vector<float> back(x.size());
    std::ostringstream text;
    text << "{\"merge\":"
         << times(rounds, [&] { map.merge(x.data(), channels, MergeMode::kMean, nullptr, merged.data()); })
         << ",\"unmerge\":"
         << times(rounds, [&] { map.unmerge(merged.data(), channels, back.data()); })
         // Reads and writes as many bytes as merging, and as unmerging.
         << ",\"memcpyMerged\":" << times(rounds, [&] { std::memcpy(merged.data(), x.data(), merged.size() * 4); })
         << ",\"memcpyAll\":" << times(rounds, [&] { std::memcpy(back.data(), x.data(), back.size() * 4); }) << "}";
    return text.str();
  }
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "merging_bench");
}
