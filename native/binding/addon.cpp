#include "binding/env_state.hpp"
#include "binding/functions.hpp"
#include "binding/napi.hpp"

namespace {

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  using namespace histojet::binding;
  open_gate(env);
  export_system(env, exports);
  export_slide(env, exports);
  export_remote(env, exports);
  export_slide_pixels(env, exports);
  export_color(env, exports);
  export_deep_zoom(env, exports);
  export_pyramid(env, exports);
  export_synthetic(env, exports);
  export_weights(env, exports);
  export_array_copy(env, exports);
  export_tensor(env, exports);
  export_model(env, exports);
  export_pixel_mamba(env, exports);
  export_attribution(env, exports);
  export_token_models(env, exports);
  export_run(env, exports);
  export_nuclei(env, exports);
  export_density(env, exports);
  export_heat_map(env, exports);
  export_scan(env, exports);
  export_merging(env, exports);
  export_readers(env, exports);
  export_writers(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, initialise)
