#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/nuclei_options.hpp"
#include "binding/precision_option.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

using TensorPointer = std::shared_ptr<const Tensor>;

using Loader = NucleiModel (*)(std::shared_ptr<const weights::StateDict>, const models::LoadOptions&);

/// (weights, precision, cancel) → handle
template <Loader kLoad>
Napi::Value load(const Napi::CallbackInfo& info) {
  models::LoadOptions options;
  options.precision = precision_named(convert::text(info[1]));
  return spawn(
      info, cancel_flag(info[2]),
      [dict = get<const weights::StateDict>(info[0]), options](const CancelToken&) {
        return std::make_shared<const NucleiModel>(kLoad(dict, options));
      },
      [](Napi::Env env, std::shared_ptr<const NucleiModel> model) {
        const std::int64_t bytes = model->info().memory_bytes;
        return make_handle(env, std::move(model), bytes);
      });
}

/// → [{ name, color: [red, green, blue] }]
Napi::Array types_to_js(Napi::Env env, const std::vector<models::NucleusType>& types) {
  auto array = Napi::Array::New(env, types.size());
  for (std::uint32_t i = 0; i < types.size(); ++i) {
    auto color = Napi::Array::New(env, 3);
    for (std::uint32_t c = 0; c < 3; ++c) color.Set(c, static_cast<double>(types[i].color[c]));
    auto type = Napi::Object::New(env);
    type.Set("name", types[i].name);
    type.Set("color", color);
    array.Set(i, type);
  }
  return array;
}

/// (model) → { architecture, config: names and JSON values in turn, isa, … }
Napi::Value describe_model(const Napi::CallbackInfo& info) {
  const auto model = get<const NucleiModel>(info[0]);
  const models::NetworkInfo& network = model->info();
  auto object = Napi::Object::New(info.Env());
  object.Set("architecture", network.architecture);
  object.Set("config", convert::name_value_list(info.Env(), network.config));
  object.Set("isa", network.isa);
  object.Set("precision", network.precision);
  object.Set("parameters", static_cast<double>(network.parameters));
  object.Set("memoryBytes", static_cast<double>(network.memory_bytes));
  object.Set("mpp", network.mpp);
  object.Set("marginPx", static_cast<double>(network.margin_px));
  object.Set("outputMarginPx", static_cast<double>(network.output_margin_px));
  object.Set("tilePx", static_cast<double>(network.default_tile_px));
  object.Set("types", types_to_js(info.Env(), network.types));
  return object;
}

/// (model, height, width) → the plan as text
Napi::Value describe_plan(const Napi::CallbackInfo& info) {
  const std::string plan =
      get<const NucleiModel>(info[0])->describe(info[1].ToNumber().Int64Value(), info[2].ToNumber().Int64Value());
  return Napi::String::New(info.Env(), plan);
}

/// The maps of all pictures of a call, one after the other, as tensors.
struct PredictedMaps {
  TensorPointer np;
  TensorPointer hv;
  TensorPointer tp;  ///< null for networks without types
};

/// `batched`: with a leading axis, [n, …]; otherwise there is one picture and no such axis.
PredictedMaps stack(const std::vector<Maps>& all, bool batched) {
  const Maps& first = all.front();
  const auto with_batch = [&](Shape shape) {
    if (batched) shape.insert(shape.begin(), static_cast<std::int64_t>(all.size()));
    return shape;
  };
  Tensor np(DType::kF32, with_batch({first.height, first.width}));
  Tensor hv(DType::kF32, with_batch({2, first.height, first.width}));
  Tensor tp(DType::kU8, first.tp.empty() ? Shape{0} : with_batch({first.height, first.width}));
  std::size_t index = 0;
  for (const Maps& maps : all) {
    std::copy(maps.np.begin(), maps.np.end(), np.values<float>().begin() + index * maps.np.size());
    std::copy(maps.hv.begin(), maps.hv.end(), hv.values<float>().begin() + index * maps.hv.size());
    std::copy(maps.tp.begin(), maps.tp.end(), tp.values<std::uint8_t>().begin() + index * maps.tp.size());
    ++index;
  }
  const auto shared = [](Tensor& tensor) { return std::make_shared<const Tensor>(std::move(tensor)); };
  return {shared(np), shared(hv), first.tp.empty() ? nullptr : shared(tp)};
}

Napi::Value maps_to_js(Napi::Env env, PredictedMaps maps) {
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name, TensorPointer tensor) {
    if (!tensor) return;
    const auto bytes = static_cast<std::int64_t>(tensor->byte_size());
    object.Set(name, make_handle(env, std::move(tensor), bytes));
  };
  set("np", std::move(maps.np));
  set("hv", std::move(maps.hv));
  set("tp", std::move(maps.tp));
  return object;
}

/// (model, array of images of one size, batched, stain, side of patches or 0, cancel) → { np, hv, tp? } tensor handles
Napi::Value predict(const Napi::CallbackInfo& info) {
  const auto array = info[1].As<Napi::Array>();
  std::vector<Image> images;
  for (std::uint32_t i = 0; i < array.Length(); ++i) images.push_back(convert::image(array.Get(i)));
  PredictOptions options;
  options.stain = convert::stain(convert::text(info[3]));
  options.patch_px = info[4].ToNumber().Int64Value();
  return spawn(
      info, cancel_flag(info[5]),
      [model = get<const NucleiModel>(info[0]), images = std::move(images), batched = info[2].ToBoolean().Value(),
       options](const CancelToken& cancel) mutable {
        std::vector<Maps> all;
        for (Image& image : images) {
          all.push_back(model->predict(composite_on_white(std::move(image)), options, cancel));
        }
        return stack(all, batched);
      },
      maps_to_js);
}

/// (model, image, options, cancel) → nuclei handle
Napi::Value segment(const Napi::CallbackInfo& info) {
  const convert::Options options(info[2]);
  SegmentImageOptions segment;
  segment.postprocess = postprocess_options(options);
  if (options.has("minAreaUm2")) segment.min_area_um2 = options.number("minAreaUm2");
  segment.mpp = options.number("mpp", 0);
  segment.stain = convert::stain(options.text("stain", "he"));
  segment.measure = options.boolean("measure");
  return spawn(
      info, cancel_flag(info[3]),
      [model = get<const NucleiModel>(info[0]), image = convert::image(info[1]),
       segment](const CancelToken& cancel) mutable {
        const Image rgb = composite_on_white(std::move(image));
        return window_result(model->segment(rgb, segment, cancel), rgb.height, rgb.width);
      },
      nuclei_handle);
}

}  // namespace

void export_model(Napi::Env env, Napi::Object exports) {
  export_function<load<&NucleiModel::load>>(env, exports, "modelLoad");
  export_function<load<&NucleiModel::load_hoverfast>>(env, exports, "hoverfastLoad");
  export_function<load<&NucleiModel::load_hovernet>>(env, exports, "hovernetLoad");
  export_function<describe_model>(env, exports, "modelInfo");
  export_function<describe_plan>(env, exports, "modelDescribe");
  export_function<predict>(env, exports, "modelPredict");
  export_function<segment>(env, exports, "modelSegment");
  export_function<close_handle<const NucleiModel>>(env, exports, "modelClose");
}

}  // namespace histojet::binding
