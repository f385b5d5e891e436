// Networks and single layers through the engine, one request per line on stdin, one JSON line each as answer: time,
// useful GFLOP, and what the core could do right before and right after.
//   layers                                   the layers of layer_graphs.hpp
//   layer INDEX PRECISION                    one of them, one thread
//   network NAME SIDE PRECISION THREADS      NAME: a weights file, "hoverfast" (published configuration, computed
//                                            weights) or "hoverfast-unet" (that of the packaged network)
//   chains NAME SIDE PRECISION ROUNDS        the same on one thread, chain by chain: each is computed again until the
//                                            tile unit was at full speed right before and right after it ROUNDS times
// With `repetitions` as the only argument: the two built-in networks and all layers, best of so many.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "chain_times.hpp"
#include "clock.hpp"
#include "engine/run_graph.hpp"
#include "layer_graphs.hpp"
#include "models/formula_dict.hpp"
#include "models/nuclei_network.hpp"
#include "peaks.hpp"

using namespace histojet;

namespace {

constexpr engine::Precision kPrecisions[] = {engine::Precision::kFloat32, engine::Precision::kHigh,
                                             engine::Precision::kFast};

engine::Precision parse_precision(const std::string& name) {
  for (const engine::Precision precision : kPrecisions) {
    if (engine::precision_name(precision) == name) return precision;
  }
  throw std::invalid_argument("unknown precision " + name);
}

/// One measurement between two calibrations.
struct Sample {
  double core_ms = 0.0;  ///< of the calling thread
  double wall_ms = 0.0;
  bench::Peaks before;
  bench::Peaks after;
};

template <typename Work>
Sample timed(const Work& work, int threads = 1) {
  Sample sample;
  sample.before = bench::measure_peaks(threads);
  const double core = bench::thread_seconds();
  const double wall = wall_ms();
  work();
  sample.wall_ms = wall_ms() - wall;
  sample.core_ms = 1e3 * (bench::thread_seconds() - core);
  sample.after = bench::measure_peaks(threads);
  return sample;
}

std::string json(const bench::Peaks& peaks) {
  char text[96];
  std::snprintf(text, sizeof text, "{\"fma\":%.1f,\"pairs\":%.1f,\"tiles\":%.1f}", peaks.fma, peaks.pairs, peaks.tiles);
  return text;
}

std::string json(const Sample& sample) {
  char text[64];
  std::snprintf(text, sizeof text, "\"cpuMs\":%.3f,\"wallMs\":%.3f", sample.core_ms, sample.wall_ms);
  return std::string(text) + ",\"before\":" + json(sample.before) + ",\"after\":" + json(sample.after);
}

/// A network with the memory for tiles of one size.
struct Network {
  std::shared_ptr<const models::NucleiNetwork> network;
  std::unique_ptr<models::NucleiNetwork::Session> session;
  Image image;
  Maps maps;
};

models::HoverFastConfig unet_config() {
  return {.depth = 4, .conv_block = models::BlockKind::kUnet};
}

Network load_network(const std::string& name, std::int64_t side, engine::Precision precision) {
  const models::LoadOptions options{.precision = precision};
  Network loaded;
  if (name == "hoverfast") {
    loaded.network = models::load_hoverfast(test::formula_dict({}), options);
  } else if (name == "hoverfast-unet") {
    loaded.network = models::load_hoverfast(test::formula_dict(unet_config()), options);
  } else {
    loaded.network = models::load_nuclei_network(weights::StateDict::open(name, {.opaque_globals = true}), options);
  }
  loaded.session = loaded.network->make_session(side, side);
  loaded.image = test::noise_image(side, side);
  return loaded;
}

/// A layer's graphs ready to run.
struct LayerRun {
  std::unique_ptr<engine::Session> with;
  std::unique_ptr<engine::Session> without;
};

std::unique_ptr<engine::Session> layer_session(const bench::Layer& layer, bool with_layer,
                                               engine::Precision precision) {
  const auto program = engine::Program::compile(bench::layer_graph(layer, with_layer), {.precision = precision});
  return std::make_unique<engine::Session>(
      std::make_shared<engine::Plan>(program, engine::Extent{layer.side, layer.side}));
}

/// Answers requests; what was loaded stays loaded.
class Server {
 public:
  std::string answer(const std::string& request) {
    std::istringstream words(request);
    std::string kind;
    words >> kind;
    if (kind == "layers") return list_layers();
    if (kind == "layer") {
      std::size_t index = 0;
      std::string precision;
      words >> index >> precision;
      return layer(index, parse_precision(precision));
    }
    if (kind == "network") {
      std::string name, precision;
      std::int64_t side = 0;
      int threads = 1;
      words >> name >> side >> precision >> threads;
      return network(name, side, parse_precision(precision), threads);
    }
    if (kind == "chains") {
      std::string name, precision;
      std::int64_t side = 0;
      int rounds = 1;
      words >> name >> side >> precision >> rounds;
      return chains(name, side, parse_precision(precision), rounds);
    }
    throw std::invalid_argument("unknown request " + request);
  }

 private:
  static std::string list_layers() {
    std::ostringstream text;
    for (const bench::Layer& layer : bench::layers()) {
      text << (text.str().empty() ? "[" : ",") << "{\"name\":\"" << layer.name << "\",\"channels\":" << layer.channels
           << ",\"outChannels\":" << layer.out_channels << ",\"side\":" << layer.side << ",\"kernel\":" << layer.kernel
           << ",\"gflop\":" << layer.gflop << "}";
    }
    return text.str() + "]";
  }

  std::string layer(std::size_t index, engine::Precision precision) {
    const bench::Layer& layer = bench::layers().at(index);
    if (!offered(precision)) return R"({"missing":true})";
    const auto key = std::to_string(index) + std::string(engine::precision_name(precision));
    if (!layer_runs_.contains(key)) {
      layer_runs_.emplace(key, LayerRun{.with = layer_session(layer, true, precision),
                                        .without = layer_session(layer, false, precision)});
    }
    const LayerRun& sessions = layer_runs_.at(key);
    const Image image = test::noise_image(layer.side, layer.side);
    double rest_ms = 0.0;
    Sample sample = timed([&] {
      const double start = bench::thread_seconds();
      sessions.without->run(image, {}, 1, {});
      rest_ms = 1e3 * (bench::thread_seconds() - start);
      sessions.with->run(image, {}, 1, {});
    });
    sample.core_ms = (sample.core_ms - 2.0 * rest_ms) / layer.repeats;
    return "{\"restMs\":" + std::to_string(rest_ms) + "," + json(sample) + "}";
  }

  std::string network(const std::string& name, std::int64_t side, engine::Precision precision, int threads) {
    if (!offered(precision)) return R"({"missing":true})";
    Network& network = loaded(name, side, precision);
    predict(network, threads);
    const Sample sample = timed([&] { predict(network, threads); }, threads);
    const double session_mb = 1e-6 * static_cast<double>(network.session->memory_bytes());
    const double weights_mb = 1e-6 * static_cast<double>(network.network->info().memory_bytes);
    return "{\"isa\":\"" + network.network->info().isa + "\",\"sessionMb\":" + std::to_string(session_mb) +
           ",\"weightsMb\":" + std::to_string(weights_mb) + "," + json(sample) + "}";
  }

  Network& loaded(const std::string& name, std::int64_t side, engine::Precision precision) {
    const auto key = name + " " + std::to_string(side) + std::string(engine::precision_name(precision));
    if (!networks_.contains(key)) {
      networks_.emplace(key, load_network(name, side, precision));
      predict(networks_.at(key), 1);
    }
    return networks_.at(key);
  }

  std::string chains(const std::string& name, std::int64_t side, engine::Precision precision, int rounds) {
    if (!offered(precision)) return R"({"missing":true})";
    Network& network = loaded(name, side, precision);
    bench::ChainTimes times(rounds);
    network.session->set_chain_hook([&](std::size_t, const std::function<void()>& work) { times.measure(work); });
    predict(network, 1);
    network.session->set_chain_hook({});
    return times.json();
  }

  static void predict(Network& loaded, int threads) {
    loaded.network->predict(*loaded.session, loaded.image, loaded.maps, threads, {});
  }

  static bool offered(engine::Precision precision) {
    return engine::offered_precision(precision, active_isa()) == precision;
  }

  std::map<std::string, LayerRun> layer_runs_;
  std::map<std::string, Network> networks_;
};

/// For work on the engine: every request that `repetitions` asks for, all answers printed.
void run_all(Server& server, int repetitions) {
  std::vector<std::string> requests;
  for (const engine::Precision precision : kPrecisions) {
    const std::string name(engine::precision_name(precision));
    for (const char* network : {"hoverfast", "hoverfast-unet"}) {
      for (const char* threads : {"1", "2"}) {
        requests.push_back(std::string("network ") + network + " 1024 " + name + " " + threads);
      }
    }
    for (std::size_t i = 0; i < bench::layers().size(); ++i) {
      requests.push_back("layer " + std::to_string(i) + " " + name);
    }
  }
  for (const std::string& request : requests) {
    for (int i = 0; i < repetitions; ++i) {
      std::cout << "{\"request\":\"" << request << "\"," << server.answer(request).substr(1) << std::endl;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Server server;
  if (argc > 1) {
    run_all(server, std::atoi(argv[1]));
    return 0;
  }
  for (std::string line; std::getline(std::cin, line);) {
    try {
      std::cout << server.answer(line) << std::endl;
    } catch (const std::exception& error) {
      std::cerr << error.what() << std::endl;
      return 1;
    }
  }
  return 0;
}
