#include "slide/openslide_slide.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "slide/fingerprint.hpp"
#include "slide/openslide_library.hpp"
#include "slide/region_size.hpp"
#include "slide/scratch.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

constexpr double kSnap = 1e-6;
// Cairo, which OpenSlide paints with, takes an offset below half of its 1/256 pixel as none.
constexpr double kUnblended = 1.0 / 600;
// For a downsample that is no whole number, a fitting position lies about 300 / downsample pixels away.
constexpr std::int64_t kFarthestBase = 512;
constexpr std::int64_t kPieceSide = 1024;
// OpenSlide itself cuts larger regions at these multiples, with corners cut down to whole level-0 pixels.
constexpr std::int64_t kOwnPieceSide = 4096;
constexpr std::int64_t kMaxCoordinate = std::int64_t{1} << 48;
constexpr std::uint64_t kMaxAssociatedPixels = 1 << 28;
constexpr std::int64_t kMaxProfileBytes = 16 << 20;
constexpr std::int64_t kUnknownTileSide = 256;
constexpr std::size_t kMaxFiles = 10000;

/// One opened slide of the library; closed with its last user.
class Handle {
 public:
  Handle(const OpenSlideLibrary& library, const std::string& path, std::int64_t cache_bytes)
      : library_(library), handle_(library.open(path.c_str())) {
    if (handle_ == nullptr) throw Error(ErrorCode::kCorruptFile, path + ": OpenSlide cannot open it any more");
    if (const auto reason = error()) {
      library_.close(handle_);
      throw Error(ErrorCode::kCorruptFile, path + ": OpenSlide: " + *reason);
    }
    if (library_.cache_create != nullptr) {
      void* cache = library_.cache_create(static_cast<std::size_t>(std::max<std::int64_t>(cache_bytes, 0)));
      library_.set_cache(handle_, cache);
      library_.cache_release(cache);
    }
  }
  ~Handle() { library_.close(handle_); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  OpenSlideLibrary::Handle* get() const { return handle_; }
  std::optional<std::string> error() const {
    const char* reason = library_.get_error(handle_);
    return reason == nullptr ? std::nullopt : std::optional(to_utf8(reason));
  }

 private:
  const OpenSlideLibrary& library_;
  OpenSlideLibrary::Handle* handle_;
};

/// Where the pixels of a piece go.
struct Target {
  std::uint8_t* data = nullptr;  ///< of the first pixel
  std::int64_t stride = 0;
  int channels = 3;
  std::array<std::uint8_t, 3> background{};
};

std::uint8_t straight(std::uint32_t premultiplied, std::uint32_t alpha) {
  return static_cast<std::uint8_t>(std::min<std::uint32_t>(255, (premultiplied * 255 + alpha / 2) / alpha));
}

/// Premultiplied ARGB words to straight RGBA or to RGB on the background.
void convert_row(const std::uint32_t* from, std::int64_t pixels, const Target& target, std::uint8_t* to) {
  for (std::int64_t i = 0; i < pixels; ++i, to += target.channels) {
    const std::uint32_t word = from[i];
    const std::uint32_t alpha = word >> 24;
    const std::uint32_t colors[3] = {word >> 16 & 0xFF, word >> 8 & 0xFF, word & 0xFF};
    for (std::size_t c = 0; c < 3; ++c) {
      if (target.channels == 4) {
        to[c] = alpha == 0 ? 0 : straight(colors[c], alpha);
      } else {
        const std::uint32_t mixed = colors[c] * 255 + target.background[c] * (255 - alpha);
        to[c] = static_cast<std::uint8_t>(std::min<std::uint32_t>(255, (mixed + 127) / 255));
      }
    }
    if (target.channels == 4) to[3] = static_cast<std::uint8_t>(alpha);
  }
}

/// A coordinate along one axis: the whole level-0 position to ask for, and how many pixels of the answer lie before the
/// wanted one.
struct Start {
  std::int64_t level0 = 0;
  std::int64_t skip = 0;
};

Start start_of(std::int64_t pixel, double downsample) {
  Start best;
  double smallest = 2;
  for (std::int64_t skip = 0; skip <= std::min(pixel, kFarthestBase); ++skip) {
    const double wanted = static_cast<double>(pixel - skip) * downsample;
    const double off = std::abs(wanted - std::round(wanted)) / downsample;
    if (off < smallest) {
      smallest = off;
      best = {static_cast<std::int64_t>(std::llround(wanted)), skip};
    }
    if (smallest < kUnblended) break;
  }
  return best;
}

class OpenSlideSlide final : public Slide {
 public:
  OpenSlideSlide(const OpenSlideLibrary& library, std::shared_ptr<const ByteSource> source, std::string vendor,
                 const OpenOptions& options)
      : library_(library), source_(std::move(source)), options_(options), format_(std::move(vendor)) {
    handle_ = std::make_shared<const Handle>(library_, path(), options_.max_cache_bytes);
    read_properties();
    read_levels();
    read_associated_sizes();
    if (const auto reason = handle_->error()) throw Error(ErrorCode::kCorruptFile, path() + ": OpenSlide: " + *reason);
  }

  const std::string& path() const override { return source_->name(); }
  const std::string& format() const override { return format_; }
  const std::vector<Level>& levels() const override { return levels_; }
  const std::optional<Mpp>& mpp() const override { return mpp_; }
  std::optional<double> objective_power() const override { return objective_power_; }
  const std::map<std::string, std::string>& properties() const override { return properties_; }
  std::array<std::uint8_t, 3> background() const override { return background_; }
  std::vector<std::string> warnings() const override { return warnings_; }

  std::vector<std::string> associated_images() const override {
    std::vector<std::string> names;
    for (const auto& [name, size] : associated_) names.push_back(name);
    return names;
  }

  Rect bounds() const override {
    const auto read = [&](const char* key) { return number(std::string("openslide.bounds-") + key); };
    const auto x = read("x"), y = read("y"), w = read("width"), h = read("height");
    if (!x || !y || !w || !h) return {0, 0, width(), height()};
    const auto clip = [](double value, std::int64_t most) {
      return static_cast<std::int64_t>(std::clamp(value, 0.0, static_cast<double>(most)));
    };
    const std::int64_t left = clip(*x, width()), right = clip(*x + *w, width());
    const std::int64_t top = clip(*y, height()), bottom = clip(*y + *h, height());
    if (left >= right || top >= bottom) return {0, 0, width(), height()};
    return {left, top, right - left, bottom - top};
  }

  void read_region(const RegionRequest& request, std::span<std::uint8_t> out,
                   const CancelToken& cancel) const override {
    check_request(request, out.size());
    const Level& level = levels_[static_cast<std::size_t>(request.level)];
    const Target target{out.data(), request.width * request.channels, request.channels,
                        request.background.value_or(background_)};
    const double downsample = request.level_coordinates ? 1 : level.downsample;
    const double x = static_cast<double>(request.x) / downsample;
    const double y = static_cast<double>(request.y) / downsample;
    const Rect window{static_cast<std::int64_t>(std::floor(x + kSnap)),
                      static_cast<std::int64_t>(std::floor(y + kSnap)), request.width, request.height};
    const bool fractional = x - static_cast<double>(window.x) > kSnap || y - static_cast<double>(window.y) > kSnap;
    if (request.resample == Resample::kBilinear && fractional) {
      read_blended(request, target, cancel);
    } else {
      read_whole_pixels(request.level, window, target, cancel);
    }
  }

  Image read_associated_image(const std::string& name, const CancelToken& cancel) const override {
    const auto found = associated_.find(name);
    if (found == associated_.end()) {
      throw Error(ErrorCode::kInvalidArgument, path() + ": no associated image '" + name + "'");
    }
    cancel.throw_if_cancelled();
    const auto [width, height] = found->second;
    const auto pixels = checked_mul(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height));
    if (!pixels || *pixels > kMaxAssociatedPixels) {
      throw Error(ErrorCode::kUnsupportedFormat, path() + ": the associated image '" + name + "' claims " +
                                                     std::to_string(width) + " x " + std::to_string(height) +
                                                     " pixels, more than 2^28");
    }
    std::vector<std::uint32_t> words(static_cast<std::size_t>(*pixels));
    call([&](OpenSlideLibrary::Handle* handle) { library_.read_associated_image(handle, name.c_str(), words.data()); });
    const bool opaque = std::ranges::all_of(words, [](std::uint32_t word) { return word >> 24 == 255; });
    Image image(width, height, opaque ? 3 : 4);
    const Target target{image.data.data(), width * image.channels, image.channels, {}};
    convert_row(words.data(), static_cast<std::int64_t>(*pixels), target, image.data.data());
    return image;
  }

  std::optional<std::vector<std::uint8_t>> icc_profile() const override {
    if (library_.get_icc_profile_size == nullptr) return std::nullopt;
    std::vector<std::uint8_t> profile;
    call([&](OpenSlideLibrary::Handle* handle) {
      const std::int64_t size = library_.get_icc_profile_size(handle);
      profile.assign(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 0, kMaxProfileBytes + 1)), 0);
      if (size > 0 && size <= kMaxProfileBytes) library_.read_icc_profile(handle, profile.data());
    });
    if (profile.empty() || profile.size() > kMaxProfileBytes) return std::nullopt;
    return profile;
  }

  std::string fingerprint() const override {
    // MIRAX keeps everything in the folder beside the file; the other formats are taken by the file that was opened.
    std::vector<std::shared_ptr<const ByteSource>> files{source_};
    std::vector<std::string> paths;
    std::error_code status;
    const fs::path folder = fs::path(path()).replace_extension();
    if (format_ == "mirax") {
      for (fs::directory_iterator entry(folder, status), end; !status && entry != end; entry.increment(status)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored) && paths.size() < kMaxFiles) paths.push_back(entry->path().string());
      }
    }
    std::ranges::sort(paths);
    for (const std::string& file : paths) files.push_back(open_file(file));
    return fingerprint_of(files);
  }

 private:
  std::optional<double> number(const std::string& key) const {
    const auto found = properties_.find(key);
    return found == properties_.end() ? std::nullopt : parse_number(found->second);
  }

  void read_properties() {
    if (library_.get_property_names != nullptr) {
      for (const char* const* name = library_.get_property_names(handle_->get()); name != nullptr && *name; ++name) {
        const char* value = library_.get_property_value(handle_->get(), *name);
        if (value != nullptr) properties_[to_utf8(*name)] = to_utf8(value);
      }
    }
    objective_power_ = number("openslide.objective-power");
    const auto x = number("openslide.mpp-x"), y = number("openslide.mpp-y");
    const auto vendor = x && y ? std::optional(Mpp{*x, *y, MppSource::kVendor}) : std::nullopt;
    mpp_ = choose_mpp(options_, vendor, std::nullopt, objective_power_, warnings_);
    const auto color = properties_.find("openslide.background-color");
    if (color == properties_.end() || color->second.size() != 6) return;
    char* end = nullptr;
    const unsigned long rgb = std::strtoul(color->second.c_str(), &end, 16);
    if (*end == '\0') {
      for (std::size_t c = 0; c < 3; ++c) background_[c] = static_cast<std::uint8_t>(rgb >> (16 - 8 * c));
    }
  }

  void read_levels() {
    const std::int32_t count = library_.get_level_count(handle_->get());
    for (std::int32_t i = 0; i < count; ++i) {
      Level level;
      library_.get_level_dimensions(handle_->get(), i, &level.width, &level.height);
      level.downsample = library_.get_level_downsample(handle_->get(), i);
      const std::string prefix = "openslide.level[" + std::to_string(i) + "].tile-";
      const auto side = [&](const char* name) {
        return static_cast<std::int64_t>(
            std::clamp(number(prefix + name).value_or(kUnknownTileSide), 1.0, static_cast<double>(0x7FFFFFFF)));
      };
      level.tile_width = side("width");
      level.tile_height = side("height");
      if (level.width < 1 || level.height < 1 || !(level.downsample > 0)) {
        throw Error(ErrorCode::kCorruptFile, path() + ": OpenSlide gives no size for level " + std::to_string(i));
      }
      levels_.push_back(level);
    }
    if (levels_.empty()) throw Error(ErrorCode::kCorruptFile, path() + ": no readable level");
  }

  void read_associated_sizes() {
    if (library_.get_associated_image_names == nullptr) return;
    for (const char* const* name = library_.get_associated_image_names(handle_->get()); name != nullptr && *name;
         ++name) {
      std::int64_t width = 0, height = 0;
      library_.get_associated_image_dimensions(handle_->get(), *name, &width, &height);
      if (width < 1 || height < 1) continue;
      associated_[*name] = {width, height};
      properties_["openslide.associated." + to_utf8(*name) + ".width"] = std::to_string(width);
      properties_["openslide.associated." + to_utf8(*name) + ".height"] = std::to_string(height);
    }
  }

  void check_request(const RegionRequest& request, std::size_t bytes) const {
    if (request.level < 0 || request.level >= static_cast<int>(levels_.size())) {
      throw Error(ErrorCode::kInvalidArgument, path() + ": expected a level 0.." + std::to_string(levels_.size() - 1) +
                                                   ", got " + std::to_string(request.level));
    }
    if (std::min(request.x, request.y) < -kMaxCoordinate || std::max(request.x, request.y) > kMaxCoordinate) {
      throw Error(ErrorCode::kInvalidArgument, path() + ": the corner of the region is out of range");
    }
    if (bytes != region_bytes(request)) {
      throw Error(ErrorCode::kInvalidArgument, path() + ": expected an output of " +
                                                   std::to_string(region_bytes(request)) + " bytes, got " +
                                                   std::to_string(bytes));
    }
  }

  /// Runs `use` on the common handle. An error of a handle stays with it, so that another read may have caused it: the
  /// call is tried once more on a new handle, which then replaces the broken one.
  template <class Use>
  void call(const Use& use) const {
    std::shared_ptr<const Handle> handle;
    {
      std::lock_guard lock(handle_mutex_);
      handle = handle_;
    }
    if (handle) {
      use(handle->get());
      if (!handle->error()) return;
    }
    auto fresh = std::make_shared<const Handle>(library_, path(), options_.max_cache_bytes);
    use(fresh->get());
    const auto reason = fresh->error();
    std::lock_guard lock(handle_mutex_);
    if (handle_ == handle) handle_ = reason ? nullptr : fresh;
    if (reason) throw Error(ErrorCode::kCorruptFile, path() + ": OpenSlide: " + *reason);
  }

  void read_whole_pixels(int level_index, const Rect& window, const Target& target, const CancelToken& cancel) const {
    const Level& level = levels_[static_cast<std::size_t>(level_index)];
    const Rect inside{std::max<std::int64_t>(window.x, 0), std::max<std::int64_t>(window.y, 0),
                      std::min(window.x + window.width, level.width), std::min(window.y + window.height, level.height)};
    const bool covered = inside.x == window.x && inside.y == window.y && inside.width == window.x + window.width &&
                         inside.height == window.y + window.height;
    if (!covered) clear(target, window.width, window.height);
    const std::int64_t width = inside.width - inside.x;
    const std::int64_t height = inside.height - inside.y;
    if (width <= 0 || height <= 0) return;
    const std::int64_t across = ceil_div(width, kPieceSide);
    Executor::instance().parallel_for(across * ceil_div(height, kPieceSide), 0, [&](std::int64_t i) {
      cancel.throw_if_cancelled();
      const std::int64_t left = i % across * kPieceSide;
      const std::int64_t top = i / across * kPieceSide;
      const Rect piece{inside.x + left, inside.y + top, std::min(kPieceSide, width - left),
                       std::min(kPieceSide, height - top)};
      Target part = target;
      part.data += (piece.y - window.y) * target.stride + (piece.x - window.x) * target.channels;
      const Start x = start_of(piece.x, level.downsample);
      const Start y = start_of(piece.y, level.downsample);
      read_piece(level_index, x, y, piece.width, piece.height, part);
    });
  }

  /// As OpenSlide cuts a region itself.
  void read_blended(const RegionRequest& request, const Target& target, const CancelToken& cancel) const {
    const double downsample = levels_[static_cast<std::size_t>(request.level)].downsample;
    for (std::int64_t top = 0; top < request.height; top += kOwnPieceSide) {
      for (std::int64_t left = 0; left < request.width; left += kOwnPieceSide) {
        cancel.throw_if_cancelled();
        const auto corner = [&](std::int64_t start, std::int64_t offset) {
          return static_cast<std::int64_t>(static_cast<double>(start) + static_cast<double>(offset) * downsample);
        };
        Target part = target;
        part.data += top * target.stride + left * target.channels;
        read_piece(request.level, {corner(request.x, left), 0}, {corner(request.y, top), 0},
                   std::min(kOwnPieceSide, request.width - left), std::min(kOwnPieceSide, request.height - top), part);
      }
    }
  }

  void read_piece(int level, const Start& x, const Start& y, std::int64_t width, std::int64_t height,
                  const Target& target) const {
    const std::int64_t asked_width = width + x.skip;
    const std::int64_t asked_height = height + y.skip;
    Scratch buffer(static_cast<std::size_t>(asked_width * asked_height) * 4);
    auto* words = reinterpret_cast<std::uint32_t*>(buffer.data());
    call([&](OpenSlideLibrary::Handle* handle) {
      library_.read_region(handle, words, x.level0, y.level0, level, asked_width, asked_height);
    });
    for (std::int64_t row = 0; row < height; ++row) {
      convert_row(words + (row + y.skip) * asked_width + x.skip, width, target, target.data + row * target.stride);
    }
  }

  static void clear(const Target& target, std::int64_t width, std::int64_t height) {
    for (std::int64_t y = 0; y < height; ++y) {
      std::uint8_t* row = target.data + y * target.stride;
      if (target.channels == 4) {
        std::memset(row, 0, static_cast<std::size_t>(width * 4));
        continue;
      }
      for (std::int64_t x = 0; x < width; ++x) std::memcpy(row + x * 3, target.background.data(), 3);
    }
  }

  const OpenSlideLibrary& library_;
  std::shared_ptr<const ByteSource> source_;
  OpenOptions options_;
  std::string format_;
  mutable std::mutex handle_mutex_;
  mutable std::shared_ptr<const Handle> handle_;
  std::vector<Level> levels_;
  std::map<std::string, std::string> properties_;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> associated_;
  std::optional<Mpp> mpp_;
  std::optional<double> objective_power_;
  std::array<std::uint8_t, 3> background_{255, 255, 255};
  std::vector<std::string> warnings_;
};

}  // namespace

std::shared_ptr<const Slide> open_with_openslide(const std::shared_ptr<const ByteSource>& source,
                                                 const OpenOptions& options, std::string& why_not) {
  if (options.openslide == "off") {
    why_not = "OpenSlide could be asked, but is switched off";
    return nullptr;
  }
  std::error_code status;
  const bool local = !source->remote() && fs::is_regular_file(source->name(), status);
  // A name that means another file belongs to bytes in memory.
  if (!local || fs::file_size(source->name(), status) != source->size()) {
    why_not = "OpenSlide reads local files only";
    return nullptr;
  }
  const OpenSlideLibrary* library = OpenSlideLibrary::load(options.openslide, why_not);
  if (library == nullptr) return nullptr;
  const char* vendor = library->detect_vendor(source->name().c_str());
  if (vendor == nullptr) {
    const char* version = library->get_version == nullptr ? "" : library->get_version();
    why_not = "OpenSlide " + std::string(version) + " does not recognise it either";
    return nullptr;
  }
  if (std::string_view(vendor) == "generic-tiff") {
    // The core reads plain TIFF itself; a file that comes here is something else, which would show wrongly.
    why_not = "OpenSlide would take it for a plain TIFF";
    return nullptr;
  }
  return std::make_shared<const OpenSlideSlide>(*library, source, vendor, options);
}

}  // namespace histojet::slide
