#include "slide/tiff_pixels.hpp"

#include <algorithm>
#include <cstring>

#include "codecs/ycbcr.hpp"

namespace histojet::slide {
namespace {

/// Undoes predictor 2 on one row of `count` values that are `step` values after their left neighbour.
void undo_difference_8(std::uint8_t* row, std::int64_t count, int step) {
  for (std::int64_t i = step; i < count; ++i) row[i] = static_cast<std::uint8_t>(row[i] + row[i - step]);
}

void undo_difference_16(std::uint8_t* row, std::int64_t count, int step, bool big_endian) {
  const int high = big_endian ? 0 : 1;
  const int low = 1 - high;
  const auto get = [&](std::int64_t i) { return row[i * 2 + high] << 8 | row[i * 2 + low]; };
  for (std::int64_t i = step; i < count; ++i) {
    const int value = get(i) + get(i - step);
    row[i * 2 + high] = static_cast<std::uint8_t>(value >> 8);
    row[i * 2 + low] = static_cast<std::uint8_t>(value);
  }
}

/// One plane or all interleaved samples: predictor off, 16 bits to their upper 8, in place.
void to_bytes(const TiffLayout& layout, std::uint8_t* samples, std::int64_t values_per_row, std::int64_t rows,
              int step) {
  const std::int64_t row_bytes = values_per_row * layout.bits / 8;
  for (std::int64_t y = 0; y < rows; ++y) {
    std::uint8_t* row = samples + y * row_bytes;
    if (layout.horizontal_difference) {
      if (layout.bits == 8) {
        undo_difference_8(row, values_per_row, step);
      } else {
        undo_difference_16(row, values_per_row, step, layout.big_endian);
      }
    }
    if (layout.bits == 16) {
      // The target never runs ahead of the source: 8-bit rows are packed from the start of the buffer.
      std::uint8_t* to = samples + y * values_per_row;
      const int high = layout.big_endian ? 0 : 1;
      for (std::int64_t i = 0; i < values_per_row; ++i) to[i] = row[i * 2 + high];
    }
  }
}

std::uint8_t straight(int value, int alpha) {
  return static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min(255, (value * 255 + alpha / 2) / alpha));
}

/// Where the sample of a pixel lies: `first[sample][pixel * step]`.
struct Access {
  const std::uint8_t* first[4] = {};
  std::int64_t step = 1;
};

void write_row(const TiffLayout& layout, std::span<const std::uint8_t> palette, const Access& access,
               std::int64_t columns, std::uint8_t* out) {
  const int channels = layout.channels();
  const bool color = layout.color_samples() == 3;
  const std::uint8_t flip = layout.photometric == 0 ? 0xFF : 0;
  for (std::int64_t x = 0; x < columns; ++x, out += channels) {
    const std::int64_t at = x * access.step;
    if (color) {
      for (int c = 0; c < 3; ++c) out[c] = access.first[c][at];
    } else if (!palette.empty()) {
      std::copy_n(&palette[static_cast<std::size_t>(access.first[0][at]) * 3], 3, out);
    } else {
      out[0] = out[1] = out[2] = access.first[0][at] ^ flip;
    }
    if (channels == 3) continue;
    const int alpha = access.first[color ? 3 : 1][at];
    out[3] = static_cast<std::uint8_t>(alpha);
    if (layout.premultiplied) {
      for (int c = 0; c < 3; ++c) out[c] = straight(out[c], alpha);
    }
  }
}

}  // namespace

void convert_samples(const TiffLayout& layout, std::span<const std::uint8_t> palette, std::span<std::uint8_t> samples,
                     std::int64_t columns, std::int64_t rows, std::uint8_t* out, std::int64_t stride) {
  const std::int64_t plane = columns * rows;
  if (layout.separate_planes) {
    for (int s = 0; s < layout.samples; ++s) {
      to_bytes(layout, samples.data() + s * plane * layout.bits / 8, columns, rows, 1);
    }
  } else {
    to_bytes(layout, samples.data(), columns * layout.samples, rows, layout.samples);
  }
  const bool plain_rgb = !layout.separate_planes && layout.samples == 3 && layout.color_samples() == 3;
  for (std::int64_t y = 0; y < rows; ++y) {
    std::uint8_t* to = out + y * stride;
    if (plain_rgb) {
      std::memcpy(to, samples.data() + y * columns * 3, static_cast<std::size_t>(columns * 3));
      continue;
    }
    Access access;
    access.step = layout.separate_planes ? 1 : layout.samples;
    for (int s = 0; s < layout.samples; ++s) {
      // A plane of 16-bit samples still starts where it was read to; only its rows are packed.
      access.first[s] = layout.separate_planes ? samples.data() + s * plane * layout.bits / 8 + y * columns
                                               : samples.data() + y * columns * layout.samples + s;
    }
    write_row(layout, palette, access, columns, to);
  }
}

void convert_ycbcr(const TiffLayout& layout, std::span<const std::uint8_t> samples, std::int64_t columns,
                   std::int64_t rows, std::uint8_t* out, std::int64_t stride) {
  const std::int64_t block_columns = layout.chroma_x;
  const std::int64_t block_rows = layout.chroma_y;
  const std::int64_t luma_count = block_columns * block_rows;
  const std::uint8_t* block = samples.data();
  for (std::int64_t top = 0; top < rows; top += block_rows) {
    for (std::int64_t left = 0; left < columns; left += block_columns, block += luma_count + 2) {
      const codecs::Chroma chroma = codecs::chroma_of(block[luma_count], block[luma_count + 1]);
      for (std::int64_t y = top; y < std::min(rows, top + block_rows); ++y) {
        const std::uint8_t* luma = block + (y - top) * block_columns;
        for (std::int64_t x = left; x < std::min(columns, left + block_columns); ++x) {
          codecs::put_rgb(out + y * stride + x * 3, luma[x - left], chroma);
        }
      }
    }
  }
}

void invert(std::uint8_t* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = static_cast<std::uint8_t>(255 - values[i]);
}

}  // namespace histojet::slide
