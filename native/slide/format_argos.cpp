// ARGOS AVS: a pyramid for each focal plane, one after the other, of which the middle one is shown; properties in XML
// in tag 65000 (openslide.github.io, formats/argos; OpenSlide 4.0.1, src/openslide-vendor-argos.c).

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;
constexpr std::int64_t kMaxPlanes = 65536;
constexpr int kMaxDepth = 16;

std::optional<pugi::xml_document> argos_document(const OpenContext& context) {
  if (!context.tiff()) return std::nullopt;
  const std::string xml = context.tiff()->directories().front().text(tag::kArgosXml).value_or("");
  if (xml.find("Argos.Scan.Metadata") == std::string::npos) return std::nullopt;
  auto document = parse_xml(xml);
  if (!document) return std::nullopt;
  return local_name(document->document_element()) == "Argos.Scan.Metadata" ? std::move(document) : std::nullopt;
}

class ArgosReader {
 public:
  ArgosReader(const OpenContext& context, const pugi::xml_document& document)
      : context_(context), tiff_(context.tiff()) {
    parts_.format = "argos";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
    add_argos_properties(document.document_element(), "argos", 0);
  }

  std::shared_ptr<const Slide> open() {
    choose_plane();
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      try {
        if (directories[i].tiled()) {
          add_level(directories[i]);
        } else {
          add_associated(directories[i], directories.size() - i);
        }
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kIo || (parts_.grids.empty() && directories[i].tiled())) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
      }
    }
    if (parts_.grids.empty()) {
      throw Error(ErrorCode::kCorruptFile, context_.path() + ": no levels in the middle focal plane");
    }
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  /// Elements that hold only text, with the path to them.
  void add_argos_properties(const pugi::xml_node& node, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return;
    for (const pugi::xml_node& item : node.children()) {
      if (item.type() != pugi::node_element) continue;
      const std::string key = prefix + "." + item.name();
      add_argos_properties(item, key, depth + 1);
      const pugi::xml_node content = item.first_child();
      const bool plain = content.type() == pugi::node_pcdata && content.next_sibling().empty();
      if (plain && item.first_attribute().empty()) parts_.properties[key] = content.value();
    }
  }

  std::optional<double> number(const char* key) const {
    const auto found = parts_.properties.find(key);
    return found == parts_.properties.end() ? std::nullopt : parse_number(found->second);
  }

  void choose_plane() {
    const auto lowest = number("argos.MinZ");
    const auto highest = number("argos.MaxZ");
    if (!lowest || !highest || *highest < *lowest || *highest - *lowest > kMaxPlanes) {
      throw Error(ErrorCode::kCorruptFile, context_.path() + ": ARGOS XML without a range of focal planes");
    }
    wanted_plane_ = static_cast<std::int64_t>(*highest - *lowest) / 2;
  }

  /// A directory that is not narrower than the one before begins the next focal plane.
  void add_level(const TiffDirectory& directory) {
    const std::uint64_t width = directory.integer(tag::kImageWidth, 0);
    if (previous_width_ > 0 && width >= previous_width_) ++plane_;
    previous_width_ = width;
    if (plane_ != wanted_plane_ || parts_.grids.size() == kMaxLevels) return;
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    parts_.grids.push_back(std::move(level));
  }

  void add_associated(const TiffDirectory& directory, std::size_t from_end) {
    const char* name = from_end == 2 ? "thumbnail" : from_end == 1 ? "macro" : nullptr;
    if (name != nullptr) parts_.associated.try_emplace(name, std::make_unique<const TiffLevel>(*tiff_, directory));
  }

  /// Without the quickhash, which takes the XML along and has no reference here to be checked with.
  void describe() {
    const auto& level0 = static_cast<const TiffLevel&>(*parts_.grids.front());
    const TiffDirectory& first = level0.directory();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    properties["openslide.vendor"] = "argos";
    if (const auto barcode = properties.find("argos.Barcode"); barcode != properties.end()) {
      properties["openslide.barcode"] = barcode->second;
    }
    const auto resolution = mpp_from_resolution(first);
    if (resolution) {
      properties["openslide.mpp-x"] = format_number(resolution->x);
      properties["openslide.mpp-y"] = format_number(resolution->y);
    }
    if (const auto bounds = level0.stored_bounds()) {
      properties["openslide.bounds-x"] = std::to_string(bounds->x);
      properties["openslide.bounds-y"] = std::to_string(bounds->y);
      properties["openslide.bounds-width"] = std::to_string(bounds->width);
      properties["openslide.bounds-height"] = std::to_string(bounds->height);
    }
    parts_.objective_power = number("argos.ObjectiveMagnification");
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), std::nullopt, resolution, parts_.objective_power, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [&first, tiff = tiff_] { return first.bytes(tag::kIccProfile); };
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  std::int64_t wanted_plane_ = 0;
  std::int64_t plane_ = 0;
  std::uint64_t previous_width_ = 0;
  SlideParts parts_;
};

}  // namespace

bool is_argos(const OpenContext& context) {
  return argos_document(context).has_value() && context.tiff()->directories().front().tiled();
}

std::shared_ptr<const Slide> open_argos(const OpenContext& context) {
  const auto document = argos_document(context);
  if (!document) throw Error(ErrorCode::kCorruptFile, context.path() + ": ARGOS XML that cannot be read");
  return ArgosReader(context, *document).open();
}

}  // namespace histojet::slide
