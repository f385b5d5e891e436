#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "models/pixel_mamba/region_source.hpp"

namespace histojet::explain {

/// A picture with some of its squares painted over with the pad colour. Where the network looks does not change.
class CoveredRegions final : public models::RegionSource {
 public:
  /// A grid of squares of `cell_px` pixels over `source`, none of them covered; `source` must outlive this.
  /// @throws Error kInvalidArgument for a cell_px below 1.
  CoveredRegions(const models::PixelMambaConfig& config, const models::RegionSource& source, std::int64_t cell_px);

  std::int64_t cell_px() const { return cell_px_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cells() const { return columns_ * rows_; }
  /// Paints a cell over, or not any more. Not while the picture is read.
  void cover(std::int64_t cell, bool covered = true);
  void cover_all(bool covered);

  std::int64_t width_px() const override { return source_.width_px(); }
  std::int64_t height_px() const override { return source_.height_px(); }
  const std::vector<tokens::GridCell>& regions() const override { return source_.regions(); }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override;
  bool has_tissue(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const override {
    return source_.has_tissue(x_px, y_px, side_px);
  }
  bool has_mask() const override { return source_.has_mask(); }

 private:
  const models::RegionSource& source_;
  std::int64_t region_px_;
  std::array<float, 3> pad_;
  std::int64_t cell_px_;
  std::int64_t columns_;
  std::int64_t rows_;
  std::vector<std::uint8_t> covered_;
};

/// A picture with one square painted over with the pad colour.
class CoveredSquare final : public models::RegionSource {
 public:
  /// `source` must outlive this.
  CoveredSquare(const models::PixelMambaConfig& config, const models::RegionSource& source, std::int64_t x_px,
                std::int64_t y_px, std::int64_t side_px)
      : source_(source),
        region_px_(config.region_size_px),
        pad_(config.pad_value),
        x_px_(x_px),
        y_px_(y_px),
        side_px_(side_px) {}

  std::int64_t width_px() const override { return source_.width_px(); }
  std::int64_t height_px() const override { return source_.height_px(); }
  const std::vector<tokens::GridCell>& regions() const override { return source_.regions(); }
  void read(std::int64_t index, float* out, const CancelToken& cancel) const override;
  bool has_tissue(std::int64_t x_px, std::int64_t y_px, std::int64_t side_px) const override {
    return source_.has_tissue(x_px, y_px, side_px);
  }
  bool has_mask() const override { return source_.has_mask(); }

 private:
  const models::RegionSource& source_;
  std::int64_t region_px_;
  std::array<float, 3> pad_;
  std::int64_t x_px_;
  std::int64_t y_px_;
  std::int64_t side_px_;
};

}  // namespace histojet::explain
