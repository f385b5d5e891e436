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
  /// Pixels of a rectangle that lies inside the slide (with a period: inside the period), with the channels of the
  /// slide.
  virtual Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const = 0;
  /// The colour of a rectangle known to be uniform, so that it need not be read; nothing when that is not known.
  virtual std::optional<Colour> uniform(std::int64_t, std::int64_t, std::int64_t, std::int64_t) const { return {}; }
};

/// How the pixels of a tile are packed. All but JPEG keep them exactly.
enum class PyramidCompression {
  kJpeg,     ///< abbreviated YCbCr (or grey) streams with shared tables
  kDeflate,  ///< horizontal differences in a zlib stream; what every TIFF reader knows
  kZstd,     ///< horizontal differences in a zstd frame; smaller and quicker, for libtiff 4.0.10 and later
  kNone,
};

struct PyramidOptions {
  std::int64_t width = 0;  ///< level-0 pixels
  std::int64_t height = 0;
  double mpp = 0;           ///< micrometres per pixel; 0: not recorded
  double mpp_y = 0;         ///< vertically; 0: the same as `mpp`
  int quality = 88;         ///< JPEG quality, 1..100
  int subsampling = 2;      ///< of JPEG: 1: 4:4:4, 2: 4:2:0
  std::string description;  ///< ImageDescription of level 0; empty: left out. OME-TIFF: the name of the image
  std::string software;     ///< Software tag; empty: left out
  /// Side of a square after which the picture repeats in both directions, 0: never. Its tiles are stored once and
  /// named many times. A power of two, at least 256; needs tiles of 256.
  std::int64_t period_px = 0;

  std::int64_t tile_px = 256;  ///< side of a tile, a multiple of 16 from 16 to 4096
  int channels = 3;            ///< 3: RGB, 1: grey
  PyramidCompression compression = PyramidCompression::kJpeg;
  bool pyramid = true;         ///< false: level 0 alone
  bool ome = false;            ///< OME-TIFF: levels in SubIFDs, OME-XML as ImageDescription
  bool merge_uniform = false;  ///< looks for tiles of one colour and stores each colour once
  /// Records level 0's resolution as the simplest fraction that gives `mpp` back digit for digit, instead of
  /// thousandths of pixels per centimetre.
  bool exact_resolution = false;
  std::vector<std::uint8_t> icc_profile;  ///< ICC profile of level 0; empty: left out

  double mpp_down() const { return mpp_y > 0 ? mpp_y : mpp; }
};

/// Writes tiled, pyramidal BigTIFF (TIFF 6.0, BigTIFF as libtiff documents it) or OME-TIFF (OME 2016-06, levels in
/// SubIFDs). Level n + 1 has half the sides of level n (rounded down) and is its 2 x 2 mean, until no side is above
/// 1024. Uniform tiles are stored once. Reads the source in bands of two rows of tiles and keeps a few rows of tiles
/// per level, whatever the height: about 2 x width x tile side x channels bytes. Equal input gives equal bytes for any
/// number of threads.
class PyramidWriter {
 public:
  using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

  /// @throws Error kInvalidArgument for impossible sizes or options.
  explicit PyramidWriter(PyramidOptions options);

  /// Pulls the pixels, writes `<path>.part` and renames it when complete; the `.part` is deleted on failure.
  /// `progress` counts stored tiles; one call at a time, from any thread. Returns the file's size in bytes.
  /// @throws Error kIo, kInvalidArgument (the source's channels), what the source throws; Cancelled.
  std::int64_t write(const std::string& path, const PyramidSource& source, const Progress& progress,
                     const CancelToken& cancel) const;

 private:
  PyramidOptions options_;
};

}  // namespace histojet::slide
