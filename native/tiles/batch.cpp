#include "tiles/batch.hpp"

#include <cmath>
#include <string>

#include "base/error.hpp"
#include "base/executor.hpp"
#include "tiles/region_announcer.hpp"
#include "tiles/resample.hpp"

namespace histojet::tiles {
namespace {

constexpr std::int64_t kMaxValues = std::int64_t{1} << 33;
constexpr std::int64_t kMaxSide = 32768;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "batch: " + message);
}

void check(const BatchRequest& request) {
  if (request.corners.empty()) refuse("expected at least one position");
  if (request.width < 1 || request.height < 1 || request.width > kMaxSide || request.height > kMaxSide) {
    refuse("expected sides of 1 to 32768 px, got " + std::to_string(request.width) + " x " +
           std::to_string(request.height));
  }
  const std::int64_t per_window = request.width * request.height * 3;
  if (static_cast<std::int64_t>(request.corners.size()) > kMaxValues / per_window) {
    refuse(std::to_string(request.corners.size()) + " windows of " + std::to_string(request.width) + " x " +
           std::to_string(request.height) + " px are too many for one tensor");
  }
  for (const auto& [x, y] : request.corners) {
    if (!(std::abs(x) < 0x1p48) || !(std::abs(y) < 0x1p48)) refuse("a position is out of range");
  }
  if (!request.normalization) return;
  for (std::size_t c = 0; c < 3; ++c) {
    const float mean = request.normalization->mean[c];
    const float deviation = request.normalization->deviation[c];
    if (!std::isfinite(mean) || !std::isfinite(deviation) || deviation == 0) {
      refuse("expected finite means and deviations other than 0");
    }
  }
}

/// Writes one window as the tensor wants it.
class WindowStore {
 public:
  explicit WindowStore(const BatchRequest& request)
      : pixels_(request.width * request.height),
        pixel_step_(request.planar ? 1 : 3),
        channel_step_(request.planar ? pixels_ : 1) {
    if (!request.normalization) return;
    for (std::size_t c = 0; c < 3; ++c) {
      // One table entry per value: the same numbers as computing each pixel, and cheaper.
      for (int v = 0; v < 256; ++v) {
        table_[c][static_cast<std::size_t>(v)] =
            (static_cast<float>(v) / 255.0F - request.normalization->mean[c]) / request.normalization->deviation[c];
      }
    }
  }

  void bytes(const std::uint8_t* rgb, std::uint8_t* out) const {
    for (std::int64_t c = 0; c < 3; ++c) {
      std::uint8_t* to = out + c * channel_step_;
      for (std::int64_t i = 0; i < pixels_; ++i) to[i * pixel_step_] = rgb[i * 3 + c];
    }
  }
  void normalized(const std::uint8_t* rgb, float* out) const {
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto& table = table_[static_cast<std::size_t>(c)];
      float* to = out + c * channel_step_;
      for (std::int64_t i = 0; i < pixels_; ++i) to[i * pixel_step_] = table[rgb[i * 3 + c]];
    }
  }

 private:
  std::int64_t pixels_;
  std::int64_t pixel_step_;
  std::int64_t channel_step_;
  std::array<std::array<float, 256>, 3> table_{};
};

slide::RegionRequest region_of(const BatchRequest& request, const std::array<double, 2>& corner) {
  return {.x = static_cast<std::int64_t>(std::floor(corner[0])),
          .y = static_cast<std::int64_t>(std::floor(corner[1])),
          .width = request.width,
          .height = request.height,
          .level = request.level};
}

ReadAtRequest read_at_request(const BatchRequest& request, const std::array<double, 2>& corner) {
  return {.x = corner[0], .y = corner[1], .width = request.width, .height = request.height, .mpp = *request.mpp};
}

/// What is read from the slide for one window.
slide::RegionRequest source_of(const slide::Slide& slide, const BatchRequest& request,
                               const std::array<double, 2>& corner) {
  return request.mpp ? source_region(slide, read_at_request(request, corner)) : region_of(request, corner);
}

Image read_window(const slide::Slide& slide, const BatchRequest& request, const std::array<double, 2>& corner,
                  const CancelToken& cancel) {
  Image window = request.mpp ? read_at(slide, read_at_request(request, corner), cancel)
                             : slide.read_region(region_of(request, corner), cancel);
  if (request.colors) request.colors->apply(window);
  return window;
}

}  // namespace

Tensor read_batch(const slide::Slide& slide, const BatchRequest& request, const CancelToken& cancel) {
  check(request);
  const auto count = static_cast<std::int64_t>(request.corners.size());
  const Shape shape =
      request.planar ? Shape{count, 3, request.height, request.width} : Shape{count, request.height, request.width, 3};
  Tensor tensor(request.normalization ? DType::kF32 : DType::kU8, shape);
  const WindowStore store(request);
  const std::int64_t values = request.width * request.height * 3;
  const bool as_stored = !request.normalization && !request.planar && !request.mpp && !request.colors;
  const auto corner_of = [&](std::int64_t i) { return request.corners[static_cast<std::size_t>(i)]; };
  RegionAnnouncer announcer(slide, count, [&](std::int64_t i) { return source_of(slide, request, corner_of(i)); });
  Executor::instance().parallel_for(count, 0, [&](std::int64_t i) {
    const auto corner = corner_of(i);
    announcer.before(i, cancel);
    if (as_stored) {
      slide.read_region(
          region_of(request, corner),
          tensor.values<std::uint8_t>().subspan(static_cast<std::size_t>(i * values), static_cast<std::size_t>(values)),
          cancel);
      return;
    }
    const Image window = read_window(slide, request, corner, cancel);
    if (request.normalization) {
      store.normalized(window.data.data(), tensor.values<float>().data() + i * values);
    } else {
      store.bytes(window.data.data(), tensor.bytes() + i * values);
    }
  });
  return tensor;
}

}  // namespace histojet::tiles
