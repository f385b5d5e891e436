#pragma once

#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "binding/handles.hpp"
#include "binding/napi.hpp"

namespace histojet::binding::convert {

/// A plain object that lib/ has validated; absent fields are undefined. @throws Error kInvalidArgument naming the field
/// when a type is wrong all the same.
class Options {
 public:
  explicit Options(const Napi::Value& value);

  bool has(const char* name) const;
  Napi::Value get(const char* name) const { return object_.Get(name); }
  double number(const char* name) const;
  double number(const char* name, double fallback) const { return has(name) ? number(name) : fallback; }
  std::int64_t integer(const char* name) const;
  std::int64_t integer(const char* name, std::int64_t fallback) const { return has(name) ? integer(name) : fallback; }
  bool boolean(const char* name) const { return has(name) && object_.Get(name).ToBoolean(); }
  std::string text(const char* name) const;
  std::string text(const char* name, const char* fallback) const { return has(name) ? text(name) : fallback; }

 private:
  Napi::Object object_;
};

std::string text(const Napi::Value& value);
std::vector<std::int64_t> integers(const Napi::Value& value);
slide::Rect rect(const Options& options);
std::array<std::uint8_t, 3> color(const Napi::Value& value);
tiles::TissueMask tissue_mask(const Options& options);
pipeline::Stain stain(const std::string& name);

/// A copy of a typed array's values. @throws Error kInvalidArgument when it is no typed array of that element type.
template <class T>
std::vector<T> values(const Napi::Value& value);
/// A typed array's bytes, whatever its type; JavaScript may change or move them once the call has returned.
std::span<const std::uint8_t> bytes(const Napi::Value& value);
/// "F32", "U8", …
DType dtype(const Napi::Value& value);
/// A copy of { data, width, height, channels }; data: Uint8Array or full ArrayCopy.
/// @throws Error kShapeMismatch when the size does not fit.
Image image(const Napi::Value& value);

Napi::Value strings(Napi::Env env, const std::vector<std::string>& values);
/// Names and values in turn: names come from files, and one may be "__proto__".
Napi::Value name_value_list(Napi::Env env, const std::map<std::string, std::string>& values);
Napi::Value rect(Napi::Env env, const slide::Rect& rect);
Napi::Value to_js(Napi::Env env, Image image);

/// Memory from `data` on that `owner` keeps alive, as an ArrayBuffer: small results are copied, larger ones handed over
/// (a fresh V8 buffer of 16 MiB costs 5 to 9 ms of page faults on the event loop, a handed-over one microseconds).
Napi::ArrayBuffer array_buffer(Napi::Env env, const void* data, std::size_t bytes, std::shared_ptr<const void> owner);

/// A typed array over values that `owner` keeps alive and that nothing else reads: JavaScript may write to them.
template <class T>
Napi::TypedArrayOf<T> shared_array(Napi::Env env, const std::vector<T>& values, std::shared_ptr<const void> owner) {
  const std::size_t bytes = values.size() * sizeof(T);
  return Napi::TypedArrayOf<T>::New(env, values.size(), array_buffer(env, values.data(), bytes, std::move(owner)), 0);
}

/// A typed array that takes over the vector's memory.
template <class T>
Napi::TypedArrayOf<T> typed_array(Napi::Env env, std::vector<T> values) {
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return shared_array(env, *owner, owner);
}

}  // namespace histojet::binding::convert
