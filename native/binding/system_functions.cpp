#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"

namespace histojet::binding {

namespace {

Napi::Value version(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), kVersion.data(), kVersion.size());
}

Napi::Value describe_system(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const SystemInfo system = system_info();
  auto object = Napi::Object::New(env);
  object.Set("cpuModel", system.cpu_model);
  object.Set("cpuFeatures", convert::strings(env, system.cpu_features));
  object.Set("isa", system.isa);
  object.Set("threads", system.threads);
  const char* address = nullptr;
  if (node_api_get_module_file_name(env, &address) == napi_ok && address != nullptr) object.Set("addonUrl", address);
  return object;
}

Napi::Value count_resident_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(resident_bytes()));
}

Napi::Value error_codes(const Napi::CallbackInfo& info) {
  std::vector<std::string> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    names.emplace_back(code_name(static_cast<ErrorCode>(code)));
  }
  return convert::strings(info.Env(), names);
}

Napi::Value make_cancel_source(const Napi::CallbackInfo& info) {
  return make_handle(info.Env(), std::make_shared<CancelSource>(), 0);
}

Napi::Value cancel(const Napi::CallbackInfo& info) {
  get<CancelSource>(info[0])->cancel();
  return info.Env().Undefined();
}

/// (path) → handle, or null when another run has the lock
Napi::Value lock_file(const Napi::CallbackInfo& info) {
  std::optional<LockedFile> lock = LockedFile::try_open(convert::text(info[0]));
  if (!lock) return info.Env().Null();
  return make_handle(info.Env(), std::make_shared<LockedFile>(std::move(*lock)), 0);
}

/// (lock, remove): gives the lock free; `remove` deletes the file
Napi::Value unlock_file(const Napi::CallbackInfo& info) {
  const auto lock = get<LockedFile>(info[0]);
  info[1].ToBoolean().Value() ? lock->remove() : lock->close();
  return info.Env().Undefined();
}

}  // namespace

void export_system(Napi::Env env, Napi::Object exports) {
  export_function<version>(env, exports, "version");
  export_function<describe_system>(env, exports, "systemInfo");
  export_function<count_resident_bytes>(env, exports, "residentBytes");
  export_function<error_codes>(env, exports, "errorCodes");
  export_function<make_cancel_source>(env, exports, "cancelSource");
  export_function<cancel>(env, exports, "cancel");
  export_function<lock_file>(env, exports, "lockFile");
  export_function<unlock_file>(env, exports, "unlockFile");
}

}  // namespace histojet::binding
