#include "slide/slide.hpp"

#include <new>

#include "base/byte_pool.hpp"
#include "base/error.hpp"
#include "slide/region_size.hpp"
#include "slide/registry.hpp"

namespace histojet::slide {

std::string_view mpp_source_name(MppSource source) {
  switch (source) {
    case MppSource::kVendor:
      return "vendor";
    case MppSource::kTiffResolution:
      return "tiff-resolution";
    case MppSource::kObjectivePower:
      return "objective-power";
    case MppSource::kCompanion:
      return "companion";
    case MppSource::kOverride:
      return "override";
  }
  return "vendor";
}

std::shared_ptr<const Slide> Slide::open(const std::string& path, const OpenOptions& options) {
  if (auto slide = open_folder(path, options)) return slide;
  return open(open_file(path), options);
}

std::shared_ptr<const Slide> Slide::open(std::shared_ptr<const ByteSource> source, const OpenOptions& options) {
  return open_with_registry(std::move(source), options);
}

Image Slide::read_region(const RegionRequest& request, const CancelToken& cancel) const {
  const std::size_t bytes = region_bytes(request);
  if (request.level < 0 || request.level >= static_cast<int>(levels().size())) {
    throw Error(ErrorCode::kInvalidArgument, path() + ": expected a level 0.." + std::to_string(levels().size() - 1) +
                                                 ", got " + std::to_string(request.level));
  }
  Image image;
  image.width = request.width;
  image.height = request.height;
  image.channels = request.channels;
  try {
    image.data = take_bytes(bytes);
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kOutOfMemory, path() + ": no memory for a region of " + std::to_string(bytes) + " bytes");
  }
  read_region(request, image.data, cancel);
  return image;
}

int Slide::best_level_for_downsample(double downsample) const {
  int best = 0;
  for (std::size_t i = 0; i < levels().size(); ++i) {
    if (levels()[i].downsample <= downsample) best = static_cast<int>(i);
  }
  return best;
}

std::size_t region_bytes(const RegionRequest& request) {
  constexpr std::int64_t kMaxSide = 0x7FFFFFFF;
  if (request.width < 1 || request.height < 1 || request.width > kMaxSide || request.height > kMaxSide) {
    throw Error(ErrorCode::kInvalidArgument, "expected a region with sides of 1..2147483647 pixels, got " +
                                                 std::to_string(request.width) + " x " +
                                                 std::to_string(request.height));
  }
  if (request.channels != 3 && request.channels != 4) {
    throw Error(ErrorCode::kInvalidArgument, "expected 3 or 4 channels, got " + std::to_string(request.channels));
  }
  const auto pixels = static_cast<std::uint64_t>(request.width) * static_cast<std::uint64_t>(request.height);
  if (pixels > (std::uint64_t{1} << 34)) {
    throw Error(ErrorCode::kInvalidArgument, "a region of " + std::to_string(request.width) + " x " +
                                                 std::to_string(request.height) + " pixels is too large for memory");
  }
  return static_cast<std::size_t>(pixels) * static_cast<std::size_t>(request.channels);
}

}  // namespace histojet::slide
