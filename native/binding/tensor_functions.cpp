#include <algorithm>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// (typed array, dtype, shape) → handle; the values are copied.
Napi::Value make_tensor(const Napi::CallbackInfo& info) {
  const std::span<const std::uint8_t> bytes = convert::bytes(info[0]);
  Tensor tensor(convert::dtype(info[1]), convert::integers(info[2]));
  if (tensor.byte_size() != bytes.size()) {
    throw Error(ErrorCode::kShapeMismatch,
                "shape " + shape_text(tensor.shape()) + " of " + std::string(dtype_name(tensor.dtype())) + " needs " +
                    std::to_string(tensor.byte_size()) + " bytes, got " + std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), tensor.bytes());
  const auto size = static_cast<std::int64_t>(bytes.size());
  return make_handle(info.Env(), std::make_shared<const Tensor>(std::move(tensor)), size);
}

/// (tensor) → { dtype, shape }
Napi::Value describe_tensor(const Napi::CallbackInfo& info) {
  const auto tensor = get<const Tensor>(info[0]);
  auto object = Napi::Object::New(info.Env());
  object.Set("dtype", std::string(dtype_name(tensor->dtype())));
  auto shape = Napi::Array::New(info.Env(), tensor->shape().size());
  for (std::uint32_t i = 0; i < tensor->shape().size(); ++i) shape.Set(i, static_cast<double>(tensor->shape()[i]));
  object.Set("shape", shape);
  return object;
}

/// Values up to this size are copied at once: two changes of threads take longer than that.
constexpr std::size_t kCopiedAtOnce = 32 << 10;

/// (tensor, cancel) → ArrayBuffer with a copy of the values
Napi::Value copy_values(const Napi::CallbackInfo& info) {
  using Bytes = std::vector<std::uint8_t>;
  const auto tensor = get<const Tensor>(info[0]);
  if (tensor->byte_size() <= kCopiedAtOnce) {
    const auto deferred = Napi::Promise::Deferred::New(info.Env());
    deferred.Resolve(convert::array_buffer(info.Env(), tensor->bytes(), tensor->byte_size(), tensor));
    return deferred.Promise();
  }
  return spawn(
      info, cancel_flag(info[1]),
      [tensor](const CancelToken&) {
        return std::make_shared<const Bytes>(tensor->bytes(), tensor->bytes() + tensor->byte_size());
      },
      [](Napi::Env env, const std::shared_ptr<const Bytes>& bytes) {
        return convert::array_buffer(env, bytes->data(), bytes->size(), bytes);
      });
}

}  // namespace

void export_tensor(Napi::Env env, Napi::Object exports) {
  export_function<make_tensor>(env, exports, "tensorFrom");
  export_function<describe_tensor>(env, exports, "tensorInfo");
  export_function<copy_values>(env, exports, "tensorData");
  export_function<close_handle<const Tensor>>(env, exports, "tensorClose");
}

}  // namespace histojet::binding
