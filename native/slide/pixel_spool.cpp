#include "slide/pixel_spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/error.hpp"

namespace histojet::slide {

namespace {

constexpr std::int64_t kLongest = 4'000'000;

/// An open file without a name in the folder of `beside`.
int open_nameless(const std::string& beside) {
  std::string pattern = beside + ".spool-XXXXXX";
  const int fd = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (fd < 0) throw io_error("cannot write", pattern, errno);
  ::unlink(pattern.c_str());
  return fd;
}

}  // namespace

PixelSpool::PixelSpool(const std::string& beside, std::int64_t width, std::int64_t height, int channels,
                       Colour background)
    : name_(beside), width_(width), height_(height), channels_(channels), background_(background) {
  if (width < 1 || height < 1 || width > kLongest || height > kLongest || (channels != 1 && channels != 3)) {
    throw Error(ErrorCode::kInvalidArgument, "expected sides of 1 to 4000000 pixels and 1 or 3 channels, got " +
                                                 std::to_string(width) + " x " + std::to_string(height) + " x " +
                                                 std::to_string(channels));
  }
  fd_ = open_nameless(beside);
  const auto size = static_cast<off_t>(width * height * channels);
  if (::ftruncate(fd_, size) != 0) {
    const int reason = errno;
    ::close(fd_);
    throw io_error("cannot write", name_, reason);
  }
}

PixelSpool::~PixelSpool() {
  if (fd_ >= 0) ::close(fd_);
}

std::uint64_t PixelSpool::offset_of(std::int64_t x, std::int64_t y) const {
  return static_cast<std::uint64_t>((y * width_ + x) * channels_);
}

/// The file holds the difference to the background, so that its holes, which read as zeros, are background.
void PixelSpool::convert_row(const std::uint8_t* from, std::int64_t count, int channels, std::uint8_t* to) const {
  for (std::int64_t x = 0; x < count; ++x, from += channels, to += channels_) {
    for (int k = 0; k < channels_; ++k) {
      const int behind = background_[static_cast<std::size_t>(k)];
      const int value = channels == 4 ? (from[k] * from[3] + behind * (255 - from[3]) + 127) / 255 : from[k];
      to[k] = static_cast<std::uint8_t>(value ^ behind);
    }
  }
}

void PixelSpool::write(std::int64_t x, std::int64_t y, ImageView image) {
  if (image.channels != channels_ && !(image.channels == 4 && channels_ == 3)) {
    throw Error(ErrorCode::kInvalidArgument, "a tile has " + std::to_string(image.channels) +
                                                 " channels, the slide has " + std::to_string(channels_));
  }
  if (std::max(std::abs(x), std::abs(y)) > kLongest) return;
  const std::int64_t left = std::max<std::int64_t>(0, -x), right = std::min(image.width, width_ - x);
  const std::int64_t top = std::max<std::int64_t>(0, -y), bottom = std::min(image.height, height_ - y);
  if (left >= right) return;
  std::vector<std::uint8_t> row(static_cast<std::size_t>((right - left) * channels_));
  for (std::int64_t j = top; j < bottom; ++j) {
    convert_row(image.row(j) + left * image.channels, right - left, image.channels, row.data());
    for (std::size_t done = 0; done < row.size();) {
      const auto at = static_cast<off_t>(offset_of(x + left, y + j) + done);
      const ssize_t put = ::pwrite(fd_, row.data() + done, row.size() - done, at);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) throw io_error("cannot write the temporary file of", name_, errno);
      done += static_cast<std::size_t>(put);
    }
  }
}

Image PixelSpool::read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  Image image(width, height, channels_);
  const auto length = static_cast<std::size_t>(width * channels_);
  for (std::int64_t j = 0; j < height; ++j) {
    std::uint8_t* row = image.row(j);
    for (std::size_t done = 0; done < length;) {
      const ssize_t got = ::pread(fd_, row + done, length - done, static_cast<off_t>(offset_of(x, y + j) + done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) throw io_error("cannot read the temporary file of", name_, got < 0 ? errno : EIO);
      done += static_cast<std::size_t>(got);
    }
    for (std::size_t i = 0; i < length; ++i) row[i] ^= background_[i % static_cast<std::size_t>(channels_)];
  }
  return image;
}

ImageSource::ImageSource(std::span<const float> values, std::int64_t width, std::int64_t height, int channels)
    : image_(width, height, channels) {
  if (values.size() != image_.data.size()) {
    throw Error(ErrorCode::kShapeMismatch,
                "expected " + std::to_string(image_.data.size()) + " values, got " + std::to_string(values.size()));
  }
  // The comparison is false for NaN.
  const auto byte = [](float v) { return v > 0 ? static_cast<std::uint8_t>(std::min(v, 1.0f) * 255 + 0.5f) : 0; };
  std::ranges::transform(values, image_.data.begin(), byte);
}

Image ImageSource::read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  Image part(width, height, image_.channels);
  for (std::int64_t j = 0; j < height; ++j) {
    std::memcpy(part.row(j), image_.row(y + j) + x * image_.channels,
                static_cast<std::size_t>(width * image_.channels));
  }
  return part;
}

}  // namespace histojet::slide
