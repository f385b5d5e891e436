#include <cstring>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// (slide, cancel) → Uint8Array | null
Napi::Value icc_profile(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]),
      [slide = get<const Slide>(info[0])](const CancelToken&) { return slide->source().icc_profile(); },
      [](Napi::Env env, std::optional<std::vector<std::uint8_t>> profile) -> Napi::Value {
        if (!profile) return env.Null();
        return convert::typed_array(env, std::move(*profile));
      });
}

/// (Uint16Array) → handle
Napi::Value make_color_table(const Napi::CallbackInfo& info) {
  const std::span<const std::uint8_t> bytes = convert::bytes(info[0]);
  std::vector<std::uint16_t> values(bytes.size() / sizeof(std::uint16_t));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(std::uint16_t));
  auto table = std::make_shared<const slide::ColorTable>(values);
  return make_handle(info.Env(), std::move(table), static_cast<std::int64_t>(3 * bytes.size()));
}

}  // namespace

void export_color(Napi::Env env, Napi::Object exports) {
  export_function<icc_profile>(env, exports, "slideIccProfile");
  export_function<make_color_table>(env, exports, "colorTable");
}

}  // namespace histojet::binding
