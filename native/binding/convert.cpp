#include "binding/convert.hpp"

#include "binding/array_copy.hpp"

namespace histojet::binding::convert {

namespace {

/// Results up to this size are copied into V8's own memory: cheaper than a finalizer, and such buffers can be
/// transferred to a Worker.
constexpr std::size_t kCopiedBytes = 256 << 10;

/// Giving more than this back to the system takes longer than a change of threads: the executor does it.
constexpr std::size_t kFreedAtOnce = 8 << 20;

/// What keeps the memory of a handed-over result alive.
struct Kept {
  std::shared_ptr<const void> owner;
  bool large;
};

/// From the garbage collector.
void give_up(Kept* kept) noexcept {
  if (kept->large) {
    try {
      Executor::instance().post([kept] { delete kept; });
      return;
    } catch (const std::bad_alloc&) {  // then here and now
    }
  }
  delete kept;
}

[[noreturn]] void wrong_type(const std::string& name, const char* expected) {
  throw Error(ErrorCode::kInvalidArgument, name + ": expected " + expected);
}

Napi::TypedArray typed_array_argument(const Napi::Value& value) {
  if (!value.IsTypedArray()) wrong_type("data", "a typed array");
  return value.As<Napi::TypedArray>();
}

const std::uint8_t* start_of(const Napi::TypedArray& array) {
  return static_cast<const std::uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
}

}  // namespace

Options::Options(const Napi::Value& value) {
  if (!value.IsObject()) wrong_type("options", "an object");
  object_ = value.As<Napi::Object>();
}

bool Options::has(const char* name) const {
  return !object_.Get(name).IsUndefined();
}

double Options::number(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsNumber()) wrong_type(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::int64_t Options::integer(const char* name) const {
  const double value = number(name);
  if (!(value >= -0x1p53 && value <= 0x1p53)) wrong_type(name, "an integer");
  return static_cast<std::int64_t>(value);
}

std::string Options::text(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (!value.IsString()) wrong_type(name, "a string");
  return value.As<Napi::String>();
}

std::string text(const Napi::Value& value) {
  if (!value.IsString()) wrong_type("argument", "a string");
  return value.As<Napi::String>();
}

std::vector<std::int64_t> integers(const Napi::Value& value) {
  if (!value.IsArray()) wrong_type("argument", "an array of integers");
  const auto array = value.As<Napi::Array>();
  std::vector<std::int64_t> result(array.Length());
  for (std::uint32_t i = 0; i < array.Length(); ++i) result[i] = array.Get(i).ToNumber().Int64Value();
  return result;
}

slide::Rect rect(const Options& options) {
  return {options.integer("x"), options.integer("y"), options.integer("width"), options.integer("height")};
}

std::array<std::uint8_t, 3> color(const Napi::Value& value) {
  const auto parts = integers(value);
  if (parts.size() != 3) wrong_type("colour", "three numbers");
  return {static_cast<std::uint8_t>(parts[0]), static_cast<std::uint8_t>(parts[1]),
          static_cast<std::uint8_t>(parts[2])};
}

tiles::TissueMask tissue_mask(const Options& options) {
  tiles::TissueMask mask;
  mask.width = options.integer("width");
  mask.height = options.integer("height");
  mask.downsample = options.number("downsample");
  mask.data = values<std::uint8_t>(options.get("data"));
  if (mask.width < 0 || mask.height < 0 || static_cast<std::uint64_t>(mask.width) > mask.data.size() ||
      static_cast<std::uint64_t>(mask.width) * static_cast<std::uint64_t>(mask.height) != mask.data.size()) {
    throw Error(ErrorCode::kShapeMismatch, "tissue: data holds " + std::to_string(mask.data.size()) +
                                               " values, expected width x height = " + std::to_string(mask.width) +
                                               " x " + std::to_string(mask.height));
  }
  return mask;
}

pipeline::Stain stain(const std::string& name) {
  return name == "ihc-dab" ? pipeline::Stain::kIhcDab : pipeline::Stain::kHe;
}

template <class T>
std::vector<T> values(const Napi::Value& value) {
  const Napi::TypedArray array = typed_array_argument(value);
  if (array.ElementSize() != sizeof(T)) wrong_type("data", "a typed array of another element type");
  const auto* first = reinterpret_cast<const T*>(start_of(array));
  return std::vector<T>(first, first + array.ElementLength());
}

template std::vector<double> values<double>(const Napi::Value&);
template std::vector<float> values<float>(const Napi::Value&);
template std::vector<std::int32_t> values<std::int32_t>(const Napi::Value&);
template std::vector<std::uint8_t> values<std::uint8_t>(const Napi::Value&);
template std::vector<std::uint32_t> values<std::uint32_t>(const Napi::Value&);

std::span<const std::uint8_t> bytes(const Napi::Value& value) {
  const Napi::TypedArray array = typed_array_argument(value);
  return {start_of(array), array.ByteLength()};
}

DType dtype(const Napi::Value& value) {
  const std::string name = text(value);
  for (int i = 0; i <= static_cast<int>(DType::kF8E5M2); ++i) {
    if (dtype_name(static_cast<DType>(i)) == name) return static_cast<DType>(i);
  }
  throw Error(ErrorCode::kInvalidArgument, "unknown dtype " + name);
}

Image image(const Napi::Value& value) {
  const Options options(value);
  Image image;
  image.width = options.integer("width");
  image.height = options.integer("height");
  image.channels = static_cast<int>(options.integer("channels"));
  image.data = copied_bytes(options.get("data"));
  const auto size = static_cast<std::uint64_t>(image.data.size());
  const auto width = static_cast<std::uint64_t>(image.width), height = static_cast<std::uint64_t>(image.height);
  if (image.width <= 0 || image.height <= 0 || (image.channels != 3 && image.channels != 4) || width > size ||
      height > size || width * height * static_cast<std::uint64_t>(image.channels) != size) {
    throw Error(ErrorCode::kShapeMismatch,
                "image: data holds " + std::to_string(size) +
                    " bytes, expected width x height x channels = " + std::to_string(image.width) + " x " +
                    std::to_string(image.height) + " x " + std::to_string(image.channels));
  }
  return image;
}

Napi::Value strings(Napi::Env env, const std::vector<std::string>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) array.Set(i, values[i]);
  return array;
}

Napi::Value name_value_list(Napi::Env env, const std::map<std::string, std::string>& values) {
  auto array = Napi::Array::New(env, 2 * values.size());
  std::uint32_t i = 0;
  for (const auto& [name, value] : values) {
    array.Set(i++, name);
    array.Set(i++, value);
  }
  return array;
}

Napi::Value rect(Napi::Env env, const slide::Rect& rect) {
  auto object = Napi::Object::New(env);
  object.Set("x", static_cast<double>(rect.x));
  object.Set("y", static_cast<double>(rect.y));
  object.Set("width", static_cast<double>(rect.width));
  object.Set("height", static_cast<double>(rect.height));
  return object;
}

Napi::Value to_js(Napi::Env env, Image image) {
  auto object = Napi::Object::New(env);
  object.Set("width", static_cast<double>(image.width));
  object.Set("height", static_cast<double>(image.height));
  object.Set("channels", image.channels);
  const std::size_t bytes = image.data.size();
  const std::shared_ptr<std::vector<std::uint8_t>> pixels(new std::vector<std::uint8_t>(std::move(image.data)),
                                                          [](std::vector<std::uint8_t>* done) {
                                                            give_bytes(std::move(*done));
                                                            delete done;
                                                          });
  object.Set("data", Napi::Uint8Array::New(env, bytes, array_buffer(env, pixels->data(), bytes, pixels), 0));
  return object;
}

Napi::ArrayBuffer array_buffer(Napi::Env env, const void* data, std::size_t bytes, std::shared_ptr<const void> owner) {
  if (bytes <= kCopiedBytes) {
    auto buffer = Napi::ArrayBuffer::New(env, bytes);
    if (bytes != 0) std::memcpy(buffer.Data(), data, bytes);
    return buffer;
  }
  auto keep = std::make_unique<Kept>(Kept{std::move(owner), bytes > kFreedAtOnce});
  auto buffer = Napi::ArrayBuffer::New(
      env, const_cast<void*>(data), bytes, [](Napi::BasicEnv, void*, Kept* kept) { give_up(kept); }, keep.get());
  keep.release();
  return buffer;
}

}  // namespace histojet::binding::convert
