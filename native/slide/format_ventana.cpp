// Ventana BIF and TIFF: XML in tag 700 describes the scan and how the tiles of level 0 overlap. Names, levels and
// properties as in OpenSlide 4.0.1 (src/openslide-vendor-ventana.c).

#include <cmath>

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/placed_grid.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"
#include "slide/ventana_stitching.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;
// Magnifications are rounded in the file.
constexpr double kWholeTolerance = 0.01;

/// The element iScan, as root or below Metadata; empty without.
pugi::xml_node scan_element(const pugi::xml_document& document) {
  const pugi::xml_node root = document.document_element();
  if (local_name(root) == "iScan") return root;
  return local_name(root) == "Metadata" ? child(root, "iScan") : pugi::xml_node();
}

std::optional<pugi::xml_document> scan_document(const OpenContext& context) {
  const std::string xml = context.tiff()->directories().front().text(tag::kXmp).value_or("");
  if (xml.find("iScan") == std::string::npos) return std::nullopt;
  return parse_xml(xml);
}

/// The value of `key` in "key=value key=value …".
std::optional<double> field(std::string_view description, std::string_view key) {
  while (!description.empty()) {
    const std::string_view part = description.substr(0, description.find(' '));
    if (part.starts_with(key) && part.substr(key.size()).starts_with('=')) {
      return parse_number(part.substr(key.size() + 1));
    }
    description.remove_prefix(std::min(part.size() + 1, description.size()));
  }
  return std::nullopt;
}

class VentanaReader {
 public:
  explicit VentanaReader(const OpenContext& context) : context_(context), tiff_(context.tiff()) {
    parts_.format = "ventana";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    const auto document = scan_document(context_);
    if (document) read_scan(scan_element(*document));
    for (const TiffDirectory& directory : tiff_->directories()) {
      try {
        add(directory);
      } catch (const Error& error) {
        const std::string message = context_.path() + ": " + directory.name() + ": " + error.what();
        if (error.code() == ErrorCode::kIo) throw;
        if (parts_.grids.empty() && is_level(directory)) throw Error(error.code(), message);
        parts_.warnings.push_back(message + "; this directory is ignored");
      }
    }
    if (parts_.grids.empty()) throw Error(ErrorCode::kCorruptFile, context_.path() + ": Ventana slide without levels");
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  static std::string description(const TiffDirectory& directory) {
    return directory.text(tag::kImageDescription).value_or("");
  }
  static bool is_level(const TiffDirectory& directory) {
    return description(directory).find("level=") != std::string::npos;
  }

  void read_scan(const pugi::xml_node& scan) {
    const auto layers = number_attribute(scan, "Z-layers");
    if (layers && *layers != 1) {
      throw Error(ErrorCode::kUnsupportedFormat,
                  context_.path() + ": a Ventana slide with " + format_number(*layers) + " focal planes");
    }
    for (const pugi::xml_attribute& item : scan.attributes()) {
      if (*item.value() != '\0') parts_.properties["ventana." + std::string(item.name())] = item.value();
    }
    parts_.objective_power = number_attribute(scan, "Magnification");
    if (const auto mpp = number_attribute(scan, "ScanRes")) vendor_mpp_ = Mpp{*mpp, *mpp, MppSource::kVendor};
  }

  void add(const TiffDirectory& directory) {
    const std::string text = description(directory);
    if (is_level(directory)) {
      add_level(directory, text);
    } else if (text == "Label Image" || text == "Label_Image") {
      parts_.associated.try_emplace("macro", std::make_unique<const TiffLevel>(*tiff_, directory));
    } else if (text == "Thumbnail") {
      parts_.associated.try_emplace("thumbnail", std::make_unique<const TiffLevel>(*tiff_, directory));
    }
  }

  void add_level(const TiffDirectory& directory, const std::string& text) {
    const auto refuse = [](const std::string& reason) { return Error(ErrorCode::kCorruptFile, reason); };
    const auto number = field(text, "level");
    const auto magnification = field(text, "mag");
    if (!number || *number != static_cast<double>(parts_.grids.size()) || parts_.grids.size() == kMaxLevels) {
      throw refuse("expected level " + std::to_string(parts_.grids.size()));
    }
    if (!magnification || *magnification <= 0 || (magnification_ > 0 && *magnification >= magnification_)) {
      throw refuse("expected a magnification below that of the level before");
    }
    if (!directory.tiled()) throw refuse("a level without tiles");
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    const TiffLevel& own = *level;
    if (parts_.grids.empty()) {
      first_ = &directory;
      largest_magnification_ = *magnification;
      if (const auto xml = directory.text(tag::kXmp); xml && xml->find("iScan") == std::string::npos) {
        stitching_ = read_ventana_stitching(*xml, own);
      }
    }
    const double downsample = largest_magnification_ / *magnification;
    if (stitching_) {
      add_stitched(std::move(level), downsample);
    } else {
      parts_.grids.push_back(std::move(level));
      parts_.traits.push_back({.downsample = downsample});
    }
    magnification_ = *magnification;
    smallest_ = &own;
  }

  void add_stitched(std::unique_ptr<const TiffLevel> level, double downsample) {
    const double parts = std::round(downsample);
    if (std::abs(parts - downsample) > kWholeTolerance * downsample) {
      throw Error(ErrorCode::kUnsupportedFormat,
                  "a level " + format_number(downsample) + " times smaller than level 0, expected a whole number");
    }
    const std::int64_t tile_width = level->tile_width();
    const std::int64_t tile_height = level->tile_height();
    if (!parts_.grids.empty() &&
        (tile_width != parts_.grids.front()->tile_width() || tile_height != parts_.grids.front()->tile_height())) {
      throw Error(ErrorCode::kUnsupportedFormat, "tiles of another size than in level 0");
    }
    TilePlan plan = stitching_->plan(downsample, static_cast<std::int64_t>(parts), tile_width, tile_height);
    auto grid = std::make_unique<const PlacedGrid>(std::move(level), std::move(plan));
    if (parts_.grids.empty()) add_regions(*grid);
    parts_.grids.push_back(std::move(grid));
    parts_.traits.push_back({.downsample = downsample, .stored_tile = {{0, 0}}});
  }

  void add_regions(const TileGrid& grid) {
    for (std::size_t i = 0; i < stitching_->areas.size(); ++i) {
      const VentanaArea& area = stitching_->areas[i];
      const auto extent = [](std::int64_t count, double step, std::int64_t side) {
        return std::to_string(
            static_cast<std::int64_t>(std::ceil(static_cast<double>(count - 1) * step + static_cast<double>(side))));
      };
      const std::string prefix = "openslide.region[" + std::to_string(i) + "].";
      parts_.properties[prefix + "x"] = std::to_string(static_cast<std::int64_t>(area.x));
      parts_.properties[prefix + "y"] = std::to_string(static_cast<std::int64_t>(area.y));
      parts_.properties[prefix + "width"] = extent(area.columns, stitching_->step_x, grid.tile_width());
      parts_.properties[prefix + "height"] = extent(area.rows, stitching_->step_y, grid.tile_height());
    }
  }

  void describe() {
    Properties& properties = parts_.properties;
    add_tiff_properties(*first_, properties);
    properties["openslide.vendor"] = "ventana";
    if (const auto hash = quickhash(*tiff_, *smallest_, *first_)) properties["openslide.quickhash-1"] = *hash;
    if (vendor_mpp_) {
      properties["openslide.mpp-x"] = properties["openslide.mpp-y"] = format_number(vendor_mpp_->x);
    }
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), vendor_mpp_, std::nullopt, parts_.objective_power, parts_.warnings);
    const TiffDirectory& first = *first_;
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [&first, tiff = tiff_] { return first.bytes(tag::kIccProfile); };
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  SlideParts parts_;
  std::optional<Mpp> vendor_mpp_;
  std::optional<VentanaStitching> stitching_;  ///< nothing: tiles lie on plain grids
  double magnification_ = 0;                   ///< of the level before
  double largest_magnification_ = 0;
  const TiffDirectory* first_ = nullptr;
  const TiffLevel* smallest_ = nullptr;
};

}  // namespace

bool is_ventana(const OpenContext& context) {
  if (!context.tiff()) return false;
  const auto document = scan_document(context);
  return document && !scan_element(*document).empty();
}

std::shared_ptr<const Slide> open_ventana(const OpenContext& context) {
  return VentanaReader(context).open();
}

}  // namespace histojet::slide
