#include "scan/scan_tensors.hpp"

#include "base/error.hpp"
#include "scan/checked_tensors.hpp"
#include "scan/scan_2d.hpp"
#include "scan/selective_scan.hpp"

namespace histojet::scan {

namespace {

const float* values_of(const Tensor& tensor) {
  return tensor.values<float>().data();
}

class Inputs {
 public:
  Inputs(const ScanTensors& tensors, const ScanRun& run) : tensors_(tensors), run_(run) {
    convert();
    check_sequences();
    check_parameters();
    scan_.b = factor("B", b_);
    scan_.c = factor("C", c_);
  }

  ScanResult run() {
    ScanResult result{Tensor(DType::kF32, u_.shape()), std::nullopt};
    scan_.y = sequence(nullptr);
    scan_.y_data = result.y.values<float>().data();
    if (tensors_.last_state) {
      result.last_state = Tensor(DType::kF32, {scan_.batch, scan_.channels, scan_.states});
      scan_.last_state = result.last_state->values<float>().data();
    }
    if (tensors_.grid) {
      scan_2d(scan_, tensors_.grid->height, tensors_.grid->width, run_);
    } else {
      selective_scan(scan_, run_);
    }
    return result;
  }

 private:
  bool channels_last() const { return tensors_.layout == Layout::kBld; }

  void convert() {
    u_ = floats_of("u", tensors_.u);
    delta_ = floats_of("delta", tensors_.delta);
    a_ = floats_of("A", tensors_.a);
    b_ = floats_of("B", tensors_.b);
    c_ = floats_of("C", tensors_.c);
    if (tensors_.d) d_ = floats_of("D", *tensors_.d);
    if (tensors_.z) z_ = floats_of("z", *tensors_.z);
    if (tensors_.delta_bias) delta_bias_ = floats_of("deltaBias", *tensors_.delta_bias);
    if (tensors_.initial_state) initial_state_ = floats_of("initialState", *tensors_.initial_state);
  }

  void check_sequences() {
    const Shape& shape = u_.shape();
    if (shape.size() != 3) {
      refuse_shape("u", u_, channels_last() ? "[batch, length, channels]" : "[batch, channels, length]");
    }
    expect_shape("delta", delta_, shape);
    if (tensors_.z) expect_shape("z", z_, shape);
    scan_.batch = shape[0];
    scan_.channels = shape[channels_last() ? 2 : 1];
    scan_.length = shape[channels_last() ? 1 : 2];
    scan_.u = sequence(values_of(u_));
    scan_.delta = sequence(values_of(delta_));
    if (tensors_.z) scan_.z = sequence(values_of(z_));
  }

  void check_parameters() {
    if (a_.shape() == Shape{scan_.channels, a_.shape().size() > 1 ? a_.shape()[1] : 0, 2}) {
      throw Error(ErrorCode::kInvalidArgument,
                  "complex A is not supported, expected [channels, states] of real floats");
    }
    if (a_.shape().size() != 2 || a_.shape()[0] != scan_.channels || a_.shape()[1] < 1) {
      refuse_shape("A", a_, "[" + std::to_string(scan_.channels) + ", states]");
    }
    scan_.states = a_.shape()[1];
    scan_.a = values_of(a_);
    if (tensors_.d) expect_shape("D", d_, {scan_.channels});
    if (tensors_.d) scan_.d = values_of(d_);
    if (tensors_.delta_bias) expect_shape("deltaBias", delta_bias_, {scan_.channels});
    if (tensors_.delta_bias) scan_.delta_bias = values_of(delta_bias_);
    const Shape states{scan_.batch, scan_.channels, scan_.states};
    if (tensors_.initial_state) expect_shape("initialState", initial_state_, states);
    if (tensors_.initial_state) scan_.initial_state = values_of(initial_state_);
    scan_.delta_softplus = tensors_.delta_softplus;
    scan_.reverse = tensors_.reverse;
  }

  Sequence sequence(const float* data) const {
    const std::int64_t batch_step = scan_.channels * scan_.length;
    if (channels_last()) return {data, batch_step, 1, scan_.channels};
    return {data, batch_step, scan_.length, 1};
  }

  /// B or C; the first one that has groups says how many there are.
  Factor factor(const char* name, const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    const std::int64_t states = scan_.states, length = scan_.length;
    if (shape == Shape{scan_.channels, states}) return {.data = values_of(tensor), .per_channel = true};
    const std::size_t group_side = channels_last() ? 2 : 1;
    const std::int64_t groups = shape.size() == 4 ? shape[group_side] : 1;
    const Shape expected = channels_last() ? Shape{scan_.batch, length, states} : Shape{scan_.batch, states, length};
    Shape without = shape;
    if (shape.size() == 4) without.erase(without.begin() + static_cast<std::ptrdiff_t>(group_side));
    const bool divides = groups >= 1 && scan_.channels % groups == 0;
    if (without != expected || !divides || (groups_known_ && groups != scan_.groups)) {
      refuse_shape(name, tensor, choices(groups_known_ ? std::to_string(scan_.groups) : "groups"));
    }
    groups_known_ = true;
    scan_.groups = groups;
    const std::int64_t batch_step = groups * states * length;
    if (channels_last()) return {values_of(tensor), batch_step, states, 1, groups * states};
    return {values_of(tensor), batch_step, states * length, length, 1};
  }

  std::string choices(const std::string& groups) const {
    const std::string batch = std::to_string(scan_.batch), states = std::to_string(scan_.states),
                      length = std::to_string(scan_.length);
    const std::string last = channels_last() ? "[" + batch + ", " + length + ", " + groups + ", " + states + "]"
                                             : "[" + batch + ", " + groups + ", " + states + ", " + length + "]";
    return shape_text({scan_.channels, scan_.states}) + ", " +
           (channels_last() ? shape_text({scan_.batch, scan_.length, scan_.states})
                            : shape_text({scan_.batch, scan_.states, scan_.length})) +
           " or " + last + (groups == "groups" ? " with groups that divide the channels" : "");
  }

  const ScanTensors& tensors_;
  const ScanRun& run_;
  Tensor u_, delta_, a_, b_, c_, d_, z_, delta_bias_, initial_state_;
  SelectiveScan scan_;
  bool groups_known_ = false;
};

}  // namespace

ScanResult scan_tensors(const ScanTensors& tensors, const ScanRun& run) {
  return Inputs(tensors, run).run();
}

}  // namespace histojet::scan
