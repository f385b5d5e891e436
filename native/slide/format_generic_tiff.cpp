// Generic TIFF: directory 0 and its reduced versions, later in the chain (NewSubfileType bit 0) or in the
// sub-directories of tag 330; a stripped directory 0 is a slide of one level with its strips as tiles.

#include <algorithm>

#include "base/error.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_level.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

using TiffLevels = std::vector<std::unique_ptr<const TiffLevel>>;

// Halving a side of 2^31 down to one pixel takes 32.
constexpr std::size_t kMaxLevels = 64;

bool is_reduced(const TiffDirectory& directory) {
  return directory.tiled() && (directory.integer(tag::kNewSubfileType, 0) & 1) != 0;
}

/// Adds the directory as a level if it is one; `sub`: directories of tag 330 need no mark.
void add_reduced(const TiffFile& tiff, const TiffDirectory& directory, bool sub, TiffLevels& levels,
                 std::vector<std::string>& warnings) {
  if (levels.size() == kMaxLevels) return;
  try {
    if (!sub && !is_reduced(directory)) return;
    auto level = std::make_unique<const TiffLevel>(tiff, directory);
    const auto same_size = [&](const auto& other) { return other->width() == level->width(); };
    // Equal widths are other focal planes or channels, not another resolution.
    if (level->width() > levels.front()->width() || std::ranges::any_of(levels, same_size)) return;
    levels.push_back(std::move(level));
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kIo) throw;
    warnings.push_back(std::string(error.what()) + "; this level is ignored");
  }
}

/// Where tiles of level 0 are missing, the rectangle of those that are stored (openslide.bounds-*). This needs the byte
/// counts of level 0, so it is left out for tables that would delay the opening.
void add_bounds(const TiffLevel& level, Properties& properties) {
  constexpr std::uint64_t kMostTiles = 1 << 22;
  if (!level.directory().tiled() || level.piece_count() > kMostTiles) return;
  const std::optional<Rect> bounds = level.stored_bounds();
  if (!bounds) return;
  properties["openslide.bounds-x"] = std::to_string(bounds->x);
  properties["openslide.bounds-y"] = std::to_string(bounds->y);
  properties["openslide.bounds-width"] = std::to_string(bounds->width);
  properties["openslide.bounds-height"] = std::to_string(bounds->height);
}

void sort_by_width(TiffLevels& levels) {
  std::ranges::stable_sort(levels, [](const auto& a, const auto& b) { return a->width() > b->width(); });
}

}  // namespace

bool is_tiff(const OpenContext& context) {
  return context.tiff() != nullptr;
}

std::shared_ptr<const Slide> open_generic_tiff(const OpenContext& context) {
  const std::shared_ptr<const TiffFile>& tiff = context.tiff();
  const TiffDirectory& first = tiff->directories().front();
  SlideParts parts;
  parts.format = "generic-tiff";
  parts.keep_alive = tiff;
  parts.warnings = tiff->warnings();
  TiffLevels levels;
  levels.push_back(std::make_unique<const TiffLevel>(*tiff, first));
  for (std::size_t i = 1; first.tiled() && i < tiff->directories().size(); ++i) {
    add_reduced(*tiff, tiff->directories()[i], false, levels, parts.warnings);
  }
  sort_by_width(levels);
  add_tiff_properties(first, parts.properties);
  parts.properties["openslide.vendor"] = "generic-tiff";
  // OpenSlide does not look into sub-directories, so its hash is that of the smallest level of the chain.
  if (const auto hash = quickhash(*tiff, *levels.back(), first)) parts.properties["openslide.quickhash-1"] = *hash;
  for (const TiffDirectory& directory : tiff->sub_directories()) {
    add_reduced(*tiff, directory, true, levels, parts.warnings);
  }
  sort_by_width(levels);
  add_bounds(*levels.front(), parts.properties);
  const auto resolution = mpp_from_resolution(first);
  if (resolution) {
    parts.properties["openslide.mpp-x"] = format_number(resolution->x);
    parts.properties["openslide.mpp-y"] = format_number(resolution->y);
  }
  parts.mpp = choose_mpp(context.options(), std::nullopt, resolution, std::nullopt, parts.warnings);
  if (first.has(tag::kIccProfile)) {
    parts.properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
  }
  parts.icc_profile = [tiff] { return tiff->directories().front().bytes(tag::kIccProfile); };
  for (auto& level : levels) {
    if (!level->unreadable().empty()) parts.warnings.push_back(level->directory().name() + ": " + level->unreadable());
    parts.grids.push_back(std::move(level));
  }
  return std::make_shared<const TiledSlide>(context.source(), context.options(), std::move(parts));
}

}  // namespace histojet::slide
