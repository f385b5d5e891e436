#include "slide/ome_xml.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.hpp"
#include "slide/text.hpp"
#include "slide/xml.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxImages = 1024;
constexpr std::size_t kMaxPlanes = 65536;
constexpr double kMaxCount = 1e15;

/// Micrometres in a unit of length of the OME schema; nothing for pixels, reference frames and the exotic ones.
std::optional<double> micrometres(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double length;
  };
  // The micro sign U+00B5 and the Greek letter U+03BC are both in use.
  constexpr Unit kUnits[] = {{"", 1},      {"\xC2\xB5m", 1}, {"\xCE\xBCm", 1}, {"um", 1},         {"micron", 1},
                             {"nm", 1e-3}, {"pm", 1e-6},     {"mm", 1e3},      {"cm", 1e4},       {"dm", 1e5},
                             {"m", 1e6},   {"in", 25400},    {"thou", 25.4},   {"\xC3\x85", 1e-4}};
  for (const Unit& known : kUnits) {
    if (known.name == unit) return known.length;
  }
  return std::nullopt;
}

/// A whole number of an attribute; `fallback` where it is missing, not whole or out of range.
std::int64_t whole(const pugi::xml_node& node, const char* name, std::int64_t fallback) {
  const auto value = number_attribute(node, name);
  if (!value || *value < 0 || *value > kMaxCount || *value != std::floor(*value)) return fallback;
  return static_cast<std::int64_t>(*value);
}

std::optional<double> physical_size(const pugi::xml_node& pixels, const char* name, const char* unit_name) {
  const auto size = number_attribute(pixels, name);
  const auto unit = micrometres(trim(pixels.attribute(unit_name).value()));
  if (!size || !unit || *size <= 0) return std::nullopt;
  return *size * *unit;
}

void set(std::map<std::string, std::string>& properties, const std::string& key, const char* value) {
  const std::string_view text = trim(value);
  if (!text.empty()) properties["ome." + key] = std::string(text);
}

class OmeReader {
 public:
  explicit OmeReader(const pugi::xml_node& root) : root_(root), own_(root.attribute("UUID").value()) {}

  OmeMetadata read() {
    set(found_.properties, "creator", root_.attribute("Creator").value());
    set(found_.properties, "uuid", own_.c_str());
    for (const pugi::xml_node& node : root_.children()) {
      if (local_name(node) != "Image" || found_.images.size() == kMaxImages) continue;
      found_.images.push_back(read_image(node));
    }
    found_.properties["ome.image-count"] = std::to_string(found_.images.size());
    return std::move(found_);
  }

 private:
  OmeImage read_image(const pugi::xml_node& node) {
    const pugi::xml_node pixels = child(node, "Pixels");
    OmeImage image;
    image.name = std::string(trim(node.attribute("Name").value()));
    image.width = whole(pixels, "SizeX", 0);
    image.height = whole(pixels, "SizeY", 0);
    image.channels = whole(pixels, "SizeC", 1);
    image.planes_z = whole(pixels, "SizeZ", 1);
    image.planes_t = whole(pixels, "SizeT", 1);
    const auto x = physical_size(pixels, "PhysicalSizeX", "PhysicalSizeXUnit");
    const auto y = physical_size(pixels, "PhysicalSizeY", "PhysicalSizeYUnit");
    if (x && y) image.mpp = Mpp{*x, *y, MppSource::kVendor};
    read_planes(pixels, image);
    const std::string prefix = "image[" + std::to_string(found_.images.size()) + "].";
    set(found_.properties, prefix + "name", image.name.c_str());
    set(found_.properties, prefix + "acquisition-date", child(node, "AcquisitionDate").child_value());
    found_.properties["ome." + prefix + "width"] = std::to_string(image.width);
    found_.properties["ome." + prefix + "height"] = std::to_string(image.height);
    read_objective(node, prefix, image);
    return image;
  }

  /// TiffData: which directory holds the first plane. Without any, planes follow one another in the order of images.
  void read_planes(const pugi::xml_node& pixels, OmeImage& image) {
    bool first = true;
    bool any = false;
    for (const pugi::xml_node& data : pixels.children()) {
      if (local_name(data) != "TiffData") continue;
      const auto ifd = static_cast<std::uint64_t>(whole(data, "IFD", 0));
      if (image.ifds.size() < kMaxPlanes) image.ifds.push_back(ifd);
      const bool origin =
          whole(data, "FirstZ", 0) == 0 && whole(data, "FirstC", 0) == 0 && whole(data, "FirstT", 0) == 0;
      if (first || (origin && !any)) {
        image.first_ifd = ifd;
        image.elsewhere = lies_elsewhere(data);
        any = origin;
      }
      first = false;
    }
    if (first) {
      image.first_ifd = next_ifd_;
      image.ifds.push_back(next_ifd_);
    }
    next_ifd_ = image.first_ifd + 1;
  }

  /// Files of a set name their planes by UUID; only those of this file's own UUID are here.
  bool lies_elsewhere(const pugi::xml_node& data) {
    const pugi::xml_node uuid = child(data, "UUID");
    if (uuid.empty()) return false;
    const std::string id(trim(uuid.child_value()));
    if (!own_.empty()) return id != own_;
    uuids_.insert(id);
    return uuids_.size() > 1;
  }

  void read_objective(const pugi::xml_node& image_node, const std::string& prefix, OmeImage& image) {
    const std::string wanted = child(image_node, "ObjectiveSettings").attribute("ID").value();
    if (wanted.empty()) return;
    for (const pugi::xml_node& instrument : root_.children()) {
      if (local_name(instrument) != "Instrument") continue;
      for (const pugi::xml_node& objective : instrument.children()) {
        if (local_name(objective) != "Objective" || objective.attribute("ID").value() != wanted) continue;
        image.objective_power = number_attribute(objective, "NominalMagnification");
        auto& properties = found_.properties;
        set(properties, prefix + "objective.model", objective.attribute("Model").value());
        set(properties, prefix + "objective.manufacturer", objective.attribute("Manufacturer").value());
        set(properties, prefix + "objective.nominal-magnification",
            objective.attribute("NominalMagnification").value());
        set(properties, prefix + "objective.lens-na", objective.attribute("LensNA").value());
        return;
      }
    }
  }

  pugi::xml_node root_;
  std::string own_;
  std::set<std::string> uuids_;
  std::uint64_t next_ifd_ = 0;
  OmeMetadata found_;
};

}  // namespace

std::optional<OmeMetadata> parse_ome_xml(const std::string& text) {
  const auto document = parse_xml(text);
  if (!document) return std::nullopt;
  const pugi::xml_node root = document->document_element();
  if (local_name(root) != "OME") return std::nullopt;
  if (const pugi::xml_node other = child(root, "BinaryOnly")) {
    throw Error(ErrorCode::kUnsupportedFormat,
                "OME-TIFF sets of several files are not supported; the metadata lie in " +
                    std::string(other.attribute("MetadataFile").value()));
  }
  return OmeReader(root).read();
}

}  // namespace histojet::slide
