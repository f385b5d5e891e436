// Huron TIFF: organised like Aperio SVS, with lines of "key = value" in the description (openslide.github.io,
// formats/huron; OpenSlide 4.0.1, src/openslide-vendor-huron.c).

#include <algorithm>

#include "slide/aperio_directories.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

void add_huron_properties(std::string_view description, Properties& properties) {
  for (std::size_t at = 0; at < description.size();) {
    const std::size_t end = std::min(description.find_first_of("\r\n", at), description.size());
    const std::string_view line = description.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key = to_utf8(trim(line.substr(0, equals)));
    if (!key.empty()) properties["huron." + key] = to_utf8(trim(line.substr(equals + 1)));
  }
}

/// Name of a stripped directory, empty when it has none.
std::string associated_name(const TiffDirectory& directory, std::size_t index) {
  const std::uint64_t kind = directory.integer(tag::kNewSubfileType, 0);
  return index == 1 ? "thumbnail" : kind == 1 ? "label" : kind == 9 ? "macro" : "";
}

}  // namespace

bool is_huron(const OpenContext& context) {
  if (!context.tiff()) return false;
  const TiffDirectory& first = context.tiff()->directories().front();
  return first.tiled() && first.text(tag::kMake).value_or("").starts_with("Huron");
}

std::shared_ptr<const Slide> open_huron(const OpenContext& context) {
  AperioDirectories found = read_aperio_directories(context, associated_name);
  SlideParts& parts = found.parts;
  Properties& properties = parts.properties;
  const TiffFile& tiff = *context.tiff();
  const TiffDirectory& first = tiff.directories().front();
  parts.format = "huron";
  add_tiff_properties(first, properties);
  add_huron_properties(context.description(), properties);
  properties["openslide.vendor"] = "huron";
  if (const auto hash = quickhash(tiff, found.smallest->level(), first)) properties["openslide.quickhash-1"] = *hash;
  const auto resolution = mpp_from_resolution(first);
  if (resolution) {
    properties["openslide.mpp-x"] = format_number(resolution->x);
    properties["openslide.mpp-y"] = format_number(resolution->y);
  }
  parts.mpp = choose_mpp(context.options(), std::nullopt, resolution, std::nullopt, parts.warnings);
  return std::make_shared<const TiledSlide>(context.source(), context.options(), std::move(parts));
}

}  // namespace histojet::slide
