#pragma once

#include "binding/napi.hpp"

namespace histojet::binding {

/// Each adds the functions of one topic to `exports`; lib/native.ts describes them.
void export_system(Napi::Env env, Napi::Object exports);
void export_slide(Napi::Env env, Napi::Object exports);
void export_remote(Napi::Env env, Napi::Object exports);
void export_slide_pixels(Napi::Env env, Napi::Object exports);
void export_color(Napi::Env env, Napi::Object exports);
void export_deep_zoom(Napi::Env env, Napi::Object exports);
void export_pyramid(Napi::Env env, Napi::Object exports);
void export_synthetic(Napi::Env env, Napi::Object exports);
void export_weights(Napi::Env env, Napi::Object exports);
void export_array_copy(Napi::Env env, Napi::Object exports);
void export_tensor(Napi::Env env, Napi::Object exports);
void export_model(Napi::Env env, Napi::Object exports);
void export_pixel_mamba(Napi::Env env, Napi::Object exports);
void export_attribution(Napi::Env env, Napi::Object exports);
void export_token_models(Napi::Env env, Napi::Object exports);
void export_run(Napi::Env env, Napi::Object exports);
void export_nuclei(Napi::Env env, Napi::Object exports);
void export_density(Napi::Env env, Napi::Object exports);
void export_heat_map(Napi::Env env, Napi::Object exports);
void export_scan(Napi::Env env, Napi::Object exports);
void export_merging(Napi::Env env, Napi::Object exports);
void export_readers(Napi::Env env, Napi::Object exports);
void export_writers(Napi::Env env, Napi::Object exports);

}  // namespace histojet::binding
