#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.hpp"
#include "base/cancel.hpp"
#include "base/image.hpp"

namespace histojet::slide {

/// One resolution of the pyramid; sizes in pixels of that level.
struct Level {
  std::int64_t width = 0;
  std::int64_t height = 0;
  double downsample = 1;  ///< mean of the width and height ratios to level 0, not rounded
  std::int64_t tile_width = 0;
  std::int64_t tile_height = 0;
};

enum class MppSource { kVendor, kTiffResolution, kObjectivePower, kCompanion, kOverride };
/// "vendor", "tiff-resolution", "objective-power", "companion", "override"
std::string_view mpp_source_name(MppSource source);

/// Micrometres per level-0 pixel.
struct Mpp {
  double x = 0;
  double y = 0;
  MppSource source = MppSource::kVendor;
};

struct Rect {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

struct OpenOptions {
  std::optional<double> mpp;                  ///< overrides what the file says
  std::optional<Mpp> companion;               ///< what a file beside the slide says; goes before the slide's own tags
  bool tolerant = false;                      ///< damaged tiles give warnings and background, not errors
  std::int64_t max_cache_bytes = 64LL << 20;  ///< decoded tiles kept
  /// "auto": formats that the core does not read go to an installed OpenSlide; "off": never; else the library's path.
  std::string openslide = "auto";
};

/// A stored tile that a tolerant slide met damaged.
struct DamagedTile {
  int level = 0;
  std::int64_t column = 0;
  std::int64_t row = 0;
  bool lost = false;   ///< nothing of it could be shown: background, or transparent with 4 channels
  std::string reason;  ///< what is wrong with it
};

enum class Resample { kNearest, kBilinear };

struct RegionRequest {
  std::int64_t x = 0;  ///< level-0 pixels, or pixels of `level` with `level_coordinates`; may be negative
  std::int64_t y = 0;
  std::int64_t width = 0;  ///< pixels of `level`
  std::int64_t height = 0;
  int level = 0;
  int channels = 3;  ///< 3: composited on the background; 4: straight alpha, transparent outside
  bool level_coordinates = false;
  Resample resample = Resample::kNearest;
  std::optional<std::array<std::uint8_t, 3>> background;  ///< default: the slide's own, or white
};

/// An open whole-slide image. Immutable and safe from any number of threads; decoded tiles are cached within a byte
/// budget. Reading rules: level position = floor(x / downsample + 1e-6), so pixels are never blended by default.
class Slide {
 public:
  virtual ~Slide() = default;

  /// Recognises the format by content; slides that are folders (DICOM, OME-Zarr) open by the folder's path.
  /// @throws Error kIo, kUnsupportedFormat (naming the format where known), kCorruptFile (what is wrong and where).
  static std::shared_ptr<const Slide> open(const std::string& path, const OpenOptions& options = {});
  static std::shared_ptr<const Slide> open(std::shared_ptr<const ByteSource> source, const OpenOptions& options = {});

  virtual const std::string& path() const = 0;
  /// True when the bytes come over a network.
  virtual bool remote() const { return false; }
  virtual const std::string& format() const = 0;  ///< "aperio", "generic-tiff", "png", "jpeg", …
  virtual const std::vector<Level>& levels() const = 0;
  virtual const std::optional<Mpp>& mpp() const = 0;
  virtual std::optional<double> objective_power() const = 0;
  /// OpenSlide's names and values plus vendor keys; valid UTF-8.
  virtual const std::map<std::string, std::string>& properties() const = 0;
  virtual Rect bounds() const = 0;
  virtual std::array<std::uint8_t, 3> background() const = 0;
  virtual std::vector<std::string> associated_images() const = 0;
  /// Damage that was met so far, at opening and (tolerant) while reading. A copy: reading adds to it.
  virtual std::vector<std::string> warnings() const = 0;
  /// The damaged tiles that tolerant reads met so far, each once, at most 10 000.
  virtual std::vector<DamagedTile> damaged_tiles() const { return {}; }

  /// @throws Error kInvalidArgument (size, level), kCorruptFile (level, column and row of the tile), kIo; Cancelled.
  virtual void read_region(const RegionRequest& request, std::span<std::uint8_t> out,
                           const CancelToken& cancel) const = 0;
  Image read_region(const RegionRequest& request, const CancelToken& cancel = {}) const;
  /// Tells a remote slide what will be read soon, so that its bytes come together and before they are needed; returns
  /// without waiting for them. Does nothing for local files and for regions that `read_region` would refuse.
  /// @throws Error kIo when a tile table cannot be fetched; Cancelled.
  virtual void announce(std::span<const RegionRequest> /*requests*/, const CancelToken& /*cancel*/) const {}
  virtual Image read_associated_image(const std::string& name, const CancelToken& cancel = {}) const = 0;
  virtual std::optional<std::vector<std::uint8_t>> icc_profile() const = 0;

  std::int64_t width() const { return levels().front().width; }
  std::int64_t height() const { return levels().front().height; }
  /// The largest level whose downsample is at most `downsample`; 0 if none.
  int best_level_for_downsample(double downsample) const;
  /// "sha256:…" over the length, the first and the last MiB of each of the slide's files, in name order.
  virtual std::string fingerprint() const = 0;
  /// Memory that decoded tiles may take, see OpenOptions.
  virtual std::int64_t max_cache_bytes() const { return 0; }
};

}  // namespace histojet::slide
