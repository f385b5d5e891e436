#include "slide/aperio_directories.hpp"

#include "base/error.hpp"

namespace histojet::slide {
namespace {

// Real slides have about four; each level may look at all larger ones for a missing tile.
constexpr std::size_t kMaxLevels = 64;

void add_level(const TiffFile& tiff, const TiffDirectory& directory, AperioDirectories& found) {
  SlideParts& parts = found.parts;
  auto level = std::make_unique<const TiffLevel>(tiff, directory);
  const auto refuse = [&](const std::string& why) {
    parts.warnings.push_back(tiff.source().name() + ": " + directory.name() + " " + why + "; it is ignored");
  };
  const AperioGrid* before = found.smallest;
  if (before != nullptr && (level->width() > before->width() || level->height() > before->height())) {
    return refuse("is larger than the level before");
  }
  if (parts.grids.size() == kMaxLevels) return refuse("would be level 65");
  if (!level->unreadable().empty()) parts.warnings.push_back(directory.name() + ": " + level->unreadable());
  auto grid = std::make_unique<const AperioGrid>(std::move(level), before);
  found.smallest = grid.get();
  parts.grids.push_back(std::move(grid));
}

}  // namespace

AperioDirectories read_aperio_directories(
    const OpenContext& context, const std::function<std::string(const TiffDirectory&, std::size_t index)>& name_of) {
  const std::shared_ptr<const TiffFile>& tiff = context.tiff();
  AperioDirectories found;
  SlideParts& parts = found.parts;
  parts.keep_alive = tiff;
  parts.warnings = tiff->warnings();
  const auto& directories = tiff->directories();
  for (std::size_t i = 0; i < directories.size(); ++i) {
    try {
      if (directories[i].tiled()) {
        add_level(*tiff, directories[i], found);
        continue;
      }
      const std::string name = name_of(directories[i], i);
      if (name.empty() || parts.associated.contains(name)) continue;
      parts.associated.emplace(name, std::make_unique<const TiffLevel>(*tiff, directories[i]));
    } catch (const Error& error) {
      if (i == 0 || error.code() == ErrorCode::kIo) throw;
      parts.warnings.push_back(std::string(error.what()) + "; this directory is ignored");
    }
  }
  const TiffDirectory& first = directories.front();
  if (first.has(tag::kIccProfile)) {
    parts.properties["openslide.icc-size"] = std::to_string(first.count(tag::kIccProfile));
  }
  parts.icc_profile = [tiff] { return tiff->directories().front().bytes(tag::kIccProfile); };
  return found;
}

}  // namespace histojet::slide
