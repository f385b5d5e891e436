#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "histojet/base.hpp"
#include "slide/slide.hpp"
#include "slide/synthetic.hpp"
#include "tiles/grid.hpp"
#include "tiles/resample.hpp"
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

 private:
  std::shared_ptr<const slide::Slide> source_;
};

}  // namespace histojet
