#pragma once

#include <exception>

#include "binding/napi.hpp"

namespace histojet::binding {

/// The code of the error that a cancelled job rejects with. It never reaches users: lib/internal replaces it with the
/// reason of their AbortSignal.
inline constexpr const char* kCancelledCode = "HISTOJET_CANCELLED";

/// A JavaScript Error with `code` for anything that the core throws.
Napi::Error to_js_error(Napi::Env env, const std::exception_ptr& failure);

using SyncFunction = Napi::Value (*)(const Napi::CallbackInfo&);

/// `function` as a property of `exports`; what it throws becomes a JavaScript error with a code.
template <SyncFunction function>
void export_function(Napi::Env env, Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New(
                        env,
                        [](const Napi::CallbackInfo& info) -> Napi::Value {
                          try {
                            return function(info);
                          } catch (const Napi::Error&) {
                            throw;
                          } catch (...) {
                            throw to_js_error(info.Env(), std::current_exception());
                          }
                        },
                        name));
}

}  // namespace histojet::binding
