// Trestle: tiled directories whose tiles overlap by as much as the description says. Names and properties as in
// OpenSlide 4.0.1 (src/openslide-vendor-trestle.c).

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/jpeg_frame.hpp"
#include "slide/placed_grid.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxLevels = 64;

/// The numbers of a list that is separated by blanks; what is no number counts as 0.
std::vector<std::int64_t> numbers_of(std::string_view text) {
  std::vector<std::int64_t> numbers;
  for (text = trim(text); !text.empty() && numbers.size() < 2 * kMaxLevels; text = trim(text)) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + end, number);
    numbers.push_back(number);
    text.remove_prefix(end);
  }
  return numbers;
}

class TrestleReader {
 public:
  explicit TrestleReader(const OpenContext& context) : context_(context), tiff_(context.tiff()) {
    parts_.format = "trestle";
    parts_.keep_alive = tiff_;
    parts_.warnings = tiff_->warnings();
  }

  std::shared_ptr<const Slide> open() {
    read_description();
    const auto& directories = tiff_->directories();
    for (std::size_t i = 0; i < std::min(directories.size(), kMaxLevels); ++i) {
      try {
        add_level(directories[i], i);
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kIo) throw;
        if (i == 0) throw;
        parts_.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
      }
    }
    if (overlapping_) {
      // One level with overlaps is enough to make tile sizes misleading.
      for (LevelTraits& traits : parts_.traits) traits.stored_tile = {0, 0};
    }
    describe();
    add_macro();
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  /// "key=value" parts between semicolons.
  void read_description() {
    const std::string_view text = context_.description();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find(';', at), text.size());
      const std::string_view part = text.substr(at, end - at);
      at = end + 1;
      const std::size_t equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string key = to_utf8(trim(part.substr(0, equals)));
      const std::string value = to_utf8(trim(part.substr(equals + 1)));
      parts_.properties["trestle." + key] = value;
      if (key == "OverlapsXY") overlaps_ = numbers_of(value);
      if (key == "Background Color") read_background(value);
    }
  }

  void read_background(const std::string& value) {
    std::uint32_t color = 0;
    const auto [end, status] = std::from_chars(value.data(), value.data() + value.size(), color, 16);
    if (status != std::errc() || end != value.data() + value.size() || value.size() != 6) return;
    parts_.background = {static_cast<std::uint8_t>(color >> 16), static_cast<std::uint8_t>(color >> 8),
                         static_cast<std::uint8_t>(color)};
    std::string upper = value;
    std::ranges::transform(upper, upper.begin(), [](char c) { return c >= 'a' && c <= 'f' ? char(c - 'a' + 'A') : c; });
    parts_.properties["openslide.background-color"] = upper;
  }

  std::int64_t overlap(std::size_t index) const { return index < overlaps_.size() ? overlaps_[index] : 0; }

  void add_level(const TiffDirectory& directory, std::size_t index) {
    auto level = std::make_unique<const TiffLevel>(*tiff_, directory);
    if (!level->unreadable().empty()) parts_.warnings.push_back(directory.name() + ": " + level->unreadable());
    const std::int64_t overlap_x = overlap(2 * index);
    const std::int64_t overlap_y = overlap(2 * index + 1);
    if (overlap_x < 0 || overlap_y < 0 || overlap_x > level->tile_width() / 2 || overlap_y > level->tile_height() / 2) {
      throw Error(ErrorCode::kCorruptFile, context_.path() + ": " + directory.name() + ": overlaps of " +
                                               std::to_string(overlap_x) + " x " + std::to_string(overlap_y) +
                                               " pixels, expected at most half a tile");
    }
    TilePlan plan;
    plan.blocks.push_back({.columns = level->tiles_across(), .rows = level->tiles_down()});
    plan.step_x = static_cast<double>(level->tile_width() - overlap_x);
    plan.step_y = static_cast<double>(level->tile_height() - overlap_y);
    plan.width = level->width() - (level->tiles_across() - 1) * overlap_x;
    plan.height = level->height() - (level->tiles_down() - 1) * overlap_y;
    if (!parts_.grids.empty() && plan.width > parts_.grids.back()->width()) {
      throw Error(ErrorCode::kCorruptFile,
                  context_.path() + ": " + directory.name() + " is larger than the one before");
    }
    overlapping_ = overlapping_ || overlap_x > 0 || overlap_y > 0;
    auto grid = std::make_unique<const PlacedGrid>(std::move(level), std::move(plan));
    smallest_ = &grid->level();
    parts_.grids.push_back(std::move(grid));
    parts_.traits.emplace_back();
  }

  void describe() {
    const TiffDirectory& first = tiff_->directories().front();
    Properties& properties = parts_.properties;
    add_tiff_properties(first, properties);
    properties["openslide.vendor"] = "trestle";
    if (const auto hash = quickhash(*tiff_, *smallest_, first)) properties["openslide.quickhash-1"] = *hash;
    // This scanner writes micrometres per pixel where TIFF wants pixels per unit.
    std::optional<Mpp> vendor;
    const auto x = first.number(tag::kXResolution);
    const auto y = first.number(tag::kYResolution);
    if (x) properties["openslide.mpp-x"] = format_number(*x);
    if (y) properties["openslide.mpp-y"] = format_number(*y);
    if (x && y) vendor = Mpp{*x, *y, MppSource::kVendor};
    parts_.objective_power = parse_number(properties["trestle.Objective Power"]);
    if (properties["trestle.Objective Power"].empty()) properties.erase("trestle.Objective Power");
    if (parts_.objective_power) properties["openslide.objective-power"] = format_number(*parts_.objective_power);
    parts_.mpp = choose_mpp(context_.options(), vendor, std::nullopt, parts_.objective_power, parts_.warnings);
    if (first.has(tag::kIccProfile)) properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
    parts_.icc_profile = [tiff = tiff_] { return tiff->directories().front().bytes(tag::kIccProfile); };
  }

  /// A JPEG beside the slide, with the extension .Full.
  void add_macro() {
    if (context_.source()->remote()) return;
    const auto path = std::filesystem::path(context_.path()).replace_extension(".Full");
    std::error_code status;
    if (!std::filesystem::is_regular_file(path, status)) return;
    try {
      auto source = open_file(path.string());
      const std::uint64_t length = source->size();
      parts_.associated.emplace("macro", std::make_unique<const JpegStreamGrid>(std::move(source), 0, length));
    } catch (const Error& error) {
      parts_.warnings.push_back(path.string() + ": " + error.what() + "; this picture is ignored");
    }
  }

  const OpenContext& context_;
  std::shared_ptr<const TiffFile> tiff_;
  std::vector<std::int64_t> overlaps_;  ///< x and y of each level
  bool overlapping_ = false;
  SlideParts parts_;
  const TiffLevel* smallest_ = nullptr;
};

}  // namespace

bool is_trestle(const OpenContext& context) {
  if (!context.tiff()) return false;
  const auto& directories = context.tiff()->directories();
  return directories.front().text(tag::kSoftware).value_or("").starts_with("MedScan") &&
         directories.front().has(tag::kImageDescription) && std::ranges::all_of(directories, &TiffDirectory::tiled);
}

std::shared_ptr<const Slide> open_trestle(const OpenContext& context) {
  return TrestleReader(context).open();
}

}  // namespace histojet::slide
