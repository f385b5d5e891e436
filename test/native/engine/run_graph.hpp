#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "available_isas.hpp"
#include "engine/session.hpp"

namespace histojet::test {

/// Outputs of a graph for one picture, by name.
struct GraphRun {
  std::vector<std::string> taps;
  Isa isa = active_isa();
  int threads = 1;
  std::int64_t cache_bytes = 0;
  engine::Precision precision = engine::Precision::kFloat32;
  bool emulate_tiles = false;
  bool several_results = true;
  bool activated_beside = false;

  std::map<std::string, std::vector<float>> operator()(const engine::Graph& graph, ImageView rgb) const {
    auto program = engine::Program::compile(graph, {.isa = isa,
                                                    .taps = taps,
                                                    .precision = precision,
                                                    .several_results = several_results,
                                                    .activated_beside = activated_beside,
                                                    .emulate_tiles = emulate_tiles});
    auto plan = std::make_shared<engine::Plan>(program, engine::Extent{rgb.height, rgb.width},
                                               engine::PlanOptions{.cache_bytes = cache_bytes});
    engine::Session session(plan);
    std::map<std::string, std::vector<float>> results;
    std::vector<engine::OutputBinding> bindings;
    for (std::size_t id = 0; id < program->nodes().size(); ++id) {
      const engine::ProgramNode& node = program->nodes()[id];
      if (!engine::is_output(node.kind)) continue;
      const engine::Extent extent = plan->extent(static_cast<int>(id));
      std::vector<float>& values = results[node.name];
      values.resize(static_cast<std::size_t>(node.channels * extent.height * extent.width));
      bindings.push_back({node.name, values.data()});
    }
    session.run(rgb, bindings, threads, {});
    return results;
  }
};

/// L2 norm of the difference over that of `expected`.
inline double relative_error(const std::vector<float>& values, const std::vector<float>& expected) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    difference += std::pow(values[i] - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  return std::sqrt(difference / size);
}

/// A picture of noise.
inline Image noise_image(std::int64_t width, std::int64_t height, std::uint32_t seed = 1) {
  Image image(width, height, 3);
  for (std::uint8_t& byte : image.data) {
    seed = seed * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(seed >> 24);
  }
  return image;
}

}  // namespace histojet::test
