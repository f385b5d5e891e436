#pragma once

#include <cstdint>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "models/nuclei_network.hpp"
#include "models/session_pool.hpp"
#include "tensor/maps.hpp"

namespace histojet::pipeline {

/// What lies around the interiors of tiles.
enum class TileMargin {
  /// The network's whole receptive field, interiors at multiples of its pooling grid: maps do not depend on the cut.
  kField,
  /// The same for networks that pad. Of others just what their maps lack (output_margin_px), so that maps touch as in
  /// the network's reference; they depend on the cut, near the tiles' borders visibly.
  kReference,
};

/// How an area is cut into network tiles of equal size whose clean interiors lie side by side.
struct TilePlan {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t clean_height = 0;  ///< interior of one tile
  std::int64_t clean_width = 0;
  std::int64_t margin = 0;      ///< pixels around each interior
  std::int64_t map_margin = 0;  ///< how much of that the tile's maps show too; the rest they lack

  std::int64_t tile_height() const { return clean_height + 2 * margin; }
  std::int64_t tile_width() const { return clean_width + 2 * margin; }
  /// Size of the picture that predict_tiled() needs: all interiors and one margin around them.
  std::int64_t input_height() const { return rows * clean_height + 2 * margin; }
  std::int64_t input_width() const { return columns * clean_width + 2 * margin; }
};

/// Fewest tiles of at most `tile_size` pixels a side (margins included) that cover `height` x `width`, no larger than
/// that takes. With the whole field interiors have at least 128 px a side, also when tiles grow beyond `tile_size` by
/// that: less would be nearly all margin. With the reference's margin tiles of a network that does not pad have none
/// below its own tile (default_tile_px) unless `tile_size` is: less context than it was trained with makes its maps
/// worse. @throws Error kInvalidArgument when such a network allows no side up to `tile_size`, naming those it allows.
TilePlan plan_tiles(const models::NetworkInfo& network, std::int64_t height, std::int64_t width, std::int64_t tile_size,
                    TileMargin margin = TileMargin::kField);

/// Maps of the first `height` x `width` pixels inside the margin of `input` (RGB, sized as the plan says).
Maps predict_tiled(models::SessionPool& sessions, const TilePlan& plan, ImageView input, std::int64_t height,
                   std::int64_t width, int max_threads, const CancelToken& cancel);

}  // namespace histojet::pipeline
