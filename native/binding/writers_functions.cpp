#include <cstring>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/nuclei_options.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

std::vector<writers::NucleusClass> classes(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<writers::NucleusClass> result;
  for (std::uint32_t i = 0; i < array.Length(); ++i) {
    const convert::Options entry(array.Get(i));
    result.push_back({entry.text("name"), convert::color(entry.get("color"))});
  }
  return result;
}

/// [[red, green, blue], …]
std::vector<std::array<std::uint8_t, 3>> colors(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::array<std::uint8_t, 3>> result;
  for (std::uint32_t i = 0; i < array.Length(); ++i) result.push_back(convert::color(array.Get(i)));
  return result;
}

writers::WriterOptions writer_options(const convert::Options& options) {
  writers::WriterOptions writer;
  writer.path = options.text("path");
  writer.format = options.text("format", "");
  if (options.has("origin")) {
    writer.origin = options.text("origin") == "bounds" ? writers::Origin::kBounds : writers::Origin::kLevel0;
  }
  writer.bounds_x = options.integer("boundsX", 0);
  writer.bounds_y = options.integer("boundsY", 0);
  writer.mpp = options.number("mpp", 0);
  writer.processing_mpp = options.number("processingMpp", 0);
  writer.fingerprint = options.text("fingerprint", "");
  writer.weights_hash = options.text("weightsHash", "");
  writer.provenance = options.text("provenance", "");
  writer.other_formats = options.text("otherFormats", "");
  if (options.has("classes")) writer.classes = classes(options.get("classes"));
  return writer;
}

/// (options, cancel) → handle
Napi::Value open_writer(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]),
      [options = writer_options(convert::Options(info[0]))](const CancelToken&) {
        auto state = std::make_shared<WriterState>();
        state->writer = writers::NucleusWriter::create(options);
        return state;
      },
      [](Napi::Env env, std::shared_ptr<WriterState> state) { return make_handle(env, std::move(state), 1 << 16); });
}

Napi::Value count_to_js(Napi::Env env, std::int64_t count) {
  return Napi::Number::New(env, static_cast<double>(count));
}

/// (writer, nuclei) → how many nuclei are written in all
Napi::Value write_nuclei(const Napi::CallbackInfo& info) {
  return spawn(
      info, nullptr,
      [state = get<WriterState>(info[0]), batch = get<const NucleiResult>(info[1])](const CancelToken&) {
        std::lock_guard lock(state->mutex);
        state->writer->write(batch->list);
        return state->writer->count();
      },
      count_to_js);
}

/// (writer) → finishes the document and gives it its name
Napi::Value finish_writer(const Napi::CallbackInfo& info) {
  return spawn(info, nullptr, [state = get<WriterState>(info[0])](const CancelToken&) {
    std::lock_guard lock(state->mutex);
    state->writer->close();
  });
}

/// (options, cancel) → handle
Napi::Value open_columns(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]),
      [options = writer_options(convert::Options(info[0]))](const CancelToken&) {
        return std::make_shared<ColumnsState>(options);
      },
      [](Napi::Env env, std::shared_ptr<ColumnsState> state) { return make_handle(env, std::move(state), 1 << 22); });
}

/// (columns) → { provenance, classes, metric }; before the first job, which it would wait for
Napi::Value columns_info(const Napi::CallbackInfo& info) {
  const auto state = get<ColumnsState>(info[0]);
  std::lock_guard lock(state->mutex);
  auto result = Napi::Object::New(info.Env());
  result.Set("provenance", state->encoder.provenance());
  result.Set("classes", state->encoder.classes_json());
  result.Set("metric", state->encoder.metric());
  return result;
}

/// The bytes lie in memory of the engine's own: JavaScript gives them to a Worker, which memory of ours cannot be.
Napi::Value columns_to_js(Napi::Env env, writers::NucleusColumns columns) {
  auto bytes = Napi::ArrayBuffer::New(env, columns.bytes.size());
  if (!columns.bytes.empty()) std::memcpy(bytes.Data(), columns.bytes.data(), columns.bytes.size());
  auto result = Napi::Object::New(env);
  result.Set("rows", static_cast<double>(columns.rows));
  result.Set("next", static_cast<double>(columns.next));
  result.Set("bytes", bytes);
  result.Set("classes", columns.classes);
  result.Set("measurements", convert::strings(env, columns.measurements));
  return result;
}

/// (columns, nuclei, first) → { rows, next, bytes: ArrayBuffer, classes, measurements }
Napi::Value encode_columns(const Napi::CallbackInfo& info) {
  return spawn(
      info, nullptr,
      [state = get<ColumnsState>(info[0]), batch = get<const NucleiResult>(info[1]),
       first = static_cast<std::size_t>(info[2].ToNumber().Int64Value())](const CancelToken&) {
        std::lock_guard lock(state->mutex);
        return state->encoder.encode(batch->list, first);
      },
      columns_to_js);
}

Napi::Value formats(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), writers::writer_formats());
}

/// (image, array of nuclei, { x, y, scale, scaleY, color, lineWidth, typeColors }, cancel) → image
Napi::Value render_overlay(const Napi::CallbackInfo& info) {
  const convert::Options options(info[2]);
  writers::OverlayOptions overlay;
  overlay.x = options.number("x", overlay.x);
  overlay.y = options.number("y", overlay.y);
  overlay.scale = options.number("scale", overlay.scale);
  overlay.width_px = options.number("lineWidth", overlay.width_px);
  overlay.scale_y = options.number("scaleY", overlay.scale_y);
  if (options.has("color")) overlay.color = convert::color(options.get("color"));
  if (options.has("typeColors")) overlay.type_colors = colors(options.get("typeColors"));
  return spawn(
      info, cancel_flag(info[3]),
      [image = convert::image(info[0]), lists = nuclei_of(info[1]), overlay](const CancelToken& cancel) mutable {
        Image picture = composite_on_white(std::move(image));
        for (const auto& one : lists) writers::draw_outlines(picture, one->list, overlay, cancel);
        return picture;
      },
      convert::to_js);
}

/// (image, level, cancel) → Uint8Array
Napi::Value encode_png(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [image = convert::image(info[0]), level = info[1].ToNumber().Int32Value()](const CancelToken&) {
        return codecs::encode_png(image, level);
      },
      convert::typed_array<std::uint8_t>);
}

}  // namespace

void export_writers(Napi::Env env, Napi::Object exports) {
  export_function<open_writer>(env, exports, "writerOpen");
  export_function<write_nuclei>(env, exports, "writerWrite");
  export_function<finish_writer>(env, exports, "writerFinish");
  export_function<close_handle<WriterState>>(env, exports, "writerClose");
  export_function<open_columns>(env, exports, "columnsOpen");
  export_function<columns_info>(env, exports, "columnsInfo");
  export_function<encode_columns>(env, exports, "columnsEncode");
  export_function<close_handle<ColumnsState>>(env, exports, "columnsClose");
  export_function<formats>(env, exports, "writerFormats");
  export_function<render_overlay>(env, exports, "renderOverlay");
  export_function<encode_png>(env, exports, "encodePng");
}

}  // namespace histojet::binding
