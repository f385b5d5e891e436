#include <optional>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/progress.hpp"
#include "binding/task.hpp"
#include "histojet/scan.hpp"

namespace histojet::binding {

namespace {

Tensor tensor(const convert::Options& tensors, const char* name) {
  return *get<const Tensor>(tensors.get(name));
}

std::optional<Tensor> optional_tensor(const convert::Options& tensors, const char* name) {
  if (!tensors.has(name)) return std::nullopt;
  return tensor(tensors, name);
}

Napi::Value handle_of(Napi::Env env, Tensor tensor) {
  const auto bytes = static_cast<std::int64_t>(tensor.byte_size());
  return make_handle(env, std::make_shared<const Tensor>(std::move(tensor)), bytes);
}

scan::ScanTensors scan_inputs(const convert::Options& tensors, const convert::Options& options) {
  scan::ScanTensors inputs;
  inputs.u = tensor(tensors, "u");
  inputs.delta = tensor(tensors, "delta");
  inputs.a = tensor(tensors, "A");
  inputs.b = tensor(tensors, "B");
  inputs.c = tensor(tensors, "C");
  inputs.d = optional_tensor(tensors, "D");
  inputs.z = optional_tensor(tensors, "z");
  inputs.delta_bias = optional_tensor(tensors, "deltaBias");
  inputs.initial_state = optional_tensor(tensors, "initialState");
  inputs.delta_softplus = options.boolean("deltaSoftplus");
  inputs.reverse = options.boolean("reverse");
  inputs.last_state = options.boolean("returnLastState");
  if (options.has("height")) inputs.grid = scan::GridSize{options.integer("height"), options.integer("width")};
  inputs.layout = options.text("layout", "bdl") == "bld" ? scan::Layout::kBld : scan::Layout::kBdl;
  return inputs;
}

/// The channel comes along so that it lives until the work is over.
auto scan_result_to_js(std::shared_ptr<ProgressChannel> progress) {
  return [progress = std::move(progress)](Napi::Env env, scan::ScanResult result) {
    auto object = Napi::Object::New(env);
    object.Set("y", handle_of(env, std::move(result.y)));
    if (result.last_state) object.Set("lastState", handle_of(env, std::move(*result.last_state)));
    return object;
  };
}

scan::ScanRun scan_run(const convert::Options& options, const std::shared_ptr<ProgressChannel>& progress) {
  scan::ScanRun run;
  run.threads = static_cast<int>(options.integer("threads", 0));
  if (progress) run.progress = progress_callback(progress);
  return run;
}

/// (tensor handles by name, options, progress | undefined, cancel) → { y, lastState? }; `kInputs` reads the first two.
template <auto kInputs, auto kScan>
Napi::Value run_tensors(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  const auto progress = ProgressChannel::open(info[2]);
  return spawn(
      info, cancel_flag(info[3]),
      [inputs = kInputs(convert::Options(info[0]), options),
       run = scan_run(options, progress)](const CancelToken& cancel) mutable {
        run.cancel = cancel;
        return kScan(inputs, run);
      },
      scan_result_to_js(progress));
}

scan::SsdTensors ssd_inputs(const convert::Options& tensors, const convert::Options& options) {
  scan::SsdTensors inputs;
  inputs.x = tensor(tensors, "x");
  inputs.dt = tensor(tensors, "dt");
  inputs.a = tensor(tensors, "A");
  inputs.b = tensor(tensors, "B");
  inputs.c = tensor(tensors, "C");
  inputs.d = optional_tensor(tensors, "D");
  inputs.dt_bias = optional_tensor(tensors, "dtBias");
  inputs.initial_state = optional_tensor(tensors, "initialState");
  inputs.dt_softplus = options.boolean("dtSoftplus");
  inputs.last_state = options.boolean("returnLastState");
  return inputs;
}

scan::CausalConvTensors conv_inputs(const convert::Options& tensors, const convert::Options& options) {
  scan::CausalConvTensors inputs;
  inputs.x = tensor(tensors, "x");
  inputs.weight = tensor(tensors, "weight");
  inputs.bias = optional_tensor(tensors, "bias");
  inputs.initial_state = optional_tensor(tensors, "initialState");
  inputs.silu = options.boolean("silu");
  inputs.last_state = options.boolean("returnLastState");
  inputs.layout = options.text("layout", "bdl") == "bld" ? scan::Layout::kBld : scan::Layout::kBdl;
  return inputs;
}

}  // namespace

void export_scan(Napi::Env env, Napi::Object exports) {
  export_function<run_tensors<scan_inputs, scan::scan_tensors>>(env, exports, "selectiveScan");
  export_function<run_tensors<ssd_inputs, scan::ssd_tensors>>(env, exports, "ssdScan");
  export_function<run_tensors<conv_inputs, scan::causal_conv>>(env, exports, "causalConv1d");
}

}  // namespace histojet::binding
