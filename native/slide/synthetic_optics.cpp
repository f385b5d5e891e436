#include "slide/synthetic_canvas.hpp"

namespace histojet::slide {

namespace {

constexpr int kKernelRadius = 4;

/// exp(-od) by table; optical densities above 4 are black anyway.
class Transmission {
 public:
  Transmission() {
    const double step = 1.0 / 1024;
    const double factor = 1.0 / (1.0 + step + step * step / 2 + step * step * step / 6);
    double value = 1;
    for (float& entry : table_) {
      entry = static_cast<float>(value);
      value *= factor;
    }
  }
  float operator()(float od) const {
    const int i = static_cast<int>(od * 1024.0f + 0.5f);
    return table_[i < 0 ? 0 : (i > 4095 ? 4095 : i)];
  }

 private:
  float table_[4096];
};

using Kernel = std::array<float, kKernelRadius + 1>;

/// Normalised weights of a Gaussian, from the centre outwards; the tail is 0, so that narrow kernels cost less.
Kernel gaussian(float sigma) {
  Kernel kernel{};
  float sum = 0;
  for (int i = 0; i <= kKernelRadius; ++i) {
    const float q = static_cast<float>(i) / sigma;
    kernel[static_cast<std::size_t>(i)] = q > 3 ? 0 : portable_exp(-0.5f * q * q);
    sum += (i == 0 ? 1.0f : 2.0f) * kernel[static_cast<std::size_t>(i)];
  }
  for (float& w : kernel) w /= sum;
  return kernel;
}

/// out[i] += w * (a[i] + b[i]), in runs of a fixed length that compilers turn into vectors.
void add_pair(float* __restrict out, const float* __restrict a, const float* __restrict b, float w,
              std::int64_t count) {
  constexpr std::int64_t kRun = 16;
  std::int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    for (std::int64_t k = 0; k < kRun; ++k) out[i + k] += w * (a[i + k] + b[i + k]);
  }
  for (; i < count; ++i) out[i] += w * (a[i] + b[i]);
}

void scale(float* __restrict out, const float* __restrict in, float w, std::int64_t count) {
  constexpr std::int64_t kRun = 16;
  std::int64_t i = 0;
  for (; i + kRun <= count; i += kRun) {
    for (std::int64_t k = 0; k < kRun; ++k) out[i + k] = w * in[i + k];
  }
  for (; i < count; ++i) out[i] = w * in[i];
}

/// Separable blur of one plane; `stride` between taps widens the kernel for strong blur. The border keeps its values.
void blur(std::vector<float>& plane, std::int64_t width, std::int64_t height, const Kernel& kernel, int stride) {
  int radius = kKernelRadius;
  while (radius > 1 && kernel[static_cast<std::size_t>(radius)] == 0) --radius;
  const std::int64_t reach = static_cast<std::int64_t>(radius) * stride;
  if (width <= 2 * reach || height <= 2 * reach) return;
  std::vector<float> across(plane);
  for (std::int64_t y = 0; y < height; ++y) {
    const float* row = plane.data() + y * width + reach;
    float* out = across.data() + y * width + reach;
    scale(out, row, kernel[0], width - 2 * reach);
    for (int k = 1; k <= radius; ++k) {
      add_pair(out, row - k * stride, row + k * stride, kernel[static_cast<std::size_t>(k)], width - 2 * reach);
    }
  }
  for (std::int64_t y = reach; y < height - reach; ++y) {
    float* out = plane.data() + y * width;
    const float* row = across.data() + y * width;
    scale(out, row, kernel[0], width);
    for (int k = 1; k <= radius; ++k) {
      const std::int64_t away = static_cast<std::int64_t>(k) * stride * width;
      add_pair(out, row - away, row + away, kernel[static_cast<std::size_t>(k)], width);
    }
  }
}

bool any_field(const FieldGrid& grid, Field field) {
  for (const Site& site : grid.sites) {
    if (site[static_cast<std::size_t>(field)] > 0) return true;
  }
  return false;
}

/// Light that comes through each pixel, 0..255.
void transmit(const Canvas& c, const SyntheticStyle& s, std::array<std::vector<float>, 3>& light) {
  static const Transmission transmission;
  const bool folds = any_field(c.fields, kFold);
  const float h_gain = s.strength * s.haem_gain;
  const float e_gain = s.strength * s.eosin_gain;
  for (auto& plane : light) plane.resize(c.haem.size());
  FieldRows rows(c.fields);
  for (std::int64_t y = 0; y < c.height; ++y) {
    if (folds) rows.move_to(c.y + y);
    for (std::int64_t x = 0; x < c.width; ++x) {
      const std::size_t i = static_cast<std::size_t>(y * c.width + x);
      float thick = 1;
      if (folds) thick += 0.9f * rows.value(rows.position(c.x + x), kFold);
      const float n = c.nuclear[i] * h_gain * thick;
      const float h = c.haem[i] * h_gain * thick;
      const float e = c.eosin[i] * e_gain * thick;
      const float b = c.brown[i] * s.strength * thick;
      for (std::size_t k = 0; k < 3; ++k) {
        light[k][i] =
            s.white[k] * transmission(n * s.nuclear[k] + h * s.haematoxylin[k] + e * s.eosin[k] + b * s.brown[k]);
      }
    }
  }
}

void add_defocus(const Canvas& c, std::array<std::vector<float>, 3>& light) {
  const int stride = std::max(1, static_cast<int>(c.scale * 0.5f + 0.5f));
  const Kernel wide = gaussian(1.6f);
  std::array<std::vector<float>, 3> soft = light;
  for (auto& plane : soft) {
    blur(plane, c.width, c.height, gaussian(0.9f), 1);
    blur(plane, c.width, c.height, wide, stride);
  }
  FieldRows rows(c.fields);
  for (std::int64_t y = 0; y < c.height; ++y) {
    rows.move_to(c.y + y);
    for (std::int64_t x = 0; x < c.width; ++x) {
      const float amount = rows.value(rows.position(c.x + x), kDefocus);
      if (amount <= 0) continue;
      const std::size_t i = static_cast<std::size_t>(y * c.width + x);
      for (std::size_t k = 0; k < 3; ++k) light[k][i] = mix(light[k][i], soft[k][i], amount);
    }
  }
}

void sharpen(const Canvas& c, float amount, std::array<std::vector<float>, 3>& light) {
  const Kernel kernel = gaussian(1.2f);
  for (auto& plane : light) {
    std::vector<float> soft(plane);
    blur(soft, c.width, c.height, kernel, 1);
    for (std::size_t i = 0; i < plane.size(); ++i) plane[i] += amount * (plane[i] - soft[i]);
  }
}

}  // namespace

std::int64_t optics_margin_px(float scale) {
  const std::int64_t stride = std::max<std::int64_t>(1, static_cast<std::int64_t>(scale * 0.5f + 0.5f));
  return kKernelRadius * (3 + stride) + 1;
}

Image develop(const Canvas& c, const SyntheticStyle& s, std::int64_t margin, std::uint32_t noise_seed) {
  std::array<std::vector<float>, 3> light;
  transmit(c, s, light);
  const float sigma = std::clamp(s.blur_px * std::clamp(c.scale / 4, 0.6f, 1.6f), 0.35f, 1.8f);
  for (auto& plane : light) blur(plane, c.width, c.height, gaussian(sigma), 1);
  if (any_field(c.fields, kDefocus)) add_defocus(c, light);
  if (s.sharpen > 0) sharpen(c, s.sharpen, light);
  Image image(c.width - 2 * margin, c.height - 2 * margin, 3);
  FieldRows rows(c.fields);
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::uint8_t* out = image.row(y);
    rows.move_to(c.y + margin + y);
    for (std::int64_t x = 0; x < image.width; ++x) {
      const std::size_t i = static_cast<std::size_t>((y + margin) * c.width + x + margin);
      const std::int64_t gx = c.x + margin + x;
      const std::int64_t gy = c.y + margin + y;
      const bool near_tissue = rows.value(rows.position(gx), kTissue) > -16;
      const float amplitude = near_tissue ? s.noise * (0.3f + 0.7f * c.tissue[i]) : 0.0f;
      const std::uint32_t h = hash_point(static_cast<std::int32_t>(gx), static_cast<std::int32_t>(gy), noise_seed);
      const float common = static_cast<float>((h & 0xff) + ((h >> 8) & 0xff)) / 255.0f - 1.0f;
      for (std::size_t k = 0; k < 3; ++k) {
        const float own = static_cast<float>((h >> (16 + 5 * k)) & 0x1f) / 15.5f - 1.0f;
        const float value = light[k][i] + amplitude * (1.6f * common + 0.7f * own);
        const int level = static_cast<int>(value + 0.5f);
        out[3 * x + static_cast<std::int64_t>(k)] =
            static_cast<std::uint8_t>(level < 0 ? 0 : (level > 255 ? 255 : level));
      }
    }
  }
  return image;
}

}  // namespace histojet::slide
