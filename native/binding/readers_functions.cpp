#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/nuclei_options.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// What one read brings.
struct ReaderStep {
  std::optional<nuclei::NucleusList> list;
  std::vector<nuclei::NucleusClass> classes;  ///< as far as the file has been read now
};

Napi::Array classes_to_js(Napi::Env env, const std::vector<nuclei::NucleusClass>& classes) {
  auto array = Napi::Array::New(env, classes.size());
  for (std::uint32_t i = 0; i < classes.size(); ++i) {
    auto color = Napi::Array::New(env, 3);
    for (std::uint32_t c = 0; c < 3; ++c) color.Set(c, static_cast<double>(classes[i].color[c]));
    auto entry = Napi::Object::New(env);
    entry.Set("name", classes[i].name);
    entry.Set("color", color);
    array.Set(i, entry);
  }
  return array;
}

/// (path, format, cancel) → handle
Napi::Value open_reader(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [path = convert::text(info[0]), format = convert::text(info[1])](const CancelToken&) {
        auto state = std::make_shared<ReaderState>();
        state->reader = readers::NucleusReader::open(path, format);
        return state;
      },
      [](Napi::Env env, std::shared_ptr<ReaderState> state) { return make_handle(env, std::move(state), 4 << 20); });
}

/// (reader, before its first read) → { format, provenance, magnification, classes }
Napi::Value describe_reader(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto state = get<ReaderState>(info[0]);
  std::lock_guard lock(state->mutex);
  const readers::NucleusReader& reader = *state->reader;
  const std::optional<double> magnification = reader.magnification();
  auto object = Napi::Object::New(env);
  object.Set("format", reader.format());
  object.Set("provenance", reader.provenance());
  object.Set("magnification", magnification ? Napi::Value(Napi::Number::New(env, *magnification)) : env.Null());
  object.Set("classes", classes_to_js(env, reader.classes()));
  return object;
}

/// (reader, scale of the coordinates, cancel) → { nuclei: handle | null at the end, classes }
Napi::Value read_nuclei(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [state = get<ReaderState>(info[0]), scale = info[1].ToNumber().DoubleValue()](const CancelToken& cancel) {
        std::lock_guard lock(state->mutex);
        ReaderStep step{state->reader->next(cancel), state->reader->classes()};
        if (step.list && scale != 1) step.list->transform(scale, scale, 0, 0, scale * scale);
        return step;
      },
      [](Napi::Env env, ReaderStep step) {
        auto object = Napi::Object::New(env);
        object.Set("nuclei", step.list ? nuclei_handle(env, {std::move(*step.list)}) : env.Null());
        object.Set("classes", classes_to_js(env, step.classes));
        return Napi::Value(object);
      });
}

/// (nuclei, new type by type Uint8Array [256]) → handle; nuclei without types count as type 0
Napi::Value retype(const Napi::CallbackInfo& info) {
  const auto numbers = convert::values<std::uint8_t>(info[1]);
  if (numbers.size() != 256) throw Error(ErrorCode::kInvalidArgument, "expected 256 types");
  NucleiResult result{get<const NucleiResult>(info[0])->list};
  result.list.types.resize(result.list.size(), 0);
  for (std::uint8_t& type : result.list.types) type = numbers[type];
  return nuclei_handle(info.Env(), std::move(result));
}

Napi::Value formats(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), readers::reader_formats());
}

}  // namespace

void export_readers(Napi::Env env, Napi::Object exports) {
  export_function<open_reader>(env, exports, "readerOpen");
  export_function<describe_reader>(env, exports, "readerInfo");
  export_function<read_nuclei>(env, exports, "readerNext");
  export_function<close_handle<ReaderState>>(env, exports, "readerClose");
  export_function<formats>(env, exports, "readerFormats");
  export_function<retype>(env, exports, "nucleiRetyped");
}

}  // namespace histojet::binding
