#include <memory>
#include <optional>
#include <variant>

#include "binding/array_copy.hpp"
#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/progress.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

/// A picture of 1, 3 or 4 channels; lib/ has checked its size.
Image picture(const convert::Options& options) {
  Image image;
  image.width = options.integer("width");
  image.height = options.integer("height");
  image.channels = static_cast<int>(options.integer("channels"));
  image.data = copied_bytes(options.get("data"));
  const auto width = static_cast<std::uint64_t>(image.width), height = static_cast<std::uint64_t>(image.height);
  const bool sane = image.width > 0 && image.height > 0 && image.channels > 0 && width <= image.data.size() &&
                    height <= image.data.size();
  if (!sane || width * height * static_cast<std::uint64_t>(image.channels) != image.data.size()) {
    throw Error(ErrorCode::kShapeMismatch, "the pixels do not have the size that is given with them");
  }
  return image;
}

/// (path, { width, height, channels, background }, cancel) → handle
Napi::Value open_spool(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  return spawn(
      info, cancel_flag(info[2]),
      [path = convert::text(info[0]), width = options.integer("width"), height = options.integer("height"),
       channels = static_cast<int>(options.integer("channels")),
       background = convert::color(options.get("background"))](const CancelToken&) {
        return std::make_shared<slide::PixelSpool>(path, width, height, channels, background);
      },
      [](Napi::Env env, std::shared_ptr<slide::PixelSpool> spool) { return make_handle(env, std::move(spool), 4096); });
}

/// (spool, image, x, y, cancel)
Napi::Value write_spool(const Napi::CallbackInfo& info) {
  return spawn(info, cancel_flag(info[4]),
               [spool = get<slide::PixelSpool>(info[0]), image = picture(convert::Options(info[1])),
                x = info[2].ToNumber().Int64Value(),
                y = info[3].ToNumber().Int64Value()](const CancelToken&) { spool->write(x, y, image); });
}

/// A heat map as JavaScript gave it: its numbers are made bytes off the JavaScript thread.
struct Floats {
  std::vector<float> values;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int channels = 1;
};
struct SlidePart {
  std::shared_ptr<const Slide> slide;
  tiles::SlideCopyOptions options;
};
using Source = std::variant<SlidePart, std::shared_ptr<slide::PixelSpool>, Image, Floats>;

/// { slide, region, level, mpp } | { spool } | { data, width, height, channels }
Source source_of(const convert::Options& options) {
  if (options.has("slide")) {
    SlidePart part{get<const Slide>(options.get("slide")), {}};
    if (options.has("region")) part.options.region = convert::rect(convert::Options(options.get("region")));
    if (options.has("level")) part.options.level = static_cast<int>(options.integer("level"));
    if (options.has("mpp")) part.options.mpp = options.number("mpp");
    return part;
  }
  if (options.has("spool")) return get<slide::PixelSpool>(options.get("spool"));
  const Napi::Value data = options.get("data");
  const bool floats = data.IsTypedArray() && data.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  if (!floats) return picture(options);
  return Floats{convert::values<float>(data), options.integer("width"), options.integer("height"),
                static_cast<int>(options.integer("channels"))};
}

/// The source with the size that it gives the slide.
std::shared_ptr<const slide::PyramidSource> opened(const Source& source, slide::PyramidOptions& options,
                                                   const CancelToken& cancel) {
  if (const auto* part = std::get_if<SlidePart>(&source)) {
    auto opened = std::make_shared<const tiles::SlideSource>(part->slide->source(), part->options, cancel);
    opened->describe(options);
    return opened;
  }
  const auto sized = [&options](auto pointer) {
    options.width = pointer->width();
    options.height = pointer->height();
    options.channels = pointer->channels();
    return pointer;
  };
  if (const auto* spool = std::get_if<std::shared_ptr<slide::PixelSpool>>(&source)) return sized(*spool);
  if (const auto* image = std::get_if<Image>(&source)) return sized(std::make_shared<slide::ImageSource>(*image));
  const auto& floats = std::get<Floats>(source);
  return sized(std::make_shared<slide::ImageSource>(floats.values, floats.width, floats.height, floats.channels));
}

slide::PyramidCompression compression(const std::string& name) {
  if (name == "jpeg") return slide::PyramidCompression::kJpeg;
  if (name == "deflate") return slide::PyramidCompression::kDeflate;
  if (name == "zstd") return slide::PyramidCompression::kZstd;
  return slide::PyramidCompression::kNone;
}

slide::PyramidOptions pyramid_options(const convert::Options& options) {
  slide::PyramidOptions pyramid;
  pyramid.tile_px = options.integer("tileSize");
  pyramid.compression = compression(options.text("compression"));
  pyramid.quality = static_cast<int>(options.integer("quality"));
  pyramid.subsampling = static_cast<int>(options.integer("subsampling"));
  pyramid.mpp = options.number("mpp", 0);
  pyramid.mpp_y = options.number("mppY", 0);
  pyramid.pyramid = options.boolean("pyramid");
  pyramid.ome = options.boolean("ome");
  pyramid.merge_uniform = true;
  pyramid.exact_resolution = true;
  pyramid.software = "histojet " + std::string(kVersion);
  return pyramid;
}

struct Created {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t file_bytes = 0;
};

/// (path, source, options, progress | undefined, cancel) → { width, height, fileBytes }
Napi::Value create_slide(const Napi::CallbackInfo& info) {
  const auto progress = ProgressChannel::open(info[3]);
  return spawn(
      info, cancel_flag(info[4]),
      [path = convert::text(info[0]), source = source_of(convert::Options(info[1])),
       options = pyramid_options(convert::Options(info[2])),
       report = progress_callback(progress)](const CancelToken& cancel) mutable {
        const auto pixels = opened(source, options, cancel);
        const std::int64_t bytes = slide::PyramidWriter(options).write(path, *pixels, report, cancel);
        return Created{options.width, options.height, bytes};
      },
      [progress](Napi::Env env, const Created& created) {
        auto object = Napi::Object::New(env);
        object.Set("width", static_cast<double>(created.width));
        object.Set("height", static_cast<double>(created.height));
        object.Set("fileBytes", static_cast<double>(created.file_bytes));
        return object;
      });
}

}  // namespace

void export_pyramid(Napi::Env env, Napi::Object exports) {
  export_function<open_spool>(env, exports, "spoolOpen");
  export_function<write_spool>(env, exports, "spoolWrite");
  export_function<close_handle<slide::PixelSpool>>(env, exports, "spoolClose");
  export_function<create_slide>(env, exports, "createSlide");
}

}  // namespace histojet::binding
