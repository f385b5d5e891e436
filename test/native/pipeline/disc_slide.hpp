#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "models/nuclei_network.hpp"
#include "slide/slide.hpp"

namespace histojet::test {

/// A slide of one level with a disc in each cell of a grid, jittered. Red and green say where in its disc a pixel lies,
/// blue is its type less one inside and 255 outside: DiscNetwork below reads perfect maps from that.
class DiscSlide final : public slide::Slide {
 public:
  static constexpr std::int64_t kCell = 48;
  static constexpr std::int64_t kRadius = 14;

  DiscSlide(std::int64_t width, std::int64_t height, std::optional<double> mpp) : levels_(1) {
    levels_[0] = {width, height, 1, 256, 256};
    if (mpp) mpp_ = slide::Mpp{*mpp, *mpp, slide::MppSource::kVendor};
  }

  /// Centre of the disc of one cell: never nearer than its radius to the cell's border.
  static std::pair<double, double> center(std::int64_t column, std::int64_t row) {
    const std::uint32_t hash =
        static_cast<std::uint32_t>(column * 73856093) ^ static_cast<std::uint32_t>(row * 19349663);
    const double free = kCell - 2 * kRadius - 4;
    return {column * kCell + kRadius + 2 + (hash % 1000) / 1000.0 * free,
            row * kCell + kRadius + 2 + (hash / 1000 % 1000) / 1000.0 * free};
  }
  /// 1, 2 or 3; neighbours differ.
  static std::uint8_t type(std::int64_t column, std::int64_t row) {
    return static_cast<std::uint8_t>(1 + (column + 2 * row) % 3);
  }
  std::int64_t disc_count() const { return (width() / kCell) * (height() / kCell); }

  const std::string& path() const override { return path_; }
  const std::string& format() const override { return format_; }
  const std::vector<slide::Level>& levels() const override { return levels_; }
  const std::optional<slide::Mpp>& mpp() const override { return mpp_; }
  std::optional<double> objective_power() const override { return std::nullopt; }
  const std::map<std::string, std::string>& properties() const override { return properties_; }
  slide::Rect bounds() const override { return {0, 0, width(), height()}; }
  std::array<std::uint8_t, 3> background() const override { return {255, 255, 255}; }
  std::vector<std::string> associated_images() const override { return {}; }
  std::vector<std::string> warnings() const override { return {}; }
  Image read_associated_image(const std::string& name, const CancelToken&) const override {
    throw Error(ErrorCode::kInvalidArgument, "no associated image " + name);
  }
  std::optional<std::vector<std::uint8_t>> icc_profile() const override { return std::nullopt; }
  std::string fingerprint() const override { return "sha256:discs"; }

  using slide::Slide::read_region;
  void read_region(const slide::RegionRequest& request, std::span<std::uint8_t> out,
                   const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    if (++reads == fail_at_read) throw Error(ErrorCode::kCorruptFile, "tile 3, 4 of level 0 is damaged");
    if (is_remote) {
      std::lock_guard lock(mutex);
      const bool known = std::ranges::any_of(announced, [&](const slide::RegionRequest& region) {
        return region.x == request.x && region.y == request.y && region.width == request.width &&
               region.height == request.height;
      });
      reads_unannounced += known ? 0 : 1;
      fewest_announced = std::min(fewest_announced, announced.size());
    }
    for (std::int64_t y = 0; y < request.height; ++y) {
      for (std::int64_t x = 0; x < request.width; ++x) {
        paint(request.x + x, request.y + y, out.data() + 3 * (y * request.width + x));
      }
    }
  }

  bool remote() const override { return is_remote; }
  void announce(std::span<const slide::RegionRequest> requests, const CancelToken&) const override {
    std::lock_guard lock(mutex);
    announced.insert(announced.end(), requests.begin(), requests.end());
    ++announcements;
  }

  bool is_remote = false;
  mutable std::mutex mutex;  // guards what follows
  mutable std::vector<slide::RegionRequest> announced;
  mutable int announcements = 0;
  mutable int reads_unannounced = 0;
  mutable std::size_t fewest_announced = SIZE_MAX;  ///< at any read

  /// All discs are of this colour; nothing can be read from it then.
  std::optional<std::array<std::uint8_t, 3>> even_color;

  mutable std::atomic<int> reads{0};
  int fail_at_read = -1;

 private:
  void paint(std::int64_t x, std::int64_t y, std::uint8_t* pixel) const {
    pixel[0] = pixel[1] = pixel[2] = 255;
    const std::int64_t column = x / kCell, row = y / kCell;
    if (x < 0 || y < 0 || column >= width() / kCell || row >= height() / kCell) return;
    const auto [cx, cy] = center(column, row);
    const double dx = x + 0.5 - cx, dy = y + 0.5 - cy;
    if (dx * dx + dy * dy > kRadius * kRadius) return;
    pixel[0] = static_cast<std::uint8_t>(std::lround(127 + 120 * dx / kRadius));
    pixel[1] = static_cast<std::uint8_t>(std::lround(127 + 120 * dy / kRadius));
    pixel[2] = static_cast<std::uint8_t>(type(column, row) - 1);
    if (even_color) std::ranges::copy(*even_color, pixel);
  }

  std::string path_ = "discs";
  std::string format_ = "generic-tiff";
  std::vector<slide::Level> levels_;
  std::optional<slide::Mpp> mpp_;
  std::map<std::string, std::string> properties_;
};

/// Turns the colours of a DiscSlide into maps; pixels near the tile's border come out wrong on purpose, as those of a
/// network do that lacks its context.
class DiscNetwork final : public models::NucleiNetwork {
 public:
  class DiscSession final : public Session {
   public:
    explicit DiscSession(std::shared_ptr<std::atomic<int>> alive = std::make_shared<std::atomic<int>>(0))
        : alive_(std::move(alive)) {
      ++*alive_;
    }
    ~DiscSession() override { --*alive_; }
    std::int64_t memory_bytes() const override { return 0; }

   private:
    std::shared_ptr<std::atomic<int>> alive_;
  };
  DiscNetwork() {
    info_.margin_px = 32;
    info_.origin_multiple = 8;
    info_.mpp = 0.25;
  }
  std::shared_ptr<std::atomic<int>> sessions_alive_ = std::make_shared<std::atomic<int>>(0);
  const models::NetworkInfo& info() const override { return info_; }
  std::string describe(std::int64_t, std::int64_t) const override { return "discs"; }
  std::unique_ptr<Session> make_session(std::int64_t, std::int64_t) const override {
    return std::make_unique<DiscSession>(sessions_alive_);
  }
  std::int64_t session_bytes(std::int64_t height, std::int64_t width) const override { return 100 * height * width; }
  int sessions_alive() const { return *sessions_alive_; }
  void predict(Session&, ImageView rgb, Maps& out, int, const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    const std::int64_t height = rgb.height, width = rgb.width;
    out.height = height;
    out.width = width;
    out.np.assign(static_cast<std::size_t>(height * width), 0);
    out.hv.assign(static_cast<std::size_t>(2 * height * width), 0);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) {
        const bool blind = std::min({x, y, width - 1 - x, height - 1 - y}) < info_.margin_px;
        const std::uint8_t* pixel = rgb.row(y) + 3 * x;
        const std::size_t at = static_cast<std::size_t>(y * width + x);
        out.np[at] = blind ? 0.9f : pixel[2] < 128 ? 0.95f : 0.05f;
        if (pixel[2] < 128) {
          out.hv[at] = (pixel[0] - 127) / 120.0f;
          out.hv[at + static_cast<std::size_t>(height * width)] = (pixel[1] - 127) / 120.0f;
        }
      }
    }
  }

 private:
  models::NetworkInfo info_;
};

}  // namespace histojet::test
