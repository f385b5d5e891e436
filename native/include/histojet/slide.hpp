#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/block_source.hpp"
#include "histojet/base.hpp"
#include "slide/color_table.hpp"
#include "slide/pixel_spool.hpp"
#include "slide/pyramid_writer.hpp"
#include "slide/slide.hpp"
#include "slide/synthetic.hpp"
#include "tiles/batch.hpp"
#include "tiles/deep_zoom.hpp"
#include "tiles/grid.hpp"
#include "tiles/resample.hpp"
#include "tiles/slide_pyramid.hpp"
#include "tiles/tissue.hpp"

namespace histojet {

/// An open whole-slide image with everything that can be asked of it: regions, any resolution, tiles, tissue.
/// Immutable and safe from any number of threads; copies share the open file and its cache.
class Slide {
 public:
  /// @throws Error kIo, kUnsupportedFormat, kCorruptFile; see slide::Slide::open.
  static Slide open(const std::string& path, const slide::OpenOptions& options = {}) {
    return Slide(slide::Slide::open(path, options));
  }
  /// From any bytes: a BlockSource, for example, fetches those of a remote file.
  static Slide open(std::shared_ptr<const ByteSource> source, const slide::OpenOptions& options = {}) {
    return Slide(slide::Slide::open(std::move(source), options));
  }
  explicit Slide(std::shared_ptr<const slide::Slide> source) : source_(std::move(source)) {}

  /// Metadata and raw regions.
  const slide::Slide& source() const { return *source_; }
  const std::shared_ptr<const slide::Slide>& shared() const { return source_; }

  Image read_region(const slide::RegionRequest& request, const CancelToken& cancel = {}) const {
    return source_->read_region(request, cancel);
  }
  Image read_at(const tiles::ReadAtRequest& request, const CancelToken& cancel = {}) const {
    return tiles::read_at(*source_, request, cancel);
  }
  Tensor read_batch(const tiles::BatchRequest& request, const CancelToken& cancel = {}) const {
    return tiles::read_batch(*source_, request, cancel);
  }
  Image thumbnail(std::int64_t max_size, const CancelToken& cancel = {}) const {
    return tiles::thumbnail(*source_, max_size, cancel);
  }
  tiles::TissueMask tissue_mask(double mpp = 8, const CancelToken& cancel = {}) const {
    return tiles::find_tissue(*source_, mpp, cancel);
  }
  /// `mask` may be null: then every tile is kept.
  std::vector<tiles::GridTile> tiles(const tiles::GridOptions& options, const tiles::TissueMask* mask) const {
    return tiles::tile_grid(*source_, options, mask);
  }
  Image read_tile(const tiles::GridOptions& options, const tiles::GridTile& tile,
                  const CancelToken& cancel = {}) const {
    return tiles::read_tile(*source_, options, tile, cancel);
  }
  /// Tells a remote slide that these tiles will be read soon; does nothing for a local one.
  void announce_tiles(const tiles::GridOptions& options, std::span<const tiles::GridTile> tiles,
                      const CancelToken& cancel = {}) const {
    tiles::announce_tiles(*source_, options, tiles, cancel);
  }

 private:
  std::shared_ptr<const slide::Slide> source_;
};

}  // namespace histojet
