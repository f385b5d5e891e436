// Philips TIFF: levels are padded to whole tiles, their true sizes follow from the pixel spacings in the XML of the
// description. Names and properties as in OpenSlide 4.0.1 (src/openslide-vendor-philips.c).

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "slide/base64.hpp"
#include "slide/formats.hpp"
#include "slide/jpeg_frame.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;
// Real files nest representations inside the one image, two deep.
constexpr int kMaxDepth = 4;

std::string_view object_name(const pugi::xml_node& node) {
  return node.attribute("Name").value();
}

/// The element `Attribute` of that name.
pugi::xml_node attribute(const pugi::xml_node& object, std::string_view name) {
  for (const pugi::xml_node& item : object.children("Attribute")) {
    if (object_name(item) == name) return item;
  }
  return {};
}

std::string_view value(const pugi::xml_node& object, std::string_view name) {
  return attribute(object, name).text().get();
}

/// The scanned images of a type (WSI, LABELIMAGE, MACROIMAGE).
std::vector<pugi::xml_node> scanned_images(const pugi::xml_node& root, std::string_view type) {
  std::vector<pugi::xml_node> found;
  for (const pugi::xml_node& object : attribute(root, "PIM_DP_SCANNED_IMAGES").child("Array").children("DataObject")) {
    if (value(object, "PIM_DP_IMAGE_TYPE") == type) found.push_back(object);
  }
  return found;
}

/// Millimetres between pixels.
struct Spacing {
  double x = 0;
  double y = 0;
};

/// Two quoted numbers, that of the rows first.
std::optional<Spacing> parse_spacing(std::string_view text) {
  std::string clean(text);
  std::ranges::replace(clean, '"', ' ');
  const std::string_view all = trim(clean);
  const std::size_t space = all.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto rows = parse_number(all.substr(0, space));
  const auto columns = parse_number(all.substr(space));
  if (!rows || !columns || *rows <= 0 || *columns <= 0) return std::nullopt;
  return Spacing{*columns, *rows};
}

/// The first of the numbers after "levels=": the magnification, where it is one.
std::optional<double> objective_power(std::string_view derivation) {
  constexpr std::string_view kLevels = "levels=";
  while (!derivation.empty()) {
    const std::size_t dash = std::min(derivation.find('-'), derivation.size());
    const std::string_view part = derivation.substr(0, dash);
    if (part.starts_with("sourceFilename")) return std::nullopt;
    if (part.starts_with(kLevels)) {
      const std::string_view list = part.substr(kLevels.size());
      const auto number = parse_number(list.substr(0, list.find(',')));
      return number && *number >= 1 && *number <= 200 ? number : std::nullopt;
    }
    derivation.remove_prefix(std::min(dash + 1, derivation.size()));
  }
  return std::nullopt;
}

/// The upper left part of a stored level that is padded.
class CroppedGrid final : public TileGrid {
 public:
  CroppedGrid(std::unique_ptr<const TiffLevel> level, std::int64_t width, std::int64_t height)
      : level_(std::move(level)) {
    width_ = std::min(width, level_->width());
    height_ = std::min(height, level_->height());
    tile_width_ = level_->tile_width();
    tile_height_ = level_->tile_height();
  }

  int channels() const override { return level_->channels(); }
  bool has_tile(std::int64_t column, std::int64_t row) const override { return level_->has_tile(column, row); }
  void check_tile(std::int64_t column, std::int64_t row) const override { level_->check_tile(column, row); }
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override {
    return level_->decode_tile(column, row, out, stride, tolerant);
  }
  void stored_ranges(std::int64_t column, std::int64_t row, std::vector<ByteRange>& out) const override {
    level_->stored_ranges(column, row, out);
  }

 private:
  std::unique_ptr<const TiffLevel> level_;
};

class PhilipsReader {
 public:
  PhilipsReader(const OpenContext& context, pugi::xml_document document)
      : context_(context), tiff_(context.tiff()), document_(std::move(document)) {
    parts_.format = "philips";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    const auto images = scanned_images(root(), "WSI");
    if (images.size() != 1) {
      throw Error(ErrorCode::kCorruptFile,
                  context_.path() + ": expected one scanned image of type WSI, got " + std::to_string(images.size()));
    }
    image_ = images.front();
    read_spacings();
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      try {
        add(directories[i], i);
      } catch (const Error& error) {
        if (i == 0 || error.code() == ErrorCode::kIo) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
      }
    }
    describe();
    add_embedded("label", "LABELIMAGE");
    add_embedded("macro", "MACROIMAGE");
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  pugi::xml_node root() const { return document_.document_element(); }

  void read_spacings() {
    const pugi::xml_node sequence = attribute(image_, "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE");
    for (const pugi::xml_node& object : sequence.child("Array").children("DataObject")) {
      if (std::string_view(object.attribute("ObjectType").value()) != "PixelDataRepresentation") continue;
      spacings_.push_back(parse_spacing(value(object, "DICOM_PIXEL_SPACING")));
    }
  }

  void add(const TiffDirectory& directory, std::size_t index) {
    const std::string description = directory.text(tag::kImageDescription).value_or("");
    if (directory.tiled()) {
      const std::size_t representation = tiled_directories_++;
      if (index > 0 && (directory.integer(tag::kNewSubfileType, 0) & 1) == 0) {
        throw Error(ErrorCode::kCorruptFile,
                    context_.path() + ": " + directory.name() + " is no reduced resolution, but tiled");
      }
      add_level(directory, representation);
    } else if (description.starts_with("Label")) {
      parts_.associated.try_emplace("label", std::make_unique<const TiffLevel>(*tiff_, directory));
    } else if (description.starts_with("Macro")) {
      parts_.associated.try_emplace("macro", std::make_unique<const TiffLevel>(*tiff_, directory));
    }
  }

  void add_level(const TiffDirectory& directory, std::size_t representation) {
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    if (smallest_ != nullptr && (level->width() > smallest_->width() || level->height() > smallest_->height())) {
      throw Error(ErrorCode::kCorruptFile,
                  context_.path() + ": " + directory.name() + " is larger than the level before");
    }
    if (parts_.grids.size() == kMaxLevels) throw Error(ErrorCode::kCorruptFile, "would be level 65");
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    smallest_ = level.get();
    if (parts_.grids.empty()) {
      parts_.traits.push_back({.downsample = 1});
      parts_.grids.push_back(std::move(level));
      return;
    }
    const double downsample = true_downsample(*level, representation);
    const TileGrid& largest = *parts_.grids.front();
    const auto shrunk = [&](std::int64_t side) {
      return std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(side) / downsample));
    };
    parts_.traits.push_back({.downsample = downsample});
    parts_.grids.push_back(
        std::make_unique<const CroppedGrid>(std::move(level), shrunk(largest.width()), shrunk(largest.height())));
  }

  /// Rounded ratio of the spacings, because the stored sizes are rounded up to whole tiles.
  double true_downsample(const TiffLevel& level, std::size_t representation) const {
    double ratio = level_downsample(*parts_.grids.front(), level);
    if (representation < spacings_.size() && spacings_.front() && spacings_[representation]) {
      const Spacing& first = *spacings_.front();
      const Spacing& own = *spacings_[representation];
      ratio = (own.x / first.x + own.y / first.y) / 2;
    }
    return std::clamp(std::round(ratio), 1.0, 1e9);
  }

  void describe() {
    const TiffDirectory& first = tiff_->directories().front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    properties.erase("openslide.comment");
    properties.erase("tiff.ImageDescription");
    properties["openslide.vendor"] = "philips";
    if (const auto hash = quickhash(*tiff_, *smallest_, first)) properties["openslide.quickhash-1"] = *hash;
    add_philips_properties(root(), "philips", 0);
    std::optional<Mpp> vendor;
    if (const auto spacing = parse_spacing(properties["philips.DICOM_PIXEL_SPACING"])) {
      vendor = Mpp{1e3 * spacing->x, 1e3 * spacing->y, MppSource::kVendor};
      properties["openslide.mpp-x"] = format_number(vendor->x);
      properties["openslide.mpp-y"] = format_number(vendor->y);
    }
    parts_.objective_power = objective_power(value(image_, "DICOM_DERIVATION_DESCRIPTION"));
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    const std::vector<std::uint8_t> barcode = decode_base64(value(root(), "PIM_DP_UFS_BARCODE"));
    if (!barcode.empty()) properties["openslide.barcode"] = to_utf8(std::string(barcode.begin(), barcode.end()));
    parts_.mpp = choose_mpp(context_.options(), vendor, std::nullopt, parts_.objective_power, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [tiff = tiff_] { return tiff->directories().front().bytes(tag::kIccProfile); };
  }

  /// Values of an object; those of the one scanned image and of the representations are taken along.
  void add_philips_properties(const pugi::xml_node& object, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return;
    for (const pugi::xml_node& item : object.children("Attribute")) {
      const std::string_view name = object_name(item);
      if (name == "PIM_DP_SCANNED_IMAGES") {
        if (depth == 0) add_philips_properties(image_, prefix, depth + 1);
      } else if (name == "PIIM_PIXEL_DATA_REPRESENTATION_SEQUENCE") {
        int index = 0;
        for (const pugi::xml_node& part : item.child("Array").children("DataObject")) {
          const std::string own = prefix + "." + std::string(name) + "[" + std::to_string(index++) + "]";
          add_philips_properties(part, own, depth + 1);
        }
      } else if (!name.empty() &&
                 item.find_child([](const pugi::xml_node& node) { return node.type() == pugi::node_element; })
                     .empty()) {
        parts_.properties[prefix + "." + std::string(name)] = item.text().get();
      }
    }
  }

  /// A JPEG in base64 inside the XML, unless a directory holds the picture; damage there only loses the picture.
  void add_embedded(const char* name, std::string_view type) {
    const auto images = scanned_images(root(), type);
    if (images.empty() || parts_.associated.contains(name)) return;
    try {
      std::vector<std::uint8_t> jpeg = decode_base64(value(images.front(), "PIM_DP_IMAGE_DATA"));
      const std::uint64_t length = jpeg.size();
      parts_.associated.emplace(
          name, std::make_unique<const JpegStreamGrid>(memory_source(std::move(jpeg), context_.path()), 0, length));
    } catch (const Error& error) {
      parts_.warnings.push_back(context_.path() + ": " + name + ": " + error.what() + "; this picture is ignored");
    }
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  pugi::xml_document document_;
  pugi::xml_node image_;
  std::vector<std::optional<Spacing>> spacings_;  ///< of the levels, nothing where unreadable
  std::size_t tiled_directories_ = 0;
  SlideParts parts_;
  const TiffLevel* smallest_ = nullptr;
};

std::optional<pugi::xml_document> philips_document(const OpenContext& context) {
  auto document = parse_xml(context.description());
  if (!document) return std::nullopt;
  const pugi::xml_node root = document->document_element();
  const bool ours = std::string_view(root.name()) == "DataObject" &&
                    std::string_view(root.attribute("ObjectType").value()) == "DPUfsImport";
  return ours ? std::move(document) : std::nullopt;
}

}  // namespace

bool is_philips(const OpenContext& context) {
  if (!context.tiff() || !context.tiff()->directories().front().tiled()) return false;
  const std::string software = context.tiff()->directories().front().text(tag::kSoftware).value_or("");
  return software.starts_with("Philips") && philips_document(context).has_value();
}

std::shared_ptr<const Slide> open_philips(const OpenContext& context) {
  auto document = philips_document(context);
  if (!document) throw Error(ErrorCode::kCorruptFile, context.path() + ": the description is no XML of Philips");
  return PhilipsReader(context, std::move(*document)).open();
}

}  // namespace histojet::slide
