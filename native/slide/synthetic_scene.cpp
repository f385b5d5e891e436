#include "slide/synthetic_scene.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"
#include "slide/synthetic_truth.hpp"

namespace histojet::slide {

namespace {

constexpr std::int64_t kBlock = 1024;

const SyntheticParams& checked(const SyntheticParams& p) {
  const auto refuse = [](const std::string& what) {
    throw Error(ErrorCode::kInvalidArgument, "synthetic slide: " + what);
  };
  constexpr std::int64_t kLongest = 4'000'000;
  if (p.width < 1 || p.height < 1 || p.width > kLongest || p.height > kLongest) {
    refuse("width and height must be 1 to 4000000 pixels, got " + std::to_string(p.width) + " x " +
           std::to_string(p.height));
  }
  if (!(p.mpp >= 0.05 && p.mpp <= 10)) refuse("mpp must be 0.05 to 10, got " + std::to_string(p.mpp));
  if (!(p.tissue >= 0 && p.tissue <= 1)) refuse("tissue must be 0 to 1, got " + std::to_string(p.tissue));
  return p;
}

}  // namespace

const std::vector<std::string>& synthetic_kinds() {
  static const std::vector<std::string> kKinds = {"epithelial", "lymphocyte", "fibroblast", "endothelial", "plasma",
                                                  "atypical",   "vesicular",  "pyknotic",   "mitosis",     "muscle"};
  return kKinds;
}

std::shared_ptr<const SyntheticScene> SyntheticScene::create(const SyntheticParams& params) {
  return std::make_shared<const PaintedScene>(params);
}

PaintedScene::PaintedScene(const SyntheticParams& params)
    : params_(checked(params)),
      period_px_(params.repeat ? kSyntheticPeriodPx : 0),
      style_(make_synthetic_style(params.seed)),
      layout_(params_, style_, period_px_),
      clusters_(params_, layout_),
      population_(params_, style_, layout_, clusters_, period_px_),
      lattices_(style_, params_.mpp, period_px_, params.seed * 1021) {}

std::array<std::uint8_t, 3> PaintedScene::background() const {
  return {static_cast<std::uint8_t>(style_.white[0]), static_cast<std::uint8_t>(style_.white[1]),
          static_cast<std::uint8_t>(style_.white[2])};
}

bool PaintedScene::blank(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  const std::int64_t margin = optics_margin_px(static_cast<float>(1 / params_.mpp)) + layout_.step();
  return layout_.blank(x - margin, y - margin, width + 2 * margin, height + 2 * margin);
}

void PaintedScene::render_block(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height, Image& into,
                                std::int64_t left, std::int64_t top) const {
  if (blank(x, y, width, height)) {
    const auto colour = background();
    for (std::int64_t row = 0; row < height; ++row) {
      std::uint8_t* out = into.row(top + row) + 3 * left;
      for (std::int64_t i = 0; i < width; ++i) std::memcpy(out + 3 * i, colour.data(), 3);
    }
    return;
  }
  const float scale = static_cast<float>(1 / params_.mpp);
  const std::int64_t margin = optics_margin_px(scale);
  Canvas canvas(x - margin, y - margin, width + 2 * margin, height + 2 * margin, scale);
  canvas.fields = layout_.grid(canvas.x, canvas.y, canvas.width, canvas.height);
  paint_ground(canvas, style_, layout_, population_.fat(), lattices_);
  paint_objects(canvas, style_, layout_, lattices_);
  paint_clusters(canvas, clusters_);
  paint_nuclei(canvas, style_, population_.near(canvas.x, canvas.y, canvas.width, canvas.height));
  const Image block = develop(canvas, style_, margin, static_cast<std::uint32_t>(params_.seed * 2654435761u));
  for (std::int64_t row = 0; row < height; ++row) {
    std::memcpy(into.row(top + row) + 3 * left, block.row(row), static_cast<std::size_t>(3 * width));
  }
}

Image PaintedScene::render(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const {
  Image image(width, height, 3);
  const auto wrap = [this](std::int64_t p) { return period_px_ > 0 ? p - floor_div(p, period_px_) * period_px_ : p; };
  const auto extent = [&](std::int64_t p, std::int64_t rest) {
    const std::int64_t longest = period_px_ > 0 ? std::min(kBlock, period_px_ - wrap(p)) : kBlock;
    return std::min(longest, rest);
  };
  for (std::int64_t top = 0; top < height;) {
    const std::int64_t rows = extent(y + top, height - top);
    for (std::int64_t left = 0; left < width;) {
      const std::int64_t columns = extent(x + left, width - left);
      render_block(wrap(x + left), wrap(y + top), columns, rows, image, left, top);
      left += columns;
    }
    top += rows;
  }
  return image;
}

std::vector<std::int32_t> PaintedScene::labels(std::int64_t x, std::int64_t y, std::int64_t width,
                                               std::int64_t height) const {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(width * height), 0);
  std::vector<std::int32_t> block;
  for (std::int64_t top = 0; top < height; top += kBlock) {
    const std::int64_t rows = std::min(kBlock, height - top);
    for (std::int64_t left = 0; left < width; left += kBlock) {
      const std::int64_t columns = std::min(kBlock, width - left);
      block.assign(static_cast<std::size_t>(rows * columns), 0);
      paint_labels(visible_nuclei(population_, params_, x + left, y + top, columns, rows), x + left, y + top, columns,
                   rows, block);
      for (std::int64_t row = 0; row < rows; ++row) {
        std::copy_n(block.data() + row * columns, columns, labels.data() + (top + row) * width + left);
      }
    }
  }
  return labels;
}

std::vector<TrueNucleus> PaintedScene::repeated(std::vector<TrueNucleus> nuclei, std::int64_t laps_x,
                                                std::int64_t laps_y) const {
  const std::uint64_t id_step = population_.lap_id(laps_x, laps_y);
  const double shift[2] = {static_cast<double>(laps_x * period_px_), static_cast<double>(laps_y * period_px_)};
  for (TrueNucleus& n : nuclei) {
    n.id += id_step;
    for (std::size_t i = 0; i < n.points.size(); ++i) {
      n.points[i] = static_cast<float>(static_cast<double>(n.points[i]) + shift[i % 2]);
    }
  }
  return nuclei;
}

std::vector<TrueNucleus> PaintedScene::nuclei(std::int64_t x, std::int64_t y, std::int64_t width,
                                              std::int64_t height) const {
  std::vector<TrueNucleus> found;
  for (std::int64_t top = 0; top < height; top += kBlock) {
    const std::int64_t rows = std::min(kBlock, height - top);
    for (std::int64_t left = 0; left < width; left += kBlock) {
      const std::int64_t columns = std::min(kBlock, width - left);
      const double x0 = static_cast<double>(x + left), x1 = x0 + static_cast<double>(columns);
      const double y0 = static_cast<double>(y + top), y1 = y0 + static_cast<double>(rows);
      for (VisibleNucleus& n : visible_nuclei(population_, params_, x + left, y + top, columns, rows)) {
        if (n.x >= x0 && n.x < x1 && n.y >= y0 && n.y < y1) found.push_back(std::move(n.nucleus));
      }
    }
  }
  return found;
}

}  // namespace histojet::slide
