#pragma once

#include <cstdint>
#include <span>

#include "slide/tiff_level.hpp"

namespace histojet::slide {

/// Turns stored samples into 8-bit RGB or RGBA rows.
/// `samples`: `rows` rows of `columns` pixels without padding; with separate planes one plane after the other.
/// 16-bit samples show their upper byte; the predictor is undone in place. `palette`: 256 RGB triplets or empty.
/// `out` has `layout.channels()` channels, straight alpha, rows `stride` bytes apart.
void convert_samples(const TiffLayout& layout, std::span<const std::uint8_t> palette, std::span<std::uint8_t> samples,
                     std::int64_t columns, std::int64_t rows, std::uint8_t* out, std::int64_t stride);

/// Turns YCbCr samples in blocks of layout.chroma_x x layout.chroma_y pixels (TIFF 6.0, section 21: the luma of the
/// block row by row, then Cb and Cr) into RGB rows; full-range BT.601, chroma repeated.
void convert_ycbcr(const TiffLayout& layout, std::span<const std::uint8_t> samples, std::int64_t columns,
                   std::int64_t rows, std::uint8_t* out, std::int64_t stride);

/// 255 - v for each of `count` values.
void invert(std::uint8_t* values, std::int64_t count);

}  // namespace histojet::slide
