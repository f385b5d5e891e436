#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/cancel.hpp"
#include "base/image.hpp"
#include "models/pixel_mamba/config.hpp"
#include "tokens/scan_order.hpp"

namespace histojet::models {

/// A picture or slide as square regions in the order of the network's tokens. Safe from any thread.
class RegionSource {
 public:
  virtual ~RegionSource() = default;

  /// Size of the picture at the network's resolution.
  virtual std::int64_t width_px() const = 0;
  virtual std::int64_t height_px() const = 0;
  /// The regions that are looked at, in their order; the others have no tokens.
  virtual const std::vector<tokens::GridCell>& regions() const = 0;
  /// One region, [side][side][3] float32: normalised, the pad value outside of the picture. Called for regions about in
  /// their order, each once or again. @throws Error like what is read from; Cancelled.
  virtual void read(std::int64_t index, float* out, const CancelToken& cancel) const = 0;
  /// Whether there is tissue in a square of pixels; asked only for squares that hold a pixel of the picture.
  virtual bool has_tissue(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const;
  /// Whether has_tissue() ever says no.
  virtual bool has_mask() const { return false; }
};

/// Number of regions along a side of the picture.
std::int64_t region_count(std::int64_t length_px, std::int64_t region_px);

/// All regions of a grid in order. @throws Error kInvalidArgument above 2^24 of them or for a picture without pixels.
std::vector<tokens::GridCell> all_regions(const PixelMambaConfig& config, std::int64_t width_px,
                                          std::int64_t height_px);

/// Bytes of RGB pixels as the network wants them: (value / 255 - mean) / std.
class PixelTable {
 public:
  explicit PixelTable(const PixelMambaConfig& config);
  /// `pixels` RGB pixels in a row.
  void convert(const std::uint8_t* rgb, std::int64_t pixels, float* out) const;

 private:
  std::array<std::array<float, 256>, 3> table_;
};

/// A picture in memory, RGB (or RGBA, whose alpha is not looked at). The pixels must outlive the source.
class PictureRegions final : public RegionSource {
 public:
  /// @throws Error kInvalidArgument for what is no RGB picture.
  PictureRegions(const PixelMambaConfig& config, ImageView rgb);
  std::int64_t width_px() const override { return rgb_.width; }
  std::int64_t height_px() const override { return rgb_.height; }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override;

 private:
  ImageView rgb_;
  std::int64_t region_px_;
  std::array<float, 3> pad_;
  PixelTable table_;
  std::vector<tokens::GridCell> regions_;
};

/// A picture that is normalised already, three planes [3][height][width]. The values must outlive the source.
class NormalizedRegions final : public RegionSource {
 public:
  /// @throws Error kShapeMismatch unless there are 3 * height * width values.
  NormalizedRegions(const PixelMambaConfig& config, std::span<const float> planes, std::int64_t height,
                    std::int64_t width);
  std::int64_t width_px() const override { return width_; }
  std::int64_t height_px() const override { return height_; }
  const std::vector<tokens::GridCell>& regions() const override { return regions_; }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override;

 private:
  std::span<const float> planes_;
  std::int64_t height_;
  std::int64_t width_;
  std::int64_t region_px_;
  std::array<float, 3> pad_;
  std::vector<tokens::GridCell> regions_;
};

}  // namespace histojet::models
