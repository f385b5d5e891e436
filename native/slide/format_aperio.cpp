// Aperio SVS: tiled directories are levels in file order; stripped ones are thumbnail, label and macro. Names,
// properties and missing tiles as in OpenSlide 4.0.1 (src/openslide-vendor-aperio.c).

#include <cmath>

#include "base/error.hpp"
#include "slide/aperio_directories.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

/// "key = value" parts between bars; the first part is prose.
void add_aperio_properties(const std::string& description, Properties& properties) {
  for (std::size_t bar = description.find('|'); bar != std::string::npos;) {
    const std::size_t next = description.find('|', bar + 1);
    const std::string part = description.substr(bar + 1, next == std::string::npos ? next : next - bar - 1);
    bar = next;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = to_utf8(trim(std::string_view(part).substr(0, equals)));
    properties["aperio." + key] = to_utf8(trim(std::string_view(part).substr(equals + 1)));
  }
}

std::optional<double> number_of(const Properties& properties, const char* key) {
  const auto found = properties.find(key);
  return found == properties.end() ? std::nullopt : parse_number(found->second);
}

/// First word of the second line of the description; lines end at each CR and each LF, so that CR LF hides it.
std::string second_line_word(const std::string& description) {
  const std::size_t end = description.find_first_of("\r\n");
  if (end == std::string::npos) return {};
  const std::string_view line = std::string_view(description).substr(end + 1);
  return std::string(line.substr(0, line.find_first_of(" \r\n")));
}

/// Name of a stripped directory, empty when it has none.
std::string associated_name(const TiffDirectory& directory, std::size_t index) {
  if (index == 1) return "thumbnail";
  const std::uint64_t subfile = directory.integer(tag::kNewSubfileType, 0);
  if (subfile == 1) return "label";
  if (subfile == 9) return "macro";
  const std::string word = second_line_word(directory.text(tag::kImageDescription).value_or(""));
  return word == "label" || word == "macro" || word == "thumbnail" ? word : std::string();
}

}  // namespace

bool is_aperio(const OpenContext& context) {
  return context.description().starts_with("Aperio") && context.tiff()->directories().front().tiled();
}

std::shared_ptr<const Slide> open_aperio(const OpenContext& context) {
  AperioDirectories found = read_aperio_directories(context, associated_name);
  SlideParts& parts = found.parts;
  Properties& properties = parts.properties;
  const TiffFile& tiff = *context.tiff();
  const TiffDirectory& first = tiff.directories().front();
  parts.format = "aperio";
  add_tiff_properties(first, properties);
  add_aperio_properties(context.description(), properties);
  properties["openslide.vendor"] = "aperio";
  if (const auto hash = quickhash(tiff, found.smallest->level(), first)) properties["openslide.quickhash-1"] = *hash;
  std::optional<Mpp> vendor;
  if (const auto mpp = number_of(properties, "aperio.MPP")) {
    vendor = Mpp{*mpp, *mpp, MppSource::kVendor};
    properties["openslide.mpp-x"] = properties["openslide.mpp-y"] = format_number(*mpp);
  }
  parts.objective_power = number_of(properties, "aperio.AppMag");
  if (parts.objective_power) properties["openslide.objective-power"] = format_number(*parts.objective_power);
  parts.mpp = choose_mpp(context.options(), vendor, std::nullopt, parts.objective_power, parts.warnings);
  return std::make_shared<const TiledSlide>(context.source(), context.options(), std::move(parts));
}

}  // namespace histojet::slide
