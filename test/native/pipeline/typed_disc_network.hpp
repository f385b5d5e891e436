#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "models/nuclei_network.hpp"

namespace histojet::test {

/// Turns the colours of a DiscSlide into maps with types as HoVer-Net does: they are smaller than the tile by a margin
/// on each side, their outermost pixels are wrong (kRim, as padding inside a network makes them), and sides are
/// multiples of 8 plus 6. Each value also depends on pixels kReach away, which is less than the margin, so that all
/// other pixels are the same for all tiles.
class TypedDiscNetwork final : public models::NucleiNetwork {
 public:
  static constexpr std::int64_t kMargin = 21;
  static constexpr std::int64_t kReach = 17;
  static constexpr std::int64_t kRim = 2;

  class Size final : public Session {
   public:
    Size(std::int64_t height, std::int64_t width) : height(height), width(width) {}
    std::int64_t memory_bytes() const override { return 0; }
    std::int64_t height, width;
  };

  TypedDiscNetwork() {
    info_.architecture = "typed discs";
    info_.mpp = 0.25;
    info_.margin_px = kMargin + kRim;
    info_.output_margin_px = kMargin;
    info_.origin_multiple = 8;
    info_.side_multiple = 8;
    info_.side_offset_px = 6;
    info_.min_side_px = 62;
    info_.default_tile_px = 270;
    info_.slide_tile_px = 512;
    info_.types = {{"background", {}}, {"one", {255, 0, 0}}, {"two", {0, 255, 0}}, {"three", {0, 0, 255}}};
  }
  const models::NetworkInfo& info() const override { return info_; }
  models::NetworkInfo& info() { return info_; }
  std::string describe(std::int64_t, std::int64_t) const override { return "typed discs"; }
  std::unique_ptr<Session> make_session(std::int64_t height, std::int64_t width) const override {
    for (const std::int64_t side : {height, width}) {
      if (side < info_.min_side_px || side % 8 != 6) {
        throw Error(ErrorCode::kInvalidArgument, "a side of " + std::to_string(side));
      }
      largest_side = std::max<std::int64_t>(largest_side, side);
      smallest_side = std::min<std::int64_t>(smallest_side, side);
    }
    return std::make_unique<Size>(height, width);
  }
  std::int64_t session_bytes(std::int64_t height, std::int64_t width) const override { return 100 * height * width; }

  void predict(Session& session, ImageView rgb, Maps& out, int, const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    const auto& size = dynamic_cast<const Size&>(session);
    if (size.height != rgb.height || size.width != rgb.width) throw Error(ErrorCode::kInternal, "another session");
    out.height = rgb.height - 2 * kMargin;
    out.width = rgb.width - 2 * kMargin;
    const auto pixels = static_cast<std::size_t>(out.height * out.width);
    out.np.resize(pixels);
    out.hv.resize(2 * pixels);
    out.tp.resize(pixels);
    for (std::int64_t y = 0; y < out.height; ++y) {
      for (std::int64_t x = 0; x < out.width; ++x) {
        const auto at = static_cast<std::size_t>(y * out.width + x);
        const std::uint8_t* pixel = rgb.row(y + kMargin) + 3 * (x + kMargin);
        const bool rim = std::min({x, y, out.width - 1 - x, out.height - 1 - y}) < kRim;
        const bool nucleus = !rim && pixel[2] < 128;
        out.np[at] = (nucleus ? 0.8f : 0.2f) + 1e-3f * surroundings(rgb, x + kMargin, y + kMargin);
        out.hv[at] = nucleus ? (pixel[0] - 127) / 120.0f : 0.0f;
        out.hv[pixels + at] = nucleus ? (pixel[1] - 127) / 120.0f : 0.0f;
        // The left edge of a disc carries no type, so that probabilities stay below 1.
        out.tp[at] = static_cast<std::uint8_t>(nucleus && pixel[0] > 30 ? pixel[2] + 1 : 0);
      }
    }
  }

  mutable std::atomic<std::int64_t> largest_side{0};
  mutable std::atomic<std::int64_t> smallest_side{INT64_MAX};

 private:
  /// Mean of four pixels' colours, 0 to 100.
  static float surroundings(ImageView rgb, std::int64_t x, std::int64_t y) {
    const auto value = [&](std::int64_t dx, std::int64_t dy) {
      const std::uint8_t* pixel = rgb.row(y + dy) + 3 * (x + dx);
      return pixel[0] + 3 * pixel[1] + pixel[2];
    };
    return static_cast<float>(value(-kReach, 0) + value(kReach, 0) + value(0, -kReach) + value(0, kReach)) / 51.0f;
  }

  models::NetworkInfo info_;
};

}  // namespace histojet::test
