// OME-TIFF (docs.openmicroscopy.org, OME-TIFF specification 6.3): the XML of directory 0 says which directories are
// which image. The largest image is the slide; its levels are sub-directories of its directory, or reduced directories
// of the chain, or, in older files, later images. Images named label, macro or thumbnail are associated images.

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/ome_xml.hpp"
#include "slide/text.hpp"
#include "slide/tiff_level.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;

/// What an image name stands for ("Label image": "label"), empty for all others.
std::string associated_name(const std::string& image_name) {
  std::string name;
  for (const char c : image_name) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (name.ends_with(" image")) name.resize(name.size() - 6);
  if (name == "overview") name = "macro";
  return name == "label" || name == "macro" || name == "thumbnail" ? name : std::string();
}

/// What the grids refer to, kept as long as the slide.
struct Kept {
  std::shared_ptr<const TiffFile> tiff;
  std::vector<TiffDirectory> sub_directories;
};

class OmeTiffReader {
 public:
  OmeTiffReader(const OpenContext& context, OmeMetadata metadata)
      : context_(context), tiff_(context.tiff()), metadata_(std::move(metadata)), kept_(std::make_shared<Kept>()) {
    kept_->tiff = tiff_;
    parts_.format = "ome-tiff";
    parts_.keep_alive = kept_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    choose_slide();
    const TiffDirectory& directory = directory_of(*slide_);
    check_channels(directory);
    add_level(directory, true);
    add_chain_levels();
    // OpenSlide sees the chain only, so its hash is that of the smallest level there.
    quickhash_ = quickhash(*tiff_, *levels_.back(), tiff_->directories().front());
    kept_->sub_directories = tiff_->sub_directories_of(directory, parts_.warnings);
    for (const TiffDirectory& sub : kept_->sub_directories) add_level(sub, false);
    add_other_images();
    describe(directory);
    for (auto& level : levels_) {
      if (!level->unreadable().empty()) warn(level->directory().name() + ": " + level->unreadable());
      parts_.grids.push_back(std::move(level));
    }
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  void warn(const std::string& message) { parts_.warnings.push_back(message); }
  [[noreturn]] void refuse(const std::string& message) const {
    throw Error(ErrorCode::kUnsupportedFormat, context_.path() + ": " + message);
  }

  void choose_slide() {
    const auto area = [](const OmeImage& image) {
      return static_cast<double>(image.width) * static_cast<double>(image.height);
    };
    for (const OmeImage& image : metadata_.images) {
      if (!associated_name(image.name).empty() && metadata_.images.size() > 1) continue;
      if (slide_ == nullptr || area(image) > area(*slide_)) slide_ = &image;
    }
    if (slide_ == nullptr) refuse("OME-TIFF without an image of a slide");
    if (slide_->elsewhere) refuse("OME-TIFF sets of several files are not supported; the slide lies in another file");
  }

  const TiffDirectory& directory_of(const OmeImage& image) const {
    if (image.first_ifd < tiff_->directories().size()) return tiff_->directories()[image.first_ifd];
    throw Error(ErrorCode::kCorruptFile, context_.path() + ": OME-XML puts image '" + image.name + "' into directory " +
                                             std::to_string(image.first_ifd) + " of " +
                                             std::to_string(tiff_->directories().size()));
  }

  void check_channels(const TiffDirectory& directory) {
    const auto samples = static_cast<std::int64_t>(directory.integer(tag::kSamplesPerPixel, 1));
    if (slide_->channels > std::max<std::int64_t>(samples, 1)) {
      refuse("OME-TIFF with separate channel planes (" + std::to_string(slide_->channels) +
             " channels, as in fluorescence) is not supported; expected one RGB or grey image");
    }
    if (slide_->planes_z > 1 || slide_->planes_t > 1) {
      warn("of " + std::to_string(slide_->planes_z) + " focal planes and " + std::to_string(slide_->planes_t) +
           " time points only the first is read");
    }
  }

  /// Adds the directory as a level when it is smaller than the slide and no level has its width; `must`: it is the
  /// slide itself.
  void add_level(const TiffDirectory& directory, bool must) {
    if (levels_.size() == kMaxLevels) return;
    try {
      auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
      if (must && (level->width() != slide_->width || level->height() != slide_->height)) {
        warn("OME-XML says " + std::to_string(slide_->width) + " x " + std::to_string(slide_->height) +
             " pixels, the file " + std::to_string(level->width()) + " x " + std::to_string(level->height()));
      }
      const auto rivals = [&](const auto& other) {
        return other->width() <= level->width() && (other == levels_.front() || other->width() == level->width());
      };
      if (!must && std::ranges::any_of(levels_, rivals)) return;
      levels_.push_back(std::move(level));
      std::ranges::stable_sort(levels_, [](const auto& a, const auto& b) { return a->width() > b->width(); });
    } catch (const Error& error) {
      if (must || error.code() == ErrorCode::kIo) throw;
      warn(std::string(error.what()) + "; this level is ignored");
    }
  }

  /// Some writers put the levels into the chain, marked as reduced and not named by the XML.
  void add_chain_levels() {
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      const bool named = std::ranges::any_of(metadata_.images, [&](const OmeImage& image) {
        return std::ranges::find(image.ifds, i) != image.ifds.end();
      });
      if (named || !directories[i].tiled()) continue;
      if ((directories[i].integer(tag::kNewSubfileType, 0) & 1) != 0) add_level(directories[i], false);
    }
  }

  /// Same shape as the slide, within a pixel or a percent.
  bool looks_like_level(const OmeImage& image) const {
    if (image.width < 1 || image.height < 1 || image.channels != slide_->channels) return false;
    const double height = static_cast<double>(slide_->height) * static_cast<double>(image.width) /
                          static_cast<double>(std::max<std::int64_t>(slide_->width, 1));
    return std::abs(height - static_cast<double>(image.height)) <= std::max(1.0, 0.01 * height);
  }

  void add_other_images() {
    const bool has_pyramid = levels_.size() > 1;
    for (const OmeImage& image : metadata_.images) {
      if (&image == slide_ || image.elsewhere || image.first_ifd >= tiff_->directories().size()) continue;
      const std::string name = associated_name(image.name);
      if (!name.empty()) {
        add_associated(name, tiff_->directories()[image.first_ifd]);
      } else if (!has_pyramid && looks_like_level(image)) {
        add_level(tiff_->directories()[image.first_ifd], false);
      }
    }
  }

  void add_associated(const std::string& name, const TiffDirectory& directory) {
    if (parts_.associated.contains(name)) return;
    try {
      parts_.associated.emplace(name, std::make_unique<const TiffLevel>(*tiff_, directory));
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kIo) throw;
      warn(std::string(error.what()) + "; the " + name + " is ignored");
    }
  }

  void describe(const TiffDirectory& directory) {
    Properties& properties = parts_.properties;
    add_tiff_properties(tiff_->directories().front(), properties);
    properties.insert(metadata_.properties.begin(), metadata_.properties.end());
    properties["openslide.vendor"] = "generic-tiff";
    if (quickhash_) properties["openslide.quickhash-1"] = *quickhash_;
    const auto resolution = mpp_from_resolution(directory);
    if (const auto& shown = slide_->mpp ? slide_->mpp : resolution) {
      properties["openslide.mpp-x"] = format_number(shown->x);
      properties["openslide.mpp-y"] = format_number(shown->y);
    }
    parts_.objective_power = slide_->objective_power;
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), slide_->mpp, resolution, slide_->objective_power, parts_.warnings);
    if (directory.has(tag::kIccProfile)) {
      properties["openslide.icc-size"] = std::to_string(directory.count(tag::kIccProfile));
    }
    parts_.icc_profile = [tiff = tiff_, &directory] { return directory.bytes(tag::kIccProfile); };
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  OmeMetadata metadata_;
  std::shared_ptr<Kept> kept_;
  SlideParts parts_;
  const OmeImage* slide_ = nullptr;
  std::vector<std::unique_ptr<const TiffLevel>> levels_;
  std::optional<std::string> quickhash_;
};

}  // namespace

bool is_ome_tiff(const OpenContext& context) {
  const std::string& description = context.description();
  return description.find("openmicroscopy.org/Schemas/OME") != std::string::npos &&
         description.find("OME") != std::string::npos;
}

std::shared_ptr<const Slide> open_ome_tiff(const OpenContext& context) {
  std::optional<OmeMetadata> metadata;
  try {
    metadata = parse_ome_xml(context.description());
  } catch (const Error& error) {
    throw Error(error.code(), context.path() + ": " + error.what());
  }
  if (metadata && !metadata->images.empty()) return OmeTiffReader(context, std::move(*metadata)).open();
  // Colour pixels are what they are without the metadata; single planes may be channels of a larger picture.
  if (context.tiff()->directories().front().integer(tag::kSamplesPerPixel, 1) >= 3) return open_generic_tiff(context);
  throw Error(ErrorCode::kUnsupportedFormat, context.path() + ": OME-TIFF of grey planes without readable OME-XML");
}

}  // namespace histojet::slide
