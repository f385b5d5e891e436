// Leica SCN: the XML of the description places the scanned areas on the glass in nanometres. Names, levels and
// properties as in OpenSlide 4.0.1 (src/openslide-vendor-leica.c).

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "slide/area_grid.hpp"
#include "slide/base64.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr std::string_view kNamespace = "http://www.leica-microsystems.com/scn/2010/10/01";
constexpr std::string_view kOldNamespace = "http://www.leica-microsystems.com/scn/2010/03/10";
constexpr double kMaxNanometres = 1e15;
constexpr double kMaxSide = 0x7FFFFFFF;
constexpr std::size_t kMaxLevels = 64;
// Areas whose resolutions differ more cannot share a level.
constexpr double kResolutionTolerance = 0.02;

Error bad_xml(const OpenContext& context, const std::string& reason) {
  return Error(ErrorCode::kCorruptFile, context.path() + ": Leica XML: " + reason);
}

/// A resolution of an image.
struct Dimension {
  std::size_t directory = 0;
  double width = 0;
  double height = 0;
  double nm_per_pixel = 0;
};

struct ScnImage {
  double x_nm = 0;
  double y_nm = 0;
  double width_nm = 0;
  double height_nm = 0;
  std::string illumination;
  std::string objective;
  pugi::xml_node node;
  std::vector<Dimension> dimensions;  ///< the widest first
  bool macro = false;

  bool brightfield() const { return illumination == "brightfield"; }
};

/// Text of an element some steps below.
std::string text_at(pugi::xml_node node, std::initializer_list<std::string_view> path) {
  for (const std::string_view name : path) node = child(node, name);
  return node.text().get();
}

/// A level under construction.
struct ScnLevel {
  double nm_per_pixel = 0;
  std::vector<const TiffDirectory*> directories;
};

class LeicaReader {
 public:
  LeicaReader(const OpenContext& context, pugi::xml_document document)
      : context_(context), tiff_(context.tiff()), document_(std::move(document)) {
    parts_.format = "leica";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
    parts_.whole_positions = true;
  }

  std::shared_ptr<const Slide> open() {
    collection_ = child(document_.document_element(), "collection");
    width_nm_ = whole(collection_, "sizeX", 1);
    height_nm_ = whole(collection_, "sizeY", 1);
    for (const pugi::xml_node& node : collection_.children()) {
      if (local_name(node) == "image") images_.push_back(read_image(node));
    }
    choose_main_images();
    collect_levels();
    build_levels();
    add_macro();
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  double whole(const pugi::xml_node& node, const char* name, double lowest) const {
    const auto number = number_attribute(node, name);
    if (!number || *number < lowest || *number > kMaxNanometres || *number != std::floor(*number)) {
      throw bad_xml(context_, "expected a whole number in attribute " + std::string(name) + " of " +
                                  (node.empty() ? "a missing element" : std::string(local_name(node))));
    }
    return *number;
  }

  ScnImage read_image(const pugi::xml_node& node) const {
    ScnImage image;
    image.node = node;
    const pugi::xml_node view = child(node, "view");
    image.width_nm = whole(view, "sizeX", 1);
    image.height_nm = whole(view, "sizeY", 1);
    image.x_nm = whole(view, "offsetX", -kMaxNanometres);
    image.y_nm = whole(view, "offsetY", -kMaxNanometres);
    image.illumination = text_at(node, {"scanSettings", "illuminationSettings", "illuminationSource"});
    image.objective = text_at(node, {"scanSettings", "objectiveSettings", "objective"});
    image.macro = image.x_nm == 0 && image.y_nm == 0 && image.width_nm == width_nm_ && image.height_nm == height_nm_;
    for (const pugi::xml_node& item : child(node, "pixels").children()) {
      if (local_name(item) != "dimension") continue;
      const std::string_view plane = item.attribute("z").value();
      if (!plane.empty() && plane != "0") continue;
      Dimension dimension;
      dimension.directory = static_cast<std::size_t>(whole(item, "ifd", 0));
      dimension.width = whole(item, "sizeX", 1);
      dimension.height = whole(item, "sizeY", 1);
      dimension.nm_per_pixel = image.width_nm / dimension.width;
      image.dimensions.push_back(dimension);
    }
    if (image.dimensions.empty()) throw bad_xml(context_, "an image without dimensions");
    std::ranges::stable_sort(image.dimensions, std::greater<>(), &Dimension::width);
    return image;
  }

  const TiffDirectory& directory(const Dimension& dimension) const {
    if (dimension.directory >= tiff_->directories().size()) {
      throw bad_xml(context_, "directory " + std::to_string(dimension.directory) + " of " +
                                  std::to_string(tiff_->directories().size()));
    }
    return tiff_->directories()[dimension.directory];
  }

  void choose_main_images() {
    for (const ScnImage& image : images_) {
      if (!image.macro && image.brightfield()) main_.push_back(&image);
    }
    if (main_.empty()) {
      throw Error(ErrorCode::kUnsupportedFormat, context_.path() + ": no brightfield image in this Leica slide");
    }
    for (const ScnImage* image : main_) {
      if (image->objective != main_.front()->objective ||
          image->dimensions.size() != main_.front()->dimensions.size()) {
        throw Error(ErrorCode::kUnsupportedFormat,
                    context_.path() + ": areas with different objectives or numbers of levels");
      }
    }
  }

  void collect_levels() {
    const std::size_t count = std::min(main_.front()->dimensions.size(), kMaxLevels);
    for (std::size_t i = 0; i < count; ++i) {
      const double expected = main_.front()->dimensions[i].nm_per_pixel;
      ScnLevel level{.nm_per_pixel = expected};
      for (const ScnImage* image : main_) {
        const Dimension& dimension = image->dimensions[i];
        if (std::abs(dimension.nm_per_pixel - expected) > kResolutionTolerance * expected) {
          throw Error(ErrorCode::kUnsupportedFormat,
                      context_.path() + ": areas with different resolutions in level " + std::to_string(i));
        }
        level.nm_per_pixel = std::min(level.nm_per_pixel, dimension.nm_per_pixel);
        level.directories.push_back(&directory(dimension));
      }
      levels_.push_back(std::move(level));
    }
  }

  /// Cut to whole pixels, as the positions on levels are.
  std::int64_t offset_px(double nanometres, double nm_per_pixel) const {
    const double pixels = nanometres / nm_per_pixel;
    if (std::abs(pixels) > kMaxSide) throw bad_xml(context_, "an area more than 2147483647 pixels from the corner");
    return static_cast<std::int64_t>(pixels);
  }

  void build_levels() {
    for (const ScnLevel& level : levels_) {
      const double width = std::ceil(width_nm_ / level.nm_per_pixel);
      const double height = std::ceil(height_nm_ / level.nm_per_pixel);
      if (width > kMaxSide || height > kMaxSide) throw bad_xml(context_, "a level of more than 2147483647 pixels");
      std::vector<PlacedArea> areas;
      for (std::size_t i = 0; i < main_.size(); ++i) {
        PlacedArea area;
        area.level = std::make_unique<const TiffLevel>(*tiff_, *level.directories[i]);
        if (!area.level->unreadable().empty()) {
          parts_.warnings.push_back(level.directories[i]->name() + ": " + area.level->unreadable());
        }
        area.x = offset_px(main_[i]->x_nm, level.nm_per_pixel);
        area.y = offset_px(main_[i]->y_nm, level.nm_per_pixel);
        areas.push_back(std::move(area));
      }
      auto grid = std::make_unique<const AreaGrid>(std::move(areas), static_cast<std::int64_t>(width),
                                                   static_cast<std::int64_t>(height));
      if (parts_.grids.empty()) add_regions(*grid);
      parts_.grids.push_back(std::move(grid));
      parts_.traits.push_back({.stored_tile = {{0, 0}}});
    }
  }

  void add_regions(const AreaGrid& grid) {
    Properties& properties = parts_.properties;
    std::int64_t left = grid.width();
    std::int64_t top = grid.height();
    std::int64_t right = 0;
    std::int64_t bottom = 0;
    for (std::size_t i = 0; i < grid.areas().size(); ++i) {
      const PlacedArea& area = grid.areas()[i];
      const std::string prefix = "openslide.region[" + std::to_string(i) + "].";
      properties[prefix + "x"] = std::to_string(area.x);
      properties[prefix + "y"] = std::to_string(area.y);
      properties[prefix + "width"] = std::to_string(area.level->width());
      properties[prefix + "height"] = std::to_string(area.level->height());
      left = std::min(left, area.x);
      top = std::min(top, area.y);
      right = std::max(right, area.x + area.level->width());
      bottom = std::max(bottom, area.y + area.level->height());
    }
    properties["openslide.bounds-x"] = std::to_string(left);
    properties["openslide.bounds-y"] = std::to_string(top);
    properties["openslide.bounds-width"] = std::to_string(right - left);
    properties["openslide.bounds-height"] = std::to_string(bottom - top);
  }

  void add_macro() {
    for (const ScnImage& image : images_) {
      if (!image.macro || !image.brightfield() || parts_.associated.contains("macro")) continue;
      try {
        parts_.associated.emplace("macro",
                                  std::make_unique<const TiffLevel>(*tiff_, directory(image.dimensions.front())));
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kIo) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; the macro image is ignored");
      }
    }
  }

  /// The directory of the quickhash: of the one area, or of the macro image where there are several.
  const TiffDirectory* hash_directory() const {
    const auto macros = std::ranges::count_if(images_, &ScnImage::macro);
    const auto areas = std::ranges::ssize(images_) - macros;
    if (areas == 1 && macros <= 1) return levels_.back().directories.front();
    for (const ScnImage& image : images_) {
      if (image.macro && image.brightfield()) return &directory(image.dimensions.back());
    }
    return nullptr;
  }

  void describe() {
    const TiffDirectory& first = *levels_.front().directories.front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    properties.erase("openslide.comment");
    properties.erase("tiff.ImageDescription");
    properties["openslide.vendor"] = "leica";
    if (const TiffDirectory* hashed = hash_directory()) {
      const TiffLevel level(*tiff_, *hashed);
      if (const auto hash = quickhash(*tiff_, level, first)) properties["openslide.quickhash-1"] = *hash;
    }
    add_leica_properties();
    const auto resolution = mpp_from_resolution(first);
    if (resolution) {
      properties["openslide.mpp-x"] = format_number(resolution->x);
      properties["openslide.mpp-y"] = format_number(resolution->y);
    }
    parts_.objective_power = parse_number(main_.front()->objective);
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), std::nullopt, resolution, parts_.objective_power, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [&first, tiff = tiff_] { return first.bytes(tag::kIccProfile); };
  }

  void add_leica_properties() {
    const ScnImage& image = *main_.front();
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) parts_.properties[name] = value;
    };
    add("leica.aperture", text_at(image.node, {"scanSettings", "illuminationSettings", "numericalAperture"}));
    add("leica.creation-date", text_at(image.node, {"creationDate"}));
    add("leica.device-model", child(image.node, "device").attribute("model").value());
    add("leica.device-version", child(image.node, "device").attribute("version").value());
    add("leica.illumination-source", image.illumination);
    add("leica.objective", image.objective);
    std::string barcode = text_at(collection_, {"barcode"});
    if (std::string_view(document_.document_element().attribute("xmlns").value()) == kNamespace) {
      const std::vector<std::uint8_t> bytes = decode_base64(barcode);
      barcode = to_utf8(std::string(bytes.begin(), bytes.end()));
    }
    add("leica.barcode", barcode);
    add("openslide.barcode", barcode);
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  pugi::xml_document document_;
  pugi::xml_node collection_;
  double width_nm_ = 0;
  double height_nm_ = 0;
  std::vector<ScnImage> images_;
  std::vector<const ScnImage*> main_;  ///< the areas of the levels
  std::vector<ScnLevel> levels_;
  SlideParts parts_;
};

std::optional<pugi::xml_document> leica_document(const OpenContext& context) {
  if (context.description().find("http://www.leica-microsystems.com/scn/") == std::string::npos) return std::nullopt;
  auto document = parse_xml(context.description());
  if (!document) return std::nullopt;
  const std::string_view name_space = document->document_element().attribute("xmlns").value();
  return name_space == kNamespace || name_space == kOldNamespace ? std::move(document) : std::nullopt;
}

}  // namespace

bool is_leica(const OpenContext& context) {
  return context.tiff() && context.tiff()->directories().front().tiled() && leica_document(context).has_value();
}

std::shared_ptr<const Slide> open_leica(const OpenContext& context) {
  auto document = leica_document(context);
  if (!document) throw bad_xml(context, "the description cannot be read");
  return LeicaReader(context, std::move(*document)).open();
}

}  // namespace histojet::slide
