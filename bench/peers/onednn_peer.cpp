// oneDNN as a rival for networks, at its best: every convolution of a network as one primitive with bias and ReLU
// inside, source, weights and destination in the formats that the library chooses, all made beforehand and nothing
// reordered between them. Requests on stdin, one JSON line each as answer:
//   version
//   convolution IN OUT KERNEL STRIDE GROUPS PAD_BEFORE PAD_AFTER HEIGHT WIDTH BIAS RELU
//   transposed IN OUT KERNEL STRIDE GROUPS PAD_BEFORE PAD_AFTER HEIGHT WIDTH BIAS RELU
//                                     adds one to the network; BIAS and RELU are 0 or 1
//   run TYPE THREADS                  all of them once, in order; TYPE: bfloat16 or float32
//   parts TYPE ROUNDS                 the same on one thread, one by one: each is computed again until the tile unit
//   was
//                                     at full speed right before and right after it ROUNDS times
//   implementations TYPE THREADS      what the library chose for each
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../native/chain_times.hpp"
#include "../native/clock.hpp"
#include "../native/serve_lines.hpp"

namespace {

using dnnl::memory;

/// One convolution of a network on one picture; sides are those of its source, in pixels.
struct Convolution {
  bool transposed = false;
  std::int64_t in = 0, out = 0, kernel = 1, stride = 1, groups = 1, before = 0, after = 0, height = 0, width = 0;
  bool bias = false, relu = false;

  std::int64_t out_side(std::int64_t side) const {
    if (transposed) return stride * (side - 1) + kernel - before - after;
    return (side + before + after - kernel) / stride + 1;
  }
  std::int64_t out_height() const { return out_side(height); }
  std::int64_t out_width() const { return out_side(width); }
  /// Products of one output channel at one place: of the source for a transposed one.
  std::int64_t depth() const { return in / groups * kernel * kernel; }
  double gflop() const {
    const std::int64_t places = transposed ? height * width : out_height() * out_width();
    return 2e-9 * static_cast<double>(places * out * depth());
  }
};

/// The same pseudo-random numbers in [-1, 1) every time.
class Noise {
 public:
  float next() {
    state_ = state_ * 1664525U + 1013904223U;
    return static_cast<float>(state_ >> 8) / (1 << 23) - 1.0f;
  }

 private:
  std::uint32_t state_ = 1;
};

/// Memory as large as the largest source or destination. In a network the values follow each other in memory that is
/// used again and again, so all sources lie in one such place and all destinations in another.
class Place {
 public:
  void reserve(std::size_t bytes) { bytes_ = std::max(bytes_, bytes); }
  /// Values as behind a ReLU: half of them are zero.
  void fill(memory::data_type type) {
    data_.reset(
        static_cast<std::byte*>(std::aligned_alloc(kAlignment, (bytes_ + kAlignment - 1) / kAlignment * kAlignment)));
    if (data_ == nullptr) throw std::bad_alloc();
    Noise noise;
    for (std::size_t i = 0; i < bytes_ / memory::data_type_size(type); ++i)
      store(type, i, std::max(0.0f, noise.next()));
  }
  void* data() const { return data_.get(); }

 private:
  static constexpr std::size_t kAlignment = 4096;
  struct Free {
    void operator()(std::byte* data) const { std::free(data); }
  };

  void store(memory::data_type type, std::size_t index, float value) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    if (type == memory::data_type::f32) {
      std::memcpy(data_.get() + 4 * index, &bits, 4);
    } else {
      const auto high = static_cast<std::uint16_t>(bits >> 16);
      std::memcpy(data_.get() + 2 * index, &high, 2);
    }
  }

  std::size_t bytes_ = 0;
  std::unique_ptr<std::byte, Free> data_;
};

/// A convolution ready to run.
struct Layer {
  dnnl::primitive primitive;
  memory source, destination;
  std::unordered_map<int, memory> arguments;
  std::string implementation;
};

/// All convolutions of a network in one data type.
class Pass {
 public:
  Pass(const std::vector<Convolution>& convolutions, memory::data_type type) : type_(type) {
    for (const Convolution& conv : convolutions) {
      layers_.push_back(conv.transposed ? make<dnnl::deconvolution_forward>(conv, dnnl::algorithm::deconvolution_direct)
                                        : make<dnnl::convolution_forward>(conv, dnnl::algorithm::convolution_direct));
    }
    sources_.fill(type);
    destinations_.fill(type);
    for (Layer& layer : layers_) {
      layer.source.set_data_handle(sources_.data());
      layer.destination.set_data_handle(destinations_.data());
    }
  }

  const std::vector<Layer>& layers() const { return layers_; }

  void run(const Layer& layer) {
    layer.primitive.execute(stream_, layer.arguments);
    stream_.wait();
  }

 private:
  template <typename Forward>
  Layer make(const Convolution& conv, dnnl::algorithm algorithm) {
    const auto any = [](const memory::dims& dims, memory::data_type type) {
      return memory::desc(dims, type, memory::format_tag::any);
    };
    const memory::desc source = any({1, conv.in, conv.height, conv.width}, type_);
    const memory::desc destination = any({1, conv.out, conv.out_height(), conv.out_width()}, type_);
    const memory::dims weight_dims = weight_shape(conv);
    const memory::desc weights = any(weight_dims, type_);
    const memory::desc bias =
        conv.bias ? memory::desc({conv.out}, memory::data_type::f32, memory::format_tag::x) : memory::desc();
    const memory::dims strides{conv.stride, conv.stride}, before{conv.before, conv.before},
        after{conv.after, conv.after};
    dnnl::primitive_attr attributes;
    if (conv.relu) {
      dnnl::post_ops operations;
      operations.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
      attributes.set_post_ops(operations);
    }
    const typename Forward::desc wanted(dnnl::prop_kind::forward_inference, algorithm, source, weights, bias,
                                        destination, strides, before, after);
    const typename Forward::primitive_desc chosen(wanted, attributes, engine_);

    Layer layer{.primitive = Forward(chosen),
                .source = memory(chosen.src_desc(), engine_, DNNL_MEMORY_NONE),
                .destination = memory(chosen.dst_desc(), engine_, DNNL_MEMORY_NONE),
                .arguments = {},
                .implementation = chosen.impl_info_str()};
    sources_.reserve(chosen.src_desc().get_size());
    destinations_.reserve(chosen.dst_desc().get_size());
    layer.arguments = {{DNNL_ARG_SRC, layer.source},
                       {DNNL_ARG_DST, layer.destination},
                       {DNNL_ARG_WEIGHTS, weight_values(conv, weight_dims, chosen.weights_desc())}};
    if (conv.bias) layer.arguments.emplace(DNNL_ARG_BIAS, bias_values(conv));
    return layer;
  }

  static memory::dims weight_shape(const Convolution& conv) {
    if (conv.groups == 1) return {conv.out, conv.in, conv.kernel, conv.kernel};
    return {conv.groups, conv.out / conv.groups, conv.in / conv.groups, conv.kernel, conv.kernel};
  }

  /// Weights that keep values at their size, in the format that the library asks for.
  memory weight_values(const Convolution& conv, const memory::dims& dims, const memory::desc& format) {
    const auto tag = conv.groups == 1 ? memory::format_tag::oihw : memory::format_tag::goihw;
    memory plain({dims, memory::data_type::f32, tag}, engine_);
    auto* values = static_cast<float*>(plain.get_data_handle());
    const std::int64_t count = conv.out * conv.depth();
    const float scale = std::sqrt((conv.relu ? 6.0f : 3.0f) / static_cast<float>(conv.depth()));
    Noise noise;
    for (std::int64_t i = 0; i < count; ++i) values[i] = scale * noise.next();
    memory packed(format, engine_);
    dnnl::reorder(plain, packed).execute(stream_, plain, packed);
    stream_.wait();
    return packed;
  }

  memory bias_values(const Convolution& conv) {
    memory bias({{conv.out}, memory::data_type::f32, memory::format_tag::x}, engine_);
    std::fill_n(static_cast<float*>(bias.get_data_handle()), conv.out, 0.1f);
    return bias;
  }

  memory::data_type type_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Place sources_, destinations_;
  std::vector<Layer> layers_;
};

class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "version") return version();
    if (verb == "convolution" || verb == "transposed") return add(words, verb == "transposed");
    std::string type;
    int count = 0;
    words >> type >> count;
    Pass& pass = asked_pass(type, verb == "parts" ? 1 : count);
    if (verb == "run") {
      return timed([&] {
        for (const Layer& layer : pass.layers()) pass.run(layer);
      });
    }
    if (verb == "parts") return parts(pass, count);
    if (verb == "implementations") return implementations(pass);
    throw std::invalid_argument("unknown request " + line);
  }

 private:
  static std::string version() {
    const dnnl_version_t* version = dnnl_version();
    std::ostringstream text;
    text << "{\"version\":\"" << version->major << "." << version->minor << "." << version->patch << "\"}";
    return text.str();
  }

  std::string add(std::istringstream& words, bool transposed) {
    Convolution conv{.transposed = transposed};
    words >> conv.in >> conv.out >> conv.kernel >> conv.stride >> conv.groups >> conv.before >> conv.after >>
        conv.height >> conv.width >> conv.bias >> conv.relu;
    if (words.fail()) throw std::invalid_argument("a convolution takes eleven numbers");
    convolutions_.push_back(conv);
    passes_.clear();
    return "{\"gflop\":" + std::to_string(conv.gflop()) + "}";
  }

  /// Made when it is first asked for; primitives are made for a number of threads.
  Pass& asked_pass(const std::string& type, int threads) {
    if ((type != "bfloat16" && type != "float32") || threads < 1) {
      throw std::invalid_argument("expected bfloat16 or float32 and a number of threads");
    }
    omp_set_num_threads(threads);
    std::unique_ptr<Pass>& pass = passes_[{type, threads}];
    if (pass == nullptr) {
      pass =
          std::make_unique<Pass>(convolutions_, type == "float32" ? memory::data_type::f32 : memory::data_type::bf16);
    }
    return *pass;
  }

  template <typename Work>
  static std::string timed(const Work& work) {
    const double cpu = cpu_ms();
    const double wall = wall_ms();
    work();
    char text[96];
    std::snprintf(text, sizeof text, "{\"cpuMs\":%.4f,\"wallMs\":%.4f}", cpu_ms() - cpu, wall_ms() - wall);
    return text;
  }

  static std::string parts(Pass& pass, int rounds) {
    histojet::bench::ChainTimes times(rounds, kMostSeconds);
    for (const Layer& layer : pass.layers()) {
      times.measure([&] { pass.run(layer); });
      if (!times.complete()) break;
    }
    return times.json();
  }

  static std::string implementations(const Pass& pass) {
    std::string text;
    for (const Layer& layer : pass.layers()) text += (text.empty() ? "[\"" : ",\"") + layer.implementation + "\"";
    return text + "]";
  }

  static constexpr double kMostSeconds = 10.0;  ///< of core time for one convolution

  std::vector<Convolution> convolutions_;
  std::map<std::pair<std::string, int>, std::unique_ptr<Pass>> passes_;
};

}  // namespace

int main() {
  Server server;
  return histojet::bench::serve_lines(server, "onednn_peer");
}
