#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/byte_source.hpp"
#include "slide/region.hpp"
#include "slide/slide.hpp"
#include "slide/tile_cache.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// What a format says about a level beyond its grid; the defaults fit plain grids.
struct LevelTraits {
  std::optional<double> downsample;  ///< replaces the mean of the two ratios
  /// For the properties: tiles as the file stores them; nothing: those of the grid; 0 x 0: they lie on no plain grid.
  std::optional<std::pair<std::int64_t, std::int64_t>> stored_tile;
};

/// What a format file finds out about a slide; TiledSlide does the rest.
struct SlideParts {
  std::string format;
  std::vector<std::unique_ptr<const TileGrid>> grids;  ///< level 0 first, sizes falling
  std::vector<LevelTraits> traits;                     ///< by level; may be shorter than `grids`
  bool whole_positions = false;  ///< positions are cut to whole pixels of a level whatever the resampling (Leica)
  std::optional<Mpp> mpp;
  std::optional<double> objective_power;
  std::map<std::string, std::string> properties;  ///< level and associated-image properties are added by TiledSlide
  std::array<std::uint8_t, 3> background{255, 255, 255};
  /// Each is read as one region of its own grid.
  std::map<std::string, std::unique_ptr<const TileGrid>> associated;
  std::function<std::optional<std::vector<std::uint8_t>>()> icc_profile;
  std::vector<std::string> warnings;
  /// What the grids refer to (a TIFF file), kept as long as the slide.
  std::shared_ptr<const void> keep_alive;
  /// All files of a slide that has several, in name order, for its fingerprint; empty: the one that was opened.
  std::vector<std::shared_ptr<const ByteSource>> files;
};

/// Size of level `level` relative to level 0: mean of the two ratios, not rounded.
double level_downsample(const TileGrid& level0, const TileGrid& level);

/// A slide whose levels are plain grids of tiles.
class TiledSlide final : public Slide {
 public:
  TiledSlide(std::shared_ptr<const ByteSource> source, const OpenOptions& options, SlideParts parts);

  const std::string& path() const override { return source_->name(); }
  bool remote() const override { return source_->remote(); }
  const std::string& format() const override { return parts_.format; }
  const std::vector<Level>& levels() const override { return levels_; }
  const std::optional<Mpp>& mpp() const override { return parts_.mpp; }
  std::optional<double> objective_power() const override { return parts_.objective_power; }
  const std::map<std::string, std::string>& properties() const override { return parts_.properties; }
  Rect bounds() const override;
  std::array<std::uint8_t, 3> background() const override { return parts_.background; }
  std::vector<std::string> associated_images() const override;
  std::vector<std::string> warnings() const override;
  std::vector<DamagedTile> damaged_tiles() const override;
  void read_region(const RegionRequest& request, std::span<std::uint8_t> out, const CancelToken& cancel) const override;
  void announce(std::span<const RegionRequest> requests, const CancelToken& cancel) const override;
  Image read_associated_image(const std::string& name, const CancelToken& cancel) const override;
  std::optional<std::vector<std::uint8_t>> icc_profile() const override;
  std::string fingerprint() const override;
  std::int64_t max_cache_bytes() const override { return max_cache_bytes_; }

 private:
  void add_properties();
  void warn(const std::string& message) const;
  void mark(const DamagedTile& tile) const;
  RegionContext context(int level) const;
  void read_interpolated(const Window& window, double fraction_x, double fraction_y, std::span<std::uint8_t> out,
                         int level, const CancelToken& cancel) const;

  std::shared_ptr<const ByteSource> source_;
  OpenOptions options_;
  SlideParts parts_;
  std::vector<Level> levels_;
  std::int64_t max_cache_bytes_;
  mutable TileCache cache_;
  mutable std::mutex warnings_mutex_;
  mutable std::vector<std::string> warnings_;
  mutable std::map<std::tuple<int, std::int64_t, std::int64_t>, DamagedTile> damaged_;  ///< by level, row, column
  mutable std::once_flag fingerprint_once_;
  mutable std::string fingerprint_;
};

}  // namespace histojet::slide
