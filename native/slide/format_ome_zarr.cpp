// OME-Zarr images (OME-NGFF 0.1 to 0.5 on Zarr 2, and on Zarr 3 without shards): folders whose arrays are the levels.

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/formats.hpp"
#include "slide/ome_zarr_metadata.hpp"
#include "slide/scratch.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"
#include "slide/zarr_array.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxTileSide = 16384;
constexpr std::size_t kMaxHashedChunks = 64;

/// Which axis of the arrays is which; -1 where there is none.
struct AxisPlan {
  int t = -1;
  int c = -1;
  int z = -1;
  int y = -1;
  int x = -1;
};

AxisPlan plan_of(const OmeZarrImage& image) {
  AxisPlan plan;
  for (std::size_t i = 0; i < image.axes.size(); ++i) {
    const std::string& name = image.axes[i].name;
    int* const slot = name == "t"   ? &plan.t
                      : name == "c" ? &plan.c
                      : name == "z" ? &plan.z
                      : name == "y" ? &plan.y
                      : name == "x" ? &plan.x
                                    : nullptr;
    if (slot == nullptr || *slot >= 0)
      unsupported(image.folder, "the axis " + quote(name) + ", expected t, c, z, y, x");
    *slot = static_cast<int>(i);
  }
  if (plan.y < 0 || plan.x < 0) corrupt(image.folder, "the image has no axes y and x");
  return plan;
}

/// One resolution: the chunks of the first plane as tiles.
class OmeZarrLevel final : public TileGrid {
 public:
  OmeZarrLevel(ZarrArray array, const AxisPlan& plan) : array_(std::move(array)), plan_(plan) {
    const auto size = [&](int axis) { return axis < 0 ? 1 : array_.shape()[static_cast<std::size_t>(axis)]; };
    const auto side = [&](int axis) { return array_.chunk()[static_cast<std::size_t>(axis)]; };
    if (side(plan.x) > kMaxTileSide || side(plan.y) > kMaxTileSide) {
      unsupported(array_.folder(), "chunks of " + std::to_string(side(plan.x)) + " x " + std::to_string(side(plan.y)) +
                                       " pixels, expected sides of at most 16384");
    }
    width_ = static_cast<std::int64_t>(size(plan.x));
    height_ = static_cast<std::int64_t>(size(plan.y));
    tile_width_ = static_cast<std::int64_t>(side(plan.x));
    tile_height_ = static_cast<std::int64_t>(side(plan.y));
    planes_ = size(plan.t) * size(plan.z);
    samples_ = size(plan.c);
    if (samples_ != 1 && samples_ != 3) {
      unsupported(array_.folder(), std::to_string(samples_) + " channels, expected 1 (grey) or 3 (RGB)");
    }
    strides_.assign(array_.chunk().size(), 1);
    for (std::size_t i = strides_.size() - 1; i > 0; --i) strides_[i - 1] = strides_[i] * array_.chunk()[i];
  }

  const ZarrArray& array() const { return array_; }
  std::uint64_t planes() const { return planes_; }

  int channels() const override { return 3; }
  /// What is not stored has the fill value.
  bool has_tile(std::int64_t, std::int64_t) const override { return true; }
  void check_tile(std::int64_t column, std::int64_t row) const override { array_.check_chunk(index(column, row, 0)); }

  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool) const override {
    check_tile(column, row);
    Scratch chunk(static_cast<std::size_t>(array_.chunk_bytes() / array_.sample_bytes()));
    std::vector<std::uint64_t> loaded;
    for (std::uint64_t c = 0; c < samples_; ++c) {
      auto wanted = index(column, row, c);
      if (wanted != loaded) array_.read_chunk(wanted, chunk.span());
      loaded = std::move(wanted);
      copy_channel(chunk.data(), c, out, stride);
    }
    return {};
  }

  /// Chunk that holds channel `c` of a tile.
  std::vector<std::uint64_t> index(std::int64_t column, std::int64_t row, std::uint64_t c) const {
    std::vector<std::uint64_t> found(strides_.size(), 0);
    found[static_cast<std::size_t>(plan_.x)] = static_cast<std::uint64_t>(column);
    found[static_cast<std::size_t>(plan_.y)] = static_cast<std::uint64_t>(row);
    if (plan_.c >= 0) {
      const auto axis = static_cast<std::size_t>(plan_.c);
      found[axis] = c / array_.chunk()[axis];
    }
    return found;
  }

 private:
  void copy_channel(const std::uint8_t* chunk, std::uint64_t c, std::uint8_t* out, std::int64_t stride) const {
    if (plan_.c >= 0) {
      const auto axis = static_cast<std::size_t>(plan_.c);
      chunk += c % array_.chunk()[axis] * strides_[axis];
    }
    const std::uint64_t step_x = strides_[static_cast<std::size_t>(plan_.x)];
    const std::uint64_t step_y = strides_[static_cast<std::size_t>(plan_.y)];
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      const std::uint8_t* from = chunk + static_cast<std::uint64_t>(y) * step_y;
      std::uint8_t* to = out + y * stride + static_cast<std::int64_t>(c);
      for (std::int64_t x = 0; x < tile_width_; ++x, from += step_x, to += 3) {
        to[0] = *from;
        if (samples_ == 1) to[1] = to[2] = *from;
      }
    }
  }

  ZarrArray array_;
  AxisPlan plan_;
  std::uint64_t planes_ = 1;
  std::uint64_t samples_ = 1;
  std::vector<std::uint64_t> strides_;  ///< samples between neighbours along each axis of a chunk
};

class OmeZarrReader {
 public:
  OmeZarrReader(const std::string& path, const OpenOptions& options)
      : path_(path), options_(options), image_(read_ome_zarr_image(path)), plan_(plan_of(image_)) {
    parts_.format = "ome-zarr";
  }

  std::shared_ptr<const Slide> open() {
    for (const OmeZarrDataset& dataset : image_.datasets) add_level(dataset);
    describe();
    collect_files();
    return std::make_shared<const TiledSlide>(memory_source({}, path_), options_, std::move(parts_));
  }

 private:
  void add_level(const OmeZarrDataset& dataset) {
    try {
      ZarrArray array((fs::path(image_.folder) / dataset.path).string());
      if (array.shape().size() != image_.axes.size()) {
        corrupt(array.folder(), "the array has " + std::to_string(array.shape().size()) + " axes, expected " +
                                    std::to_string(image_.axes.size()));
      }
      image_.files.push_back(array.metadata());
      auto level = std::make_unique<const OmeZarrLevel>(std::move(array), plan_);
      if (smallest_ != nullptr && (level->width() > smallest_->width() || level->height() > smallest_->height())) {
        parts_.warnings.push_back(level->array().folder() + ": larger than the level before; it is ignored");
        return;
      }
      if (smallest_ == nullptr && level->planes() > 1) {
        parts_.warnings.push_back(path_ + ": only the first of " + std::to_string(level->planes()) +
                                  " planes (time, depth) is shown");
      }
      smallest_ = level.get();
      parts_.grids.push_back(std::move(level));
    } catch (const Error& error) {
      if (smallest_ == nullptr) throw;
      parts_.warnings.push_back(std::string(error.what()) + "; this level is ignored");
    }
  }

  void describe() {
    Properties& properties = parts_.properties;
    if (!image_.version.empty()) properties["ome-zarr.version"] = to_utf8(image_.version);
    if (!image_.name.empty()) properties["ome-zarr.name"] = to_utf8(image_.name);
    const std::vector<double>& scale = image_.datasets.front().scale;
    std::optional<Mpp> vendor;
    if (scale.size() == image_.axes.size()) {
      const auto length = [&](int axis) {
        const auto i = static_cast<std::size_t>(axis);
        const auto unit = micrometres_per_unit(image_.axes[i].unit);
        return unit ? std::optional(scale[i] * *unit) : std::nullopt;
      };
      const auto x = length(plan_.x), y = length(plan_.y);
      if (x && y && *x > 0 && *y > 0) vendor = Mpp{*x, *y, MppSource::kVendor};
    }
    if (vendor) {
      properties["openslide.mpp-x"] = format_number(vendor->x);
      properties["openslide.mpp-y"] = format_number(vendor->y);
    }
    parts_.mpp = choose_mpp(options_, vendor, std::nullopt, std::nullopt, parts_.warnings);
  }

  /// Chunks are far too many to hash all of them: the metadata and the first chunks of the smallest level stand for the
  /// slide.
  void collect_files() {
    parts_.files = image_.files;
    std::vector<std::string> paths;
    const std::int64_t across = smallest_->tiles_across();
    std::error_code status;
    for (std::int64_t i = 0; i < across * smallest_->tiles_down() && paths.size() < kMaxHashedChunks; ++i) {
      const std::string path = smallest_->array().chunk_path(smallest_->index(i % across, i / across, 0));
      if (!fs::exists(path, status)) {
        if (++missing_ > kMaxHashedChunks) break;
        continue;
      }
      paths.push_back(path);
    }
    for (const std::string& path : paths) parts_.files.push_back(open_file(path));
    std::ranges::sort(parts_.files, {}, [](const auto& file) { return file->name(); });
  }

  std::string path_;
  const OpenOptions& options_;
  OmeZarrImage image_;
  AxisPlan plan_;
  SlideParts parts_;
  const OmeZarrLevel* smallest_ = nullptr;
  std::size_t missing_ = 0;
};

}  // namespace

bool is_ome_zarr_folder(const std::string& path) {
  std::error_code status;
  const fs::path folder(path);
  return std::ranges::any_of(std::initializer_list<const char*>{".zattrs", ".zgroup", "zarr.json"},
                             [&](const char* name) { return fs::exists(folder / name, status); });
}

std::shared_ptr<const Slide> open_ome_zarr_folder(const std::string& path, const OpenOptions& options) {
  return OmeZarrReader(path, options).open();
}

}  // namespace histojet::slide
