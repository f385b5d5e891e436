// Aperio SVS: tiled directories are levels in file order; stripped ones are thumbnail, label and macro. Names,
// properties and missing tiles as in OpenSlide 4.0.1 (src/openslide-vendor-aperio.c).

#include <cmath>

#include "base/error.hpp"
#include "slide/aperio_grid.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

// Real slides have about four; each level may look at all larger ones for a missing tile.
constexpr std::size_t kMaxLevels = 64;

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

/// The directories of the file sorted into levels and associated images.
class AperioReader {
 public:
  explicit AperioReader(const OpenContext& context) : context_(context), tiff_(context.tiff()) {
    parts_.format = "aperio";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < directories.size(); ++i) {
      try {
        if (directories[i].tiled()) {
          add_level(directories[i]);
        } else {
          add_associated(directories[i], i);
        }
      } catch (const Error& error) {
        if (i == 0 || error.code() == ErrorCode::kIo) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
      }
    }
    describe();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  void add_level(const TiffDirectory& directory) {
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    const auto refuse = [&](const std::string& why) {
      parts_.warnings.push_back(tiff_->source().name() + ": " + directory.name() + " " + why + "; it is ignored");
    };
    if (smallest_ != nullptr && (level->width() > smallest_->width() || level->height() > smallest_->height())) {
      return refuse("is larger than the level before");
    }
    if (parts_.grids.size() == kMaxLevels) return refuse("would be level 65");
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    auto grid = std::make_unique<const AperioGrid>(std::move(level), smallest_);
    smallest_ = grid.get();
    parts_.grids.push_back(std::move(grid));
  }

  void add_associated(const TiffDirectory& directory, std::size_t index) {
    const std::string name = associated_name(directory, index);
    if (name.empty() || parts_.associated.contains(name)) return;
    parts_.associated.emplace(name, std::make_unique<const TiffLevel>(*tiff_, directory));
  }

  void describe() {
    const TiffDirectory& first = tiff_->directories().front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    add_aperio_properties(context_.description(), properties);
    properties["openslide.vendor"] = "aperio";
    if (const auto hash = quickhash(*tiff_, smallest_->level(), first)) properties["openslide.quickhash-1"] = *hash;
    std::optional<Mpp> vendor;
    if (const auto mpp = number_of(properties, "aperio.MPP")) {
      vendor = Mpp{*mpp, *mpp, MppSource::kVendor};
      properties["openslide.mpp-x"] = properties["openslide.mpp-y"] = format_number(*mpp);
    }
    parts_.objective_power = number_of(properties, "aperio.AppMag");
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), vendor, std::nullopt, parts_.objective_power, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [tiff = tiff_] { return tiff->directories().front().bytes(tag::kIccProfile); };
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  SlideParts parts_;
  const AperioGrid* smallest_ = nullptr;
};

}  // namespace

bool is_aperio(const OpenContext& context) {
  return context.description().starts_with("Aperio") && context.tiff()->directories().front().tiled();
}

std::shared_ptr<const Slide> open_aperio(const OpenContext& context) {
  return AperioReader(context).open();
}

}  // namespace histojet::slide
