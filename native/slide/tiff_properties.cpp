#include "slide/tiff_properties.hpp"

#include "base/digest.hpp"
#include "base/error.hpp"
#include "slide/text.hpp"

namespace histojet::slide {
namespace {

struct NamedTag {
  const char* name;
  std::uint16_t tag;
};

// In the order in which they enter the quickhash.
constexpr NamedTag kTexts[] = {
    {"tiff.ImageDescription", tag::kImageDescription},
    {"tiff.Make", tag::kMake},
    {"tiff.Model", tag::kModel},
    {"tiff.Software", tag::kSoftware},
    {"tiff.DateTime", tag::kDateTime},
    {"tiff.Artist", tag::kArtist},
    {"tiff.HostComputer", tag::kHostComputer},
    {"tiff.Copyright", tag::kCopyright},
    {"tiff.DocumentName", tag::kDocumentName},
};
constexpr NamedTag kNumbers[] = {
    {"tiff.XResolution", tag::kXResolution},
    {"tiff.YResolution", tag::kYResolution},
    {"tiff.XPosition", tag::kXPosition},
    {"tiff.YPosition", tag::kYPosition},
};

constexpr double kSmallestMpp = 0.01;
constexpr double kLargestMpp = 100;

bool sensible(double mpp) {
  return mpp >= kSmallestMpp && mpp <= kLargestMpp;
}

}  // namespace

void add_tiff_properties(const TiffDirectory& directory, Properties& properties) {
  if (const auto comment = directory.text(tag::kImageDescription)) properties["openslide.comment"] = to_utf8(*comment);
  for (const NamedTag& item : kTexts) {
    if (const auto text = directory.text(item.tag)) properties[item.name] = to_utf8(*text);
  }
  for (const NamedTag& item : kNumbers) {
    if (const auto number = directory.number(item.tag)) properties[item.name] = format_number(*number);
  }
  const std::uint64_t unit = directory.integer(tag::kResolutionUnit, 2);
  properties["tiff.ResolutionUnit"] = unit == 1 ? "none" : unit == 2 ? "inch" : unit == 3 ? "centimeter" : "unknown";
}

std::optional<std::string> quickhash(const TiffFile& file, const TiffLevel& smallest, const TiffDirectory& directory) {
  constexpr std::uint64_t kMaxBytes = 5 << 20;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < smallest.piece_count(); ++i) {
    const auto piece = smallest.piece(i);
    if (!file.source().contains(piece.offset, piece.length)) return std::nullopt;
    total += piece.length;
    if (total > kMaxBytes) return std::nullopt;
  }
  std::vector<ByteRange> ranges;
  for (std::uint64_t i = 0; i < smallest.piece_count(); ++i) {
    const auto piece = smallest.piece(i);
    ranges.push_back({piece.offset, piece.length});
  }
  file.source().prefetch(ranges);
  Sha256 digest;
  for (std::uint64_t i = 0; i < smallest.piece_count(); ++i) {
    const auto piece = smallest.piece(i);
    digest.update(file.source().read(piece.offset, piece.length));
  }
  const std::string_view nul("\0", 1);
  for (const NamedTag& item : kTexts) {
    digest.update(std::string_view(item.name));
    digest.update(nul);
    digest.update(std::string_view(directory.text(item.tag).value_or("")));
    digest.update(nul);
  }
  return hex(digest.finish());
}

std::optional<Mpp> mpp_from_resolution(const TiffDirectory& directory) {
  const std::uint64_t unit = directory.integer(tag::kResolutionUnit, 2);
  const double micrometres = unit == 2 ? 25400 : unit == 3 ? 10000 : 0;
  const double x = directory.number(tag::kXResolution).value_or(0);
  const double y = directory.number(tag::kYResolution).value_or(0);
  if (micrometres == 0 || x <= 0 || y <= 0) return std::nullopt;
  return Mpp{micrometres / x, micrometres / y, MppSource::kTiffResolution};
}

std::optional<Mpp> choose_mpp(const OpenOptions& options, const std::optional<Mpp>& vendor,
                              const std::optional<Mpp>& resolution, std::optional<double> objective_power,
                              std::vector<std::string>& warnings) {
  if (options.mpp) {
    if (!sensible(*options.mpp)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "expected an mpp of 0.01 to 100 micrometres per pixel, got " + format_number(*options.mpp));
    }
    return Mpp{*options.mpp, *options.mpp, MppSource::kOverride};
  }
  std::optional<Mpp> power;
  if (objective_power && *objective_power > 0) {
    power = Mpp{10 / *objective_power, 10 / *objective_power, MppSource::kObjectivePower};
  }
  for (const auto& candidate : {options.companion, vendor, resolution, power}) {
    if (!candidate) continue;
    if (sensible(candidate->x) && sensible(candidate->y)) return candidate;
    warnings.push_back("ignored " + format_number(candidate->x) + " x " + format_number(candidate->y) +
                       " micrometres per pixel (" + std::string(mpp_source_name(candidate->source)) +
                       "), expected 0.01 to 100");
  }
  return std::nullopt;
}

}  // namespace histojet::slide
