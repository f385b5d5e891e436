#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"

namespace histojet::slide {

using Colour = std::array<std::uint8_t, 3>;

/// Where the level-0 pixels of a new slide come from. Called from several threads.
class PyramidSource {
 public:
  virtual ~PyramidSource() = default;
  /// RGB of a rectangle that lies inside the slide (with a period: inside the period).
  virtual Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const = 0;
  /// The colour of a rectangle known to be uniform, so that it need not be read; nothing when that is not known.
  virtual std::optional<Colour> uniform(std::int64_t, std::int64_t, std::int64_t, std::int64_t) const { return {}; }
};

struct PyramidOptions {
  std::int64_t width = 0;  ///< level-0 pixels
  std::int64_t height = 0;
  double mpp = 0;           ///< micrometres per pixel; 0: not recorded
  int quality = 88;         ///< JPEG quality, 1..100
  int subsampling = 2;      ///< 1: 4:4:4, 2: 4:2:0
  std::string description;  ///< ImageDescription of level 0; empty: left out
  std::string software;     ///< Software tag; empty: left out
  /// Side of a square after which the picture repeats in both directions, 0: never. Its tiles are stored once and
  /// named many times. A power of two, at least 256.
  std::int64_t period_px = 0;
};

/// Writes pyramidal tiled JPEG BigTIFF: tiles of 256 x 256 as abbreviated YCbCr streams with shared tables, one
/// directory after another; level n + 1 has half the sides of level n (rounded down) and is its 2 x 2 mean, until no
/// side is above 1024. Uniform tiles are stored once. Reads the source in bands of 512 rows and keeps a few rows of
/// tiles per level, whatever the height. Equal input gives equal bytes for any number of threads.
class PyramidWriter {
 public:
  static constexpr std::int64_t kTile = 256;
  using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

  /// @throws Error kInvalidArgument for impossible sizes or options.
  explicit PyramidWriter(PyramidOptions options);

  /// Pulls the pixels, writes `<path>.part` and renames it when complete; the `.part` is deleted on failure.
  /// `progress` counts stored tiles; one call at a time, from any thread. Returns the file's size in bytes.
  /// @throws Error kIo; Cancelled.
  std::int64_t write(const std::string& path, const PyramidSource& source, const Progress& progress,
                     const CancelToken& cancel) const;

 private:
  PyramidOptions options_;
};

}  // namespace histojet::slide
