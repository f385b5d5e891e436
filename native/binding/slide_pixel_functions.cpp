#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"

namespace histojet::binding {

namespace {

slide::RegionRequest region_request(const convert::Options& options) {
  slide::RegionRequest request;
  request.x = options.integer("x");
  request.y = options.integer("y");
  request.width = options.integer("width");
  request.height = options.integer("height");
  request.level = static_cast<int>(options.integer("level", 0));
  request.channels = static_cast<int>(options.integer("channels", 3));
  request.level_coordinates = options.text("coordinates", "level0") == "level";
  if (options.text("resample", "nearest") == "bilinear") request.resample = slide::Resample::kBilinear;
  if (options.has("background")) request.background = convert::color(options.get("background"));
  return request;
}

/// The picture in an array that the caller brought. It is looked at again only now: it may have been transferred to a
/// Worker, and so emptied, while the pixels were read.
Napi::Value into_array(Napi::Env env, Napi::Uint8Array out, const Image& image) {
  if (out.ByteLength() != image.data.size()) {
    throw Error(ErrorCode::kInvalidArgument, "out: expected " + std::to_string(image.data.size()) + " bytes, got " +
                                                 std::to_string(out.ByteLength()) +
                                                 " (was it transferred during the call?)");
  }
  std::memcpy(out.Data(), image.data.data(), image.data.size());
  auto object = Napi::Object::New(env);
  object.Set("width", static_cast<double>(image.width));
  object.Set("height", static_cast<double>(image.height));
  object.Set("channels", image.channels);
  object.Set("data", out);
  return object;
}

/// The picture after a colour table, if there is one.
Image recolored(Image image, const std::shared_ptr<const slide::ColorTable>& colors) {
  if (colors) colors->apply(image);
  return image;
}

/// (slide, request, out | undefined, cancel, colour table | undefined) → image
Napi::Value read_region(const Napi::CallbackInfo& info) {
  auto work = [slide = get<const Slide>(info[0]), request = region_request(convert::Options(info[1])),
               colors = color_table(info[4])](const CancelToken& cancel) {
    return recolored(slide->read_region(request, cancel), colors);
  };
  if (info[2].IsUndefined()) return spawn(info, cancel_flag(info[3]), std::move(work), convert::to_js);
  return spawn(info, cancel_flag(info[3]), std::move(work),
               [out = Napi::Persistent(info[2].As<Napi::Uint8Array>())](Napi::Env env, Image image) {
                 const Napi::Value result = into_array(env, out.Value(), image);
                 give_bytes(std::move(image.data));
                 return result;
               });
}

/// (slide, { x, y, width, height, mpp, channels }, cancel, colour table | undefined) → image
Napi::Value read_at(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  tiles::ReadAtRequest request;
  request.x = options.number("x");
  request.y = options.number("y");
  request.width = options.integer("width");
  request.height = options.integer("height");
  request.mpp = options.number("mpp");
  request.channels = static_cast<int>(options.integer("channels", 3));
  return spawn(
      info, cancel_flag(info[2]),
      [slide = get<const Slide>(info[0]), request, colors = color_table(info[3])](const CancelToken& cancel) {
        return recolored(slide->read_at(request, cancel), colors);
      },
      convert::to_js);
}

tiles::BatchRequest batch_request(const convert::Options& options) {
  tiles::BatchRequest request;
  const auto positions = convert::values<double>(options.get("positions"));
  for (std::size_t i = 0; i + 1 < positions.size(); i += 2) request.corners.push_back({positions[i], positions[i + 1]});
  request.width = options.integer("width");
  request.height = options.integer("height");
  if (options.has("mpp")) request.mpp = options.number("mpp");
  request.level = static_cast<int>(options.integer("level", 0));
  request.planar = options.boolean("planar");
  if (options.has("mean") && options.has("std")) {
    auto& normalization = request.normalization.emplace();
    const auto mean = options.get("mean").As<Napi::Array>();
    const auto deviation = options.get("std").As<Napi::Array>();
    for (std::uint32_t c = 0; c < 3; ++c) {
      normalization.mean[c] = mean.Get(c).ToNumber().FloatValue();
      normalization.deviation[c] = deviation.Get(c).ToNumber().FloatValue();
    }
  }
  return request;
}

/// (slide, { positions, width, height, mpp, level, planar, mean, std }, cancel, colour table | undefined) → tensor
Napi::Value read_batch(const Napi::CallbackInfo& info) {
  tiles::BatchRequest request = batch_request(convert::Options(info[1]));
  request.colors = color_table(info[3]);
  return spawn(
      info, cancel_flag(info[2]),
      [slide = get<const Slide>(info[0]), request = std::move(request)](const CancelToken& cancel) {
        return std::make_shared<const Tensor>(slide->read_batch(request, cancel));
      },
      [](Napi::Env env, std::shared_ptr<const Tensor> tensor) {
        const auto bytes = static_cast<std::int64_t>(tensor->byte_size());
        return make_handle(env, std::move(tensor), bytes);
      });
}

/// (slide, name, cancel) → image
Napi::Value read_associated(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [slide = get<const Slide>(info[0]), name = convert::text(info[1])](const CancelToken& cancel) {
        return slide->source().read_associated_image(name, cancel);
      },
      convert::to_js);
}

/// (slide, maxSize, cancel, colour table | undefined) → image
Napi::Value read_thumbnail(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [slide = get<const Slide>(info[0]), size = info[1].ToNumber().Int64Value(), colors = color_table(info[3])](
          const CancelToken& cancel) { return recolored(slide->thumbnail(size, cancel), colors); },
      convert::to_js);
}

Napi::Value mask_to_js(Napi::Env env, tiles::TissueMask mask) {
  auto object = Napi::Object::New(env);
  object.Set("width", static_cast<double>(mask.width));
  object.Set("height", static_cast<double>(mask.height));
  object.Set("downsample", mask.downsample);
  object.Set("data", convert::typed_array(env, std::move(mask.data)));
  return object;
}

/// (slide, mpp, cancel) → tissue mask
Napi::Value find_tissue(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [slide = get<const Slide>(info[0]), mpp = info[1].ToNumber().DoubleValue()](const CancelToken& cancel) {
        return slide->tissue_mask(mpp, cancel);
      },
      mask_to_js);
}

tiles::GridOptions grid_options(const convert::Options& options) {
  tiles::GridOptions grid;
  grid.size = options.integer("size", grid.size);
  grid.overlap = options.integer("overlap", grid.overlap);
  if (options.has("mpp")) grid.mpp = options.number("mpp");
  if (options.has("level")) grid.level = static_cast<int>(options.integer("level"));
  if (options.has("region")) grid.region = convert::rect(convert::Options(options.get("region")));
  grid.min_tissue = options.number("minTissue", grid.min_tissue);
  return grid;
}

/// (slide, grid options, tissue mask | undefined, cancel) → Float64Array [n, 4] of x, y, column, row
Napi::Value lay_out_tiles(const Napi::CallbackInfo& info) {
  std::optional<tiles::TissueMask> mask;
  if (!info[2].IsUndefined()) mask = convert::tissue_mask(convert::Options(info[2]));
  return spawn(
      info, cancel_flag(info[3]),
      [slide = get<const Slide>(info[0]), grid = grid_options(convert::Options(info[1])),
       mask = std::move(mask)](const CancelToken&) {
        std::vector<double> flat;
        for (const tiles::GridTile& tile : slide->tiles(grid, mask ? &*mask : nullptr)) {
          for (const std::int64_t value : {tile.x, tile.y, tile.column, tile.row}) {
            flat.push_back(static_cast<double>(value));
          }
        }
        return flat;
      },
      convert::typed_array<double>);
}

/// (slide, grid options, { x, y, column, row }, cancel, colour table | undefined) → image
Napi::Value read_tile(const Napi::CallbackInfo& info) {
  const convert::Options place(info[2]);
  const tiles::GridTile tile{place.integer("x"), place.integer("y"), place.integer("column"), place.integer("row")};
  return spawn(
      info, cancel_flag(info[3]),
      [slide = get<const Slide>(info[0]), grid = grid_options(convert::Options(info[1])), tile,
       colors = color_table(info[4])](const CancelToken& cancel) {
        return recolored(slide->read_tile(grid, tile, cancel), colors);
      },
      convert::to_js);
}

/// (slide, grid options, Float64Array [n, 4] of x, y, column, row, cancel) → undefined, when the tiles are announced
Napi::Value announce_tiles(const Napi::CallbackInfo& info) {
  const auto flat = info[2].As<Napi::Float64Array>();
  std::vector<tiles::GridTile> places;
  for (std::size_t i = 0; i + 4 <= flat.ElementLength(); i += 4) {
    const auto value = [&](std::size_t k) { return static_cast<std::int64_t>(flat[i + k]); };
    places.push_back({value(0), value(1), value(2), value(3)});
  }
  return spawn(
      info, cancel_flag(info[3]),
      [slide = get<const Slide>(info[0]), grid = grid_options(convert::Options(info[1])),
       places = std::move(places)](const CancelToken& cancel) { slide->announce_tiles(grid, places, cancel); });
}

}  // namespace

void export_slide_pixels(Napi::Env env, Napi::Object exports) {
  export_function<read_region>(env, exports, "slideReadRegion");
  export_function<read_at>(env, exports, "slideReadAt");
  export_function<read_batch>(env, exports, "slideReadBatch");
  export_function<read_associated>(env, exports, "slideReadAssociated");
  export_function<read_thumbnail>(env, exports, "slideThumbnail");
  export_function<find_tissue>(env, exports, "slideTissueMask");
  export_function<lay_out_tiles>(env, exports, "slideTileGrid");
  export_function<read_tile>(env, exports, "slideReadTile");
  export_function<announce_tiles>(env, exports, "slideAnnounceTiles");
}

}  // namespace histojet::binding
