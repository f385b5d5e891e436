#include <algorithm>
#include <type_traits>

#include "binding/array_copy.hpp"
#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

Napi::Value copy_handle(Napi::Env env, std::shared_ptr<ArrayCopy> copy) {
  const auto bytes = static_cast<std::int64_t>(copy->size());
  return make_handle(env, std::move(copy), bytes);
}

/// (bytes) → copy to fill, for pixels
Napi::Value open_bytes(const Napi::CallbackInfo& info) {
  const std::int64_t size = std::max<std::int64_t>(0, info[0].ToNumber().Int64Value());
  return spawn(
      info, nullptr,
      [size](const CancelToken&) { return std::make_shared<ArrayCopy>(take_bytes(static_cast<std::size_t>(size))); },
      copy_handle);
}

/// (dtype, shape) → copy to fill, for a tensor
Napi::Value open_tensor(const Napi::CallbackInfo& info) {
  return spawn(
      info, nullptr,
      [dtype = convert::dtype(info[0]), shape = convert::integers(info[1])](const CancelToken&) {
        return std::make_shared<ArrayCopy>(Tensor(dtype, shape));
      },
      copy_handle);
}

/// (copy, Uint8Array): the next piece
Napi::Value append(const Napi::CallbackInfo& info) {
  get<ArrayCopy>(info[0])->append(convert::bytes(info[1]));
  return info.Env().Undefined();
}

/// (copy) → tensor handle
Napi::Value tensor(const Napi::CallbackInfo& info) {
  auto taken = std::make_shared<const Tensor>(get<ArrayCopy>(info[0])->take_tensor());
  drop_handle<ArrayCopy>(info[0]);
  const auto bytes = static_cast<std::int64_t>(taken->byte_size());
  return make_handle(info.Env(), std::move(taken), bytes);
}

/// `act(type of the object)` for the kind of handle that JavaScript can close while a copy is being made.
template <class Act>
Napi::Value with_kind(const Napi::Value& handle, Act act) {
  Napi::Value result;
  const auto is = [&]<class T>(std::type_identity<T> kind) {
    if (!handle.As<Napi::External<Holder<T>>>().CheckTypeTag(&HandleKind<T>::kTag)) return false;
    result = act(kind);
    return true;
  };
  if (handle.IsExternal() &&
      (is(std::type_identity<const Tensor>()) || is(std::type_identity<const NucleiModel>()) ||
       is(std::type_identity<const PictureModel>()) || is(std::type_identity<const PixelMambaModel>()) ||
       is(std::type_identity<const MambaMilModel>()))) {
    return result;
  }
  throw Error(ErrorCode::kInvalidArgument, "expected a model or a tensor");
}

/// (handle) → another handle of the same object, which stays when the first one closes
Napi::Value share(const Napi::CallbackInfo& info) {
  return with_kind(info[0], [&]<class T>(std::type_identity<T>) {
    return make_handle(info.Env(), get<T>(info[0]), 0);  // the first handle accounts for the memory
  });
}

/// (shared handle): closes it
Napi::Value let_go(const Napi::CallbackInfo& info) {
  return with_kind(info[0], [&]<class T>(std::type_identity<T>) { return close_handle<T>(info); });
}

}  // namespace

void export_array_copy(Napi::Env env, Napi::Object exports) {
  export_function<open_bytes>(env, exports, "copyOpen");
  export_function<open_tensor>(env, exports, "copyOpenTensor");
  export_function<append>(env, exports, "copyAppend");
  export_function<tensor>(env, exports, "copyTensor");
  export_function<share>(env, exports, "share");
  export_function<let_go>(env, exports, "letGo");
}

}  // namespace histojet::binding
