#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/rendered_map.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// Numbers on a grid as JavaScript has them.
struct Grid {
  std::vector<float> values;
  std::int64_t columns = 0;
  std::int64_t rows = 0;
};

/// { data, width, height }
Grid grid_of(const convert::Options& options) {
  return {convert::values<float>(options.get("data")), options.integer("width"), options.integer("height")};
}

/// The end of the scale: what was given, or the one that fits the values.
double end_of(std::optional<double> given, const std::vector<float>& values) {
  return given ? *given : writers::heat_map_maximum(values);
}

/// ({ data, width, height }, { colormap, max | undefined, channels }, cancel) → { image, max }
Napi::Value render(const Napi::CallbackInfo& info) {
  const convert::Options given(info[1]);
  writers::HeatMapOptions options;
  options.colormap = writers::colormap_named(given.text("colormap"));
  options.channels = static_cast<int>(given.integer("channels"));
  return spawn(
      info, cancel_flag(info[2]),
      [grid = grid_of(convert::Options(info[0])), options, max = scale_end(given)](const CancelToken& cancel) mutable {
        options.max = end_of(max, grid.values);
        return RenderedMap{writers::heat_map(grid.values, grid.columns, grid.rows, options, cancel), options.max};
      },
      rendered_to_js);
}

/// (picture, { data, width, height }, { colormap, max | undefined, opacity, cellWidth, cellHeight }, cancel) →
/// { image, max }
Napi::Value overlay(const Napi::CallbackInfo& info) {
  const convert::Options given(info[2]);
  writers::HeatOverlayOptions options;
  options.colormap = writers::colormap_named(given.text("colormap"));
  options.opacity = given.number("opacity");
  const double cell_width = given.number("cellWidth"), cell_height = given.number("cellHeight");
  return spawn(
      info, cancel_flag(info[3]),
      [picture = convert::image(info[0]), grid = grid_of(convert::Options(info[1])), options, max = scale_end(given),
       cell_width, cell_height](const CancelToken& cancel) mutable {
        options.max = end_of(max, grid.values);
        Image image = composite_on_white(std::move(picture));
        writers::lay_heat_over(image, {grid.values, grid.columns, grid.rows, cell_width, cell_height}, options, cancel);
        return RenderedMap{std::move(image), options.max};
      },
      rendered_to_js);
}

}  // namespace

void export_heat_map(Napi::Env env, Napi::Object exports) {
  export_function<render>(env, exports, "heatMapRender");
  export_function<overlay>(env, exports, "heatMapOverlay");
}

}  // namespace histojet::binding
