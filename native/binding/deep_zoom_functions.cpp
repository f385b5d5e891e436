#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// (slide, { tileSize, overlap, format, quality, limitBounds }) → handle
Napi::Value open_deep_zoom(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  tiles::DeepZoomOptions zoom;
  zoom.tile_size = options.integer("tileSize");
  zoom.overlap = options.integer("overlap");
  zoom.png = options.text("format") == "png";
  zoom.quality = static_cast<int>(options.integer("quality"));
  zoom.limit_bounds = options.boolean("limitBounds");
  auto pyramid = std::make_shared<const tiles::DeepZoom>(get<const Slide>(info[0])->shared(), zoom);
  return make_handle(info.Env(), std::move(pyramid), 4096);
}

/// (pyramid) → levels
Napi::Value levels(const Napi::CallbackInfo& info) {
  const auto pyramid = get<const tiles::DeepZoom>(info[0]);
  auto array = Napi::Array::New(info.Env(), pyramid->levels().size());
  std::uint32_t index = 0;
  for (const tiles::DeepZoomLevel& level : pyramid->levels()) {
    auto object = Napi::Object::New(info.Env());
    object.Set("width", static_cast<double>(level.width));
    object.Set("height", static_cast<double>(level.height));
    object.Set("columns", static_cast<double>(level.columns));
    object.Set("rows", static_cast<double>(level.rows));
    array.Set(index++, object);
  }
  return array;
}

/// (pyramid, level, column, row, cancel, colour table | undefined) → Uint8Array
Napi::Value encoded_tile(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[4]),
      [pyramid = get<const tiles::DeepZoom>(info[0]), level = info[1].ToNumber().Int32Value(),
       column = info[2].ToNumber().Int64Value(), row = info[3].ToNumber().Int64Value(), colors = color_table(info[5])](
          const CancelToken& cancel) { return pyramid->encoded_tile(level, column, row, colors.get(), cancel); },
      convert::typed_array<std::uint8_t>);
}

}  // namespace

void export_deep_zoom(Napi::Env env, Napi::Object exports) {
  export_function<open_deep_zoom>(env, exports, "deepZoomOpen");
  export_function<levels>(env, exports, "deepZoomLevels");
  export_function<encoded_tile>(env, exports, "deepZoomTile");
}

}  // namespace histojet::binding
