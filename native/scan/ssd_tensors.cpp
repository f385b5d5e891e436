#include "scan/ssd_tensors.hpp"

#include "scan/checked_tensors.hpp"
#include "scan/ssd_scan.hpp"

namespace histojet::scan {

namespace {

/// A tensor as float32 with the shape that it must have, in `keep` for as long as its values are needed.
const float* values_of(const char* name, const Tensor& tensor, const Shape& shape, Tensor& keep) {
  expect_shape(name, tensor, shape);
  keep = floats_of(name, tensor);
  return keep.values<float>().data();
}

const float* values_of(const char* name, const std::optional<Tensor>& tensor, const Shape& shape, Tensor& keep) {
  return tensor ? values_of(name, *tensor, shape, keep) : nullptr;
}

/// The sizes that x and B tell.
SsdScan sizes_of(const SsdTensors& tensors) {
  const Shape& x = tensors.x.shape();
  if (x.size() != 4) refuse_shape("x", tensors.x, "[batch, length, heads, channels]");
  const Shape& b = tensors.b.shape();
  const std::int64_t groups = b.size() == 4 ? b[2] : 1;
  const bool fits = (b.size() == 3 || b.size() == 4) && b[0] == x[0] && b[1] == x[1];
  if (!fits || groups < 1 || x[2] % groups != 0) {
    const std::string start = "[" + std::to_string(x[0]) + ", " + std::to_string(x[1]) + ", ";
    refuse_shape("B", tensors.b, start + "states] or " + start + "groups, states] with groups that divide the heads");
  }
  SsdScan scan;
  scan.batch = x[0];
  scan.length = x[1];
  scan.heads = x[2];
  scan.head_channels = x[3];
  scan.groups = groups;
  scan.states = b.back();
  return scan;
}

}  // namespace

ScanResult ssd_tensors(const SsdTensors& tensors, const ScanRun& run) {
  SsdScan scan = sizes_of(tensors);
  const Shape states{scan.batch, scan.heads, scan.head_channels, scan.states};
  Tensor x, dt, a, b, c, d, dt_bias, initial_state;
  scan.x = values_of("x", tensors.x, tensors.x.shape(), x);
  scan.dt = values_of("dt", tensors.dt, {scan.batch, scan.length, scan.heads}, dt);
  scan.a = values_of("A", tensors.a, {scan.heads}, a);
  scan.b = values_of("B", tensors.b, tensors.b.shape(), b);
  scan.c = values_of("C", tensors.c, tensors.b.shape(), c);
  scan.d = values_of("D", tensors.d, {scan.heads}, d);
  scan.dt_bias = values_of("dtBias", tensors.dt_bias, {scan.heads}, dt_bias);
  scan.initial_state = values_of("initialState", tensors.initial_state, states, initial_state);
  scan.dt_softplus = tensors.dt_softplus;
  ScanResult result{Tensor(DType::kF32, tensors.x.shape()), std::nullopt};
  scan.y = result.y.values<float>().data();
  if (tensors.last_state) {
    result.last_state = Tensor(DType::kF32, states);
    scan.last_state = result.last_state->values<float>().data();
  }
  ssd_scan(scan, run);
  return result;
}

}  // namespace histojet::scan
