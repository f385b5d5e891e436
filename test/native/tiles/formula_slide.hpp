#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>

#include "slide/slide.hpp"

namespace histojet::test {

/// A slide in memory whose level 0 is a formula and whose further levels are 2 x 2 means.
class FormulaSlide : public slide::Slide {
 public:
  using Formula = std::function<std::array<std::uint8_t, 3>(std::int64_t x, std::int64_t y)>;

  FormulaSlide(std::int64_t width, std::int64_t height, int level_count, std::optional<slide::Mpp> mpp,
               const Formula& formula)
      : mpp_(mpp) {
    Image base(width, height, 3);
    for (std::int64_t y = 0; y < height; ++y) {
      for (std::int64_t x = 0; x < width; ++x) std::ranges::copy(formula(x, y), base.row(y) + 3 * x);
    }
    pictures_.push_back(std::move(base));
    for (int i = 1; i < level_count; ++i) pictures_.push_back(halve(pictures_.back()));
    for (const Image& picture : pictures_) {
      const double across = static_cast<double>(width) / static_cast<double>(picture.width);
      const double down = static_cast<double>(height) / static_cast<double>(picture.height);
      levels_.push_back({picture.width, picture.height, (across + down) / 2, 64, 64});
    }
  }

  const std::string& path() const override { return name_; }
  const std::string& format() const override { return name_; }
  const std::vector<slide::Level>& levels() const override { return levels_; }
  const std::optional<slide::Mpp>& mpp() const override { return mpp_; }
  std::optional<double> objective_power() const override { return std::nullopt; }
  const std::map<std::string, std::string>& properties() const override { return properties_; }
  slide::Rect bounds() const override { return {0, 0, width(), height()}; }
  std::array<std::uint8_t, 3> background() const override { return {255, 255, 255}; }
  std::vector<std::string> associated_images() const override { return {}; }
  std::vector<std::string> warnings() const override { return {}; }
  Image read_associated_image(const std::string&, const CancelToken&) const override { return {}; }
  std::optional<std::vector<std::uint8_t>> icc_profile() const override { return std::nullopt; }
  std::string fingerprint() const override { return "sha256:formula"; }

  using Slide::read_region;
  void read_region(const slide::RegionRequest& request, std::span<std::uint8_t> out,
                   const CancelToken& cancel) const override {
    cancel.throw_if_cancelled();
    const Image& picture = pictures_[request.level];
    const double scale = request.level_coordinates ? 1 : levels_[request.level].downsample;
    const auto x0 = static_cast<std::int64_t>(std::floor(static_cast<double>(request.x) / scale + 1e-6));
    const auto y0 = static_cast<std::int64_t>(std::floor(static_cast<double>(request.y) / scale + 1e-6));
    for (std::int64_t y = 0; y < request.height; ++y) {
      for (std::int64_t x = 0; x < request.width; ++x) {
        std::uint8_t* pixel = out.data() + (y * request.width + x) * request.channels;
        const bool inside = x0 + x >= 0 && y0 + y >= 0 && x0 + x < picture.width && y0 + y < picture.height;
        const std::uint8_t* from = inside ? picture.row(y0 + y) + 3 * (x0 + x) : nullptr;
        for (int c = 0; c < 3; ++c) pixel[c] = inside ? from[c] : request.channels == 4 ? 0 : 255;
        if (request.channels == 4) pixel[3] = inside ? 255 : 0;
      }
    }
  }

  const Image& picture(int level) const { return pictures_[level]; }

 private:
  static Image halve(const Image& from) {
    Image to(from.width / 2, from.height / 2, 3);
    for (std::int64_t y = 0; y < to.height; ++y) {
      for (std::int64_t i = 0; i < 3 * to.width; ++i) {
        const std::int64_t at = i / 3 * 6 + i % 3;
        const std::uint8_t* upper = from.row(2 * y);
        const std::uint8_t* lower = from.row(2 * y + 1);
        to.row(y)[i] = static_cast<std::uint8_t>((upper[at] + upper[at + 3] + lower[at] + lower[at + 3] + 2) / 4);
      }
    }
    return to;
  }

  std::string name_ = "formula";
  std::vector<Image> pictures_;
  std::vector<slide::Level> levels_;
  std::optional<slide::Mpp> mpp_;
  std::map<std::string, std::string> properties_;
};

/// Smooth waves with a fine checker on top: every window differs from every other.
inline std::array<std::uint8_t, 3> waves(std::int64_t x, std::int64_t y) {
  const double u = static_cast<double>(x);
  const double v = static_cast<double>(y);
  const double checker = (x / 3 + y / 5) % 2 ? 12 : -12;
  const auto tone = [&](double a, double b) {
    return static_cast<std::uint8_t>(std::lround(128 + 90 * std::sin(u * a + 1) * std::cos(v * b) + checker));
  };
  return {tone(0.061, 0.043), tone(0.037, 0.071), tone(0.023, 0.019)};
}

inline slide::Mpp quarter_mpp() {
  return {0.25, 0.25, slide::MppSource::kVendor};
}

}  // namespace histojet::test
