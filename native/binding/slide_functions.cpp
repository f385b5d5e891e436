#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// What an open slide weighs for the garbage collector when its cache is empty.
constexpr std::int64_t kSlideBytes = 256 << 10;

slide::OpenOptions open_options(const convert::Options& options) {
  slide::OpenOptions open;
  if (options.has("mpp")) open.mpp = options.number("mpp");
  if (options.has("companion")) {
    const convert::Options companion(options.get("companion"));
    open.companion = slide::Mpp{companion.number("x"), companion.number("y"), slide::MppSource::kCompanion};
  }
  open.tolerant = options.boolean("tolerant");
  open.max_cache_bytes = options.integer("maxCacheBytes", open.max_cache_bytes);
  open.openslide = options.text("openslide", open.openslide.c_str());
  return open;
}

/// (remote file, { mpp, tolerant, maxCacheBytes }, cancel) → handle; once per remote file
Napi::Value open_remote_slide(const Napi::CallbackInfo& info) {
  auto source = std::move(get<RemoteLink>(info[0])->unopened);
  if (!source) throw Error(ErrorCode::kDisposed, "the remote file is closed");
  return spawn(
      info, cancel_flag(info[2]),
      [source = std::move(source), open = open_options(convert::Options(info[1]))](const CancelToken&) {
        return std::make_shared<const Slide>(Slide::open(source, open));
      },
      [](Napi::Env env, std::shared_ptr<const Slide> slide) { return make_handle(env, slide, kSlideBytes); });
}

/// (path, { mpp, companion, tolerant, maxCacheBytes, openslide }, cancel) → handle
Napi::Value open_slide(const Napi::CallbackInfo& info) {
  const slide::OpenOptions open = open_options(convert::Options(info[1]));
  return spawn(
      info, cancel_flag(info[2]),
      [path = convert::text(info[0]), open](const CancelToken&) {
        return std::make_shared<const Slide>(Slide::open(path, open));
      },
      [](Napi::Env env, std::shared_ptr<const Slide> slide) { return make_handle(env, slide, kSlideBytes); });
}

Napi::Value levels_of(Napi::Env env, const slide::Slide& slide) {
  auto array = Napi::Array::New(env, slide.levels().size());
  std::uint32_t index = 0;
  for (const slide::Level& level : slide.levels()) {
    auto object = Napi::Object::New(env);
    object.Set("width", static_cast<double>(level.width));
    object.Set("height", static_cast<double>(level.height));
    object.Set("downsample", level.downsample);
    object.Set("tileWidth", static_cast<double>(level.tile_width));
    object.Set("tileHeight", static_cast<double>(level.tile_height));
    array.Set(index++, object);
  }
  return array;
}

Napi::Value mpp_of(Napi::Env env, const slide::Slide& slide) {
  if (!slide.mpp()) return env.Null();
  auto object = Napi::Object::New(env);
  object.Set("x", slide.mpp()->x);
  object.Set("y", slide.mpp()->y);
  object.Set("source", std::string(slide::mpp_source_name(slide.mpp()->source)));
  return object;
}

/// (slide) → everything that does not change while the slide is open
Napi::Value describe_slide(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto handle = get<const Slide>(info[0]);
  const slide::Slide& slide = handle->source();
  auto object = Napi::Object::New(env);
  object.Set("format", slide.format());
  object.Set("levels", levels_of(env, slide));
  object.Set("mpp", mpp_of(env, slide));
  const auto power = slide.objective_power();
  object.Set("objectivePower", power ? Napi::Number::New(env, *power) : env.Null());
  object.Set("properties", convert::name_value_list(env, slide.properties()));
  object.Set("bounds", convert::rect(env, slide.bounds()));
  object.Set("associatedImages", convert::strings(env, slide.associated_images()));
  return object;
}

/// (slide) → [{ level, column, row, lost, reason }]
Napi::Value damaged_tiles(const Napi::CallbackInfo& info) {
  const auto tiles = get<const Slide>(info[0])->source().damaged_tiles();
  auto array = Napi::Array::New(info.Env(), tiles.size());
  std::uint32_t index = 0;
  for (const slide::DamagedTile& tile : tiles) {
    auto object = Napi::Object::New(info.Env());
    object.Set("level", tile.level);
    object.Set("column", static_cast<double>(tile.column));
    object.Set("row", static_cast<double>(tile.row));
    object.Set("lost", tile.lost);
    object.Set("reason", tile.reason);
    array.Set(index++, object);
  }
  return array;
}

Napi::Value warnings(const Napi::CallbackInfo& info) {
  return convert::strings(info.Env(), get<const Slide>(info[0])->source().warnings());
}

Napi::Value best_level(const Napi::CallbackInfo& info) {
  const double downsample = info[1].ToNumber().DoubleValue();
  return Napi::Number::New(info.Env(), get<const Slide>(info[0])->source().best_level_for_downsample(downsample));
}

/// (slide, cancel) → "sha256:…"
Napi::Value fingerprint(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]),
      [slide = get<const Slide>(info[0])](const CancelToken&) { return slide->source().fingerprint(); },
      [](Napi::Env env, std::string text) { return Napi::String::New(env, text); });
}

}  // namespace

void export_slide(Napi::Env env, Napi::Object exports) {
  export_function<open_slide>(env, exports, "slideOpen");
  export_function<open_remote_slide>(env, exports, "slideOpenRemote");
  export_function<describe_slide>(env, exports, "slideInfo");
  export_function<warnings>(env, exports, "slideWarnings");
  export_function<damaged_tiles>(env, exports, "slideDamagedTiles");
  export_function<best_level>(env, exports, "slideBestLevel");
  export_function<fingerprint>(env, exports, "slideFingerprint");
  export_function<close_handle<const Slide>>(env, exports, "slideClose");
}

}  // namespace histojet::binding
