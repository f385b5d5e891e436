// The selective scan and its gradient, for training on a CPU. Called through ctypes: ops.py builds the C++ files of
// this folder with the compiler at hand and -march=native. Float32, channels last.
//
// A sequence is cut into `segments` runs of `steps` steps; the state starts anew in each. `reverse` goes through every
// run backwards. Rows of z, B and C lie `*_row` floats apart, other tensors are dense.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>

#include "vectors.hpp"

namespace {

constexpr int kChunk = 32;  // steps between kept states

float softplus(float x) {
  return x > 20.0f ? x : std::log1p(std::exp(std::min(x, 20.0f)));
}

}  // namespace

extern "C" {

struct ScanShape {
  std::int64_t segments, steps, channels, states;
  std::int64_t z_row;   // floats
  std::int64_t bc_row;  // of B and C
  std::int64_t reverse;
  std::int64_t accumulate;  // add to out and to the gradient of z
};

struct ScanTensors {
  const float* u;      // [segments * steps][channels]
  const float* delta;  // the same
  const float* z;      // rows of z_row
  const float* b;      // rows of bc_row, [states]
  const float* c;
  const float* a;     // [channels][states], negative
  const float* d;     // [channels]
  const float* bias;  // [channels]
  float* states;      // [segments][chunks][states][channels rounded up to 16]: the state before each chunk
  float* out;         // like u
};

struct ScanGradients {
  const float* out;  // given
  float* u;          // written
  float* delta;      // written
  float* z;          // rows of z_row, written
  float* b;          // rows of bc_row, added to
  float* c;
  double* a;  // [channels][states], added to; the others as well
  double* d;
  double* bias;
};

}  // extern "C"

namespace {

/// One block of up to 16 channels; addresses of a step of a segment.
struct Block {
  const ScanShape& shape;
  const ScanTensors& in;
  std::int64_t first;  // channel
  int lanes;
  std::int64_t row(std::int64_t segment, std::int64_t step) const {
    return segment * shape.steps + (shape.reverse != 0 ? shape.steps - 1 - step : step);
  }
};

/// What a chunk needs before the recurrence: dt, dt*u and the gate.
struct Prologue {
  alignas(64) float raw[kChunk * kLanes], dt[kChunk * kLanes], u[kChunk * kLanes], z[kChunk * kLanes],
      gate[kChunk * kLanes];

  void fill(const Block& block, std::int64_t segment, std::int64_t from, int count) {
    const std::int64_t channels = block.shape.channels;
    Vector bias = load(block.in.bias + block.first, block.lanes);
    for (int t = 0; t < count; ++t) {
      const std::int64_t row = block.row(segment, from + t);
      const Vector x = load(block.in.delta + row * channels + block.first, block.lanes) + bias;
      store(raw + t * kLanes, x, kLanes);
      store(u + t * kLanes, load(block.in.u + row * channels + block.first, block.lanes), kLanes);
      const Vector gated = load(block.in.z + row * block.shape.z_row + block.first, block.lanes);
      store(z + t * kLanes, gated, kLanes);
      store(gate + t * kLanes, sigmoid(gated), kLanes);
    }
    const int all = count * kLanes;
    for (int i = 0; i < all; ++i) dt[i] = softplus(raw[i]);
  }
};

template <int kStates>
void load_rates(const Block& block, Vector* a2) {
  constexpr float kLog2E = 1.4426950408889634f;
  for (int n = 0; n < kStates; ++n) {
    a2[n] = Vector{};
    for (int i = 0; i < block.lanes; ++i) a2[n][i] = block.in.a[(block.first + i) * kStates + n] * kLog2E;
  }
}

template <int kStates>
void scan_forward_block(const Block& block) {
  const ScanShape& s = block.shape;
  const std::int64_t chunks = (s.steps + kChunk - 1) / kChunk;
  const std::int64_t padded = (s.channels + kLanes - 1) / kLanes * kLanes;
  Vector a2[kStates];
  load_rates<kStates>(block, a2);
  const Vector skip = load(block.in.d + block.first, block.lanes);
  Prologue p;
  for (std::int64_t segment = 0; segment < s.segments; ++segment) {
    Vector h[kStates] = {};
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const std::int64_t from = chunk * kChunk;
      const int count = static_cast<int>(std::min<std::int64_t>(kChunk, s.steps - from));
      float* kept = block.in.states + ((segment * chunks + chunk) * kStates) * padded + block.first;
      for (int n = 0; n < kStates; ++n) store(kept + n * padded, h[n], kLanes);
      p.fill(block, segment, from, count);
      for (int t = 0; t < count; ++t) {
        const std::int64_t row = block.row(segment, from + t);
        const float* b = block.in.b + row * s.bc_row;
        const float* c = block.in.c + row * s.bc_row;
        const Vector dt = load(p.dt + t * kLanes, kLanes);
        const Vector u = load(p.u + t * kLanes, kLanes);
        const Vector dtu = dt * u;
        Vector y = skip * u;
        for (int n = 0; n < kStates; ++n) {
          h[n] = exp2_of(dt * a2[n]) * h[n] + dtu * b[n];
          y += h[n] * c[n];
        }
        Vector out = y * load(p.z + t * kLanes, kLanes) * load(p.gate + t * kLanes, kLanes);
        float* to = block.in.out + row * s.channels + block.first;
        if (s.accumulate != 0) out += load(to, block.lanes);
        store(to, out, block.lanes);
      }
    }
  }
}

/// The gradient of one block of channels, chunk by chunk from the end: states are computed again from the one kept
/// before each chunk.
template <int kStates>
class BackwardScan {
 public:
  BackwardScan(const Block& block, const ScanGradients& gradients)
      : block_(block), g_(gradients), skip_(load(block.in.d + block.first, block.lanes)) {
    load_rates<kStates>(block, a2_);
  }

  void run() {
    const ScanShape& s = block_.shape;
    const std::int64_t chunks = (s.steps + kChunk - 1) / kChunk;
    for (std::int64_t segment = 0; segment < s.segments; ++segment) {
      std::fill_n(gh_, kStates, Vector{});
      for (std::int64_t chunk = chunks - 1; chunk >= 0; --chunk) {
        const std::int64_t from = chunk * kChunk;
        const int count = static_cast<int>(std::min<std::int64_t>(kChunk, s.steps - from));
        recompute(segment, chunk + segment * chunks, from, count);
        for (int t = count - 1; t >= 0; --t) step_back(block_.row(segment, from + t), t);
        collect();
      }
    }
    for (int i = 0; i < block_.lanes; ++i) {
      g_.d[block_.first + i] += sum_d_[i];
      g_.bias[block_.first + i] += sum_bias_[i];
      for (int n = 0; n < kStates; ++n) g_.a[(block_.first + i) * kStates + n] += sum_a_[n][i];
    }
  }

 private:
  /// Decays and states of a chunk.
  void recompute(std::int64_t segment, std::int64_t chunk, std::int64_t from, int count) {
    const ScanShape& s = block_.shape;
    const std::int64_t padded = (s.channels + kLanes - 1) / kLanes * kLanes;
    const float* states = block_.in.states + chunk * kStates * padded + block_.first;
    p_.fill(block_, segment, from, count);
    for (int n = 0; n < kStates; ++n) h_[0][n] = load(states + n * padded, kLanes);
    for (int t = 0; t < count; ++t) {
      const float* b = block_.in.b + block_.row(segment, from + t) * s.bc_row;
      const Vector dt = load(p_.dt + t * kLanes, kLanes);
      const Vector dtu = dt * load(p_.u + t * kLanes, kLanes);
      for (int n = 0; n < kStates; ++n) {
        decay_[t][n] = exp2_of(dt * a2_[n]);
        h_[t + 1][n] = decay_[t][n] * h_[t][n] + dtu * b[n];
      }
    }
  }

  void step_back(std::int64_t row, int t) {
    constexpr float kLn2 = 0.6931471805599453f;
    const ScanShape& s = block_.shape;
    const float* b = block_.in.b + row * s.bc_row;
    const float* c = block_.in.c + row * s.bc_row;
    float* gb = g_.b + row * s.bc_row;
    float* gc = g_.c + row * s.bc_row;
    const Vector dt = load(p_.dt + t * kLanes, kLanes);
    const Vector u = load(p_.u + t * kLanes, kLanes);
    const Vector z = load(p_.z + t * kLanes, kLanes);
    const Vector gate = load(p_.gate + t * kLanes, kLanes);
    const Vector gout = load(g_.out + row * s.channels + block_.first, block_.lanes);
    const Vector gy = gout * z * gate;
    const Vector dtu = dt * u;
    Vector y = skip_ * u;
    Vector gdtu = {}, gdt = {};
    for (int n = 0; n < kStates; ++n) {
      const Vector h = h_[t + 1][n];
      y += h * c[n];
      gc[n] += sum(gy * h);
      gh_[n] += gy * c[n];
      gb[n] += sum(gh_[n] * dtu);
      gdtu += gh_[n] * b[n];
      gh_[n] *= decay_[t][n];
      const Vector gexp = gh_[n] * h_[t][n];  // by dt * A
      gdt += gexp * a2_[n];
      ga_[n] += gexp * dt;
    }
    gdt = gdt * kLn2 + gdtu * u;
    // The slope of softplus is a sigmoid, which is 1 - exp(-softplus).
    const Vector gdelta = gdt * (1.0f - exp2_of(dt * -1.4426950408889634f));
    gd_ += gy * u;
    gbias_ += gdelta;
    store(g_.u + row * s.channels + block_.first, gdtu * dt + gy * skip_, block_.lanes);
    store(g_.delta + row * s.channels + block_.first, gdelta, block_.lanes);
    float* to = g_.z + row * s.z_row + block_.first;
    Vector gz = gout * y * gate * (1.0f + z * (1.0f - gate));
    if (s.accumulate != 0) gz += load(to, block_.lanes);
    store(to, gz, block_.lanes);
  }

  /// Moves the sums of a chunk to double precision.
  void collect() {
    for (int i = 0; i < block_.lanes; ++i) {
      sum_d_[i] += static_cast<double>(gd_[i]);
      sum_bias_[i] += static_cast<double>(gbias_[i]);
      for (int n = 0; n < kStates; ++n) sum_a_[n][i] += static_cast<double>(ga_[n][i]);
    }
    gd_ = gbias_ = Vector{};
    std::fill_n(ga_, kStates, Vector{});
  }

  const Block& block_;
  const ScanGradients& g_;
  Vector skip_;
  Vector a2_[kStates], gh_[kStates] = {}, ga_[kStates] = {};
  Vector gd_ = {}, gbias_ = {};
  Vector decay_[kChunk][kStates], h_[kChunk + 1][kStates];
  Prologue p_;
  double sum_a_[kStates][kLanes] = {};
  double sum_d_[kLanes] = {}, sum_bias_[kLanes] = {};
};

template <int kStates>
void scan_all(const ScanShape& shape, const ScanTensors& tensors, const ScanGradients* gradients) {
  for (std::int64_t first = 0; first < shape.channels; first += kLanes) {
    const Block block{shape, tensors, first, static_cast<int>(std::min<std::int64_t>(kLanes, shape.channels - first))};
    if (gradients == nullptr)
      scan_forward_block<kStates>(block);
    else
      std::make_unique<BackwardScan<kStates>>(block, *gradients)->run();
  }
}

int scan_any(const ScanShape& shape, const ScanTensors& tensors, const ScanGradients* gradients) {
  switch (shape.states) {
    case 4:
      scan_all<4>(shape, tensors, gradients);
      return 0;
    case 8:
      scan_all<8>(shape, tensors, gradients);
      return 0;
    case 16:
      scan_all<16>(shape, tensors, gradients);
      return 0;
    default:
      return 1;
  }
}

}  // namespace

extern "C" {

int scan_chunk() {
  return kChunk;
}

/// 0, or 1 when the number of states is not 4, 8 or 16.
int scan_forward(const ScanShape* shape, const ScanTensors* tensors) {
  return scan_any(*shape, *tensors, nullptr);
}

int scan_backward(const ScanShape* shape, const ScanTensors* tensors, const ScanGradients* gradients) {
  return scan_any(*shape, *tensors, gradients);
}

}  // extern "C"
