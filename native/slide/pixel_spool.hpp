#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "base/image.hpp"
#include "slide/pyramid_writer.hpp"

namespace histojet::slide {

/// The level-0 pixels of a slide that arrive piece by piece and in any order, waiting in a temporary file until the
/// pyramid is written. The file is sparse and has no name: it takes as much of the disk as was written
/// (uncompressed), and vanishes with the object or the process. Memory stays bounded. Safe from several threads.
class PixelSpool final : public PyramidSource {
 public:
  /// `beside`: the temporary file lies in the folder of this path. Pixels that never arrive are `background`.
  /// @throws Error kIo, kInvalidArgument (size, channels other than 1 and 3).
  PixelSpool(const std::string& beside, std::int64_t width, std::int64_t height, int channels, Colour background);
  ~PixelSpool() override;
  PixelSpool(const PixelSpool&) = delete;
  PixelSpool& operator=(const PixelSpool&) = delete;

  std::int64_t width() const { return width_; }
  std::int64_t height() const { return height_; }
  int channels() const { return channels_; }

  /// Puts a picture with its upper left corner at (x, y); what lies outside is dropped, later pixels replace earlier
  /// ones. A picture of 4 channels is composited on the background. @throws Error kInvalidArgument (channels), kIo.
  void write(std::int64_t x, std::int64_t y, ImageView image);
  Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override;

 private:
  std::uint64_t offset_of(std::int64_t x, std::int64_t y) const;
  void convert_row(const std::uint8_t* from, std::int64_t count, int channels, std::uint8_t* to) const;

  std::string name_;
  int fd_ = -1;
  std::int64_t width_;
  std::int64_t height_;
  int channels_;
  Colour background_;
};

/// A picture in memory as the level 0 of a slide.
class ImageSource final : public PyramidSource {
 public:
  explicit ImageSource(Image image) : image_(std::move(image)) {}
  /// Numbers from 0 to 1 as 0 to 255, rounded; what lies beyond is cut, NaN becomes 0.
  /// @throws Error kShapeMismatch when there are not width x height x channels of them.
  ImageSource(std::span<const float> values, std::int64_t width, std::int64_t height, int channels);

  int channels() const { return image_.channels; }
  std::int64_t width() const { return image_.width; }
  std::int64_t height() const { return image_.height; }
  Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override;

 private:
  Image image_;
};

}  // namespace histojet::slide
