#include <mutex>
#include <optional>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/rendered_map.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

nuclei::DensityArea density_area(const convert::Options& options) {
  nuclei::DensityArea area;
  area.x = options.number("x");
  area.y = options.number("y");
  area.width = options.number("width");
  area.height = options.number("height");
  area.cell_x = options.number("cellX");
  area.cell_y = options.number("cellY");
  area.mpp_x = options.number("mppX");
  area.mpp_y = options.number("mppY");
  return area;
}

/// ({ x, y, width, height, cellX, cellY, mppX, mppY }, types) → handle
Napi::Value open_density(const Napi::CallbackInfo& info) {
  auto state = std::make_shared<DensityState>(density_area(convert::Options(info[0])), info[1].ToNumber().Int32Value());
  const std::int64_t bytes = 4 * state->grid.width() * state->grid.height();
  return make_handle(info.Env(), std::move(state), bytes);
}

/// (density) → { width, height }
Napi::Value density_size(const Napi::CallbackInfo& info) {
  const auto state = get<DensityState>(info[0]);
  auto object = Napi::Object::New(info.Env());
  object.Set("width", static_cast<double>(state->grid.width()));
  object.Set("height", static_cast<double>(state->grid.height()));
  return object;
}

/// (density, nuclei, cancel)
Napi::Value add_nuclei(const Napi::CallbackInfo& info) {
  return spawn(info, cancel_flag(info[2]),
               [state = get<DensityState>(info[0]), batch = get<const NucleiResult>(info[1])](const CancelToken&) {
                 std::lock_guard lock(state->mutex);
                 state->grid.add(batch->list);
               });
}

/// (density, types) → Float64Array: nuclei in all, then of each type
Napi::Value density_counts(const Napi::CallbackInfo& info) {
  return spawn(
      info, nullptr,
      [state = get<DensityState>(info[0]), types = info[1].ToNumber().Int32Value()](const CancelToken&) {
        std::lock_guard lock(state->mutex);
        std::vector<double> counts;
        for (int type = nuclei::DensityGrid::kAllTypes; type < types; ++type) {
          counts.push_back(static_cast<double>(state->grid.count(type)));
        }
        return counts;
      },
      convert::typed_array<double>);
}

/// Which values to look at: type -1 stands for all, sigmas are in cells.
struct Selection {
  int type = -1;
  double sigma_x = 0;
  double sigma_y = 0;
};

Selection selection(const convert::Options& options) {
  return {static_cast<int>(options.integer("type", -1)), options.number("sigmaX", 0), options.number("sigmaY", 0)};
}

std::vector<float> density_values(DensityState& state, const Selection& selected, const CancelToken& cancel) {
  std::lock_guard lock(state.mutex);
  return state.grid.values(selected.type, selected.sigma_x, selected.sigma_y, cancel);
}

/// (density, { type, sigmaX, sigmaY }, cancel) → Float32Array [height, width]
Napi::Value read_values(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [state = get<DensityState>(info[0]), selected = selection(convert::Options(info[1]))](const CancelToken& cancel) {
        return density_values(*state, selected, cancel);
      },
      convert::typed_array<float>);
}

/// (density, { type, sigmaX, sigmaY, colormap, max | undefined, channels }, cancel) → { image, max }
Napi::Value render(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  writers::HeatMapOptions map;
  map.colormap = writers::colormap_named(options.text("colormap"));
  map.channels = static_cast<int>(options.integer("channels"));
  return spawn(
      info, cancel_flag(info[2]),
      [state = get<DensityState>(info[0]), selected = selection(options), map,
       max = scale_end(options)](const CancelToken& cancel) mutable {
        const std::vector<float> values = density_values(*state, selected, cancel);
        map.max = max ? *max : writers::heat_map_maximum(values);
        return RenderedMap{writers::heat_map(values, state->grid.width(), state->grid.height(), map, cancel), map.max};
      },
      rendered_to_js);
}

/// (colormap, count) → Uint8Array [count, 3]: colours from the first to the last
Napi::Value colors(const Napi::CallbackInfo& info) {
  const writers::Colormap map = writers::colormap_named(convert::text(info[0]));
  const int count = info[1].ToNumber().Int32Value();
  std::vector<std::uint8_t> table;
  for (int i = 0; i < count; ++i) {
    const auto color = writers::colormap_color(map, i / (count - 1.0));
    table.insert(table.end(), color.begin(), color.end());
  }
  return convert::typed_array(info.Env(), std::move(table));
}

Napi::Value colormaps(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), writers::colormap_names());
}

}  // namespace

void export_density(Napi::Env env, Napi::Object exports) {
  export_function<open_density>(env, exports, "densityOpen");
  export_function<density_size>(env, exports, "densitySize");
  export_function<add_nuclei>(env, exports, "densityAdd");
  export_function<density_counts>(env, exports, "densityCounts");
  export_function<read_values>(env, exports, "densityValues");
  export_function<render>(env, exports, "densityRender");
  export_function<colors>(env, exports, "colormapColors");
  export_function<colormaps>(env, exports, "colormaps");
}

}  // namespace histojet::binding
