#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "slide/dicom_frames.hpp"
#include "slide/dicom_instance.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// One resolution of a DICOM slide: the frames of a file, or of all parts of a concatenation, as tiles. The photometric
/// interpretation decides the colour, over what a stream says of itself. Frames that nobody stored are transparent.
class DicomLevel final : public TileGrid {
 public:
  /// `parts`: the file, or the parts of one concatenation in order. @throws Error kCorruptFile when frames and matrix
  /// do not fit, kUnsupportedFormat for several focal planes or optical paths and for samples that are not understood.
  /// An unknown transfer syntax fails at the first tile instead.
  explicit DicomLevel(std::vector<DicomInstance> parts);

  /// The first part; all parts agree in what a level needs.
  const DicomInstance& instance() const { return parts_.front().instance; }
  /// Why no tile can be decoded, empty if they can.
  const std::string& unreadable() const { return unreadable_; }
  /// Files of all parts.
  std::vector<std::shared_ptr<const ByteSource>> sources() const;

  int channels() const override { return 3; }
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;

 private:
  enum class Codec { kRaw, kJpeg, kJpeg2000, kRle, kUnknown };
  struct Part {
    DicomInstance instance;
    std::unique_ptr<const DicomFrames> frames;
  };
  struct Place {
    std::int32_t part = -1;  ///< -1: nothing is stored
    std::uint64_t frame = 0;
  };

  void read_layout();
  void check_parts() const;
  void place_full();
  void place_sparse();
  Place place(std::int64_t column, std::int64_t row) const;
  std::vector<ByteRange> pieces(const Place& place) const;
  std::uint64_t frame_bytes() const;
  void decode_raw(std::span<const std::uint8_t> samples, std::uint8_t* out, std::int64_t stride) const;
  void decode_rle(std::span<const std::uint8_t> stream, std::uint8_t* out, std::int64_t stride) const;

  std::vector<Part> parts_;
  Codec codec_ = Codec::kUnknown;
  std::string unreadable_;
  bool full_ = false;
  /// Sparse levels: tile index and its place, sorted.
  std::vector<std::pair<std::uint64_t, Place>> places_;
};

}  // namespace histojet::slide
