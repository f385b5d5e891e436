#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace histojet::slide {

/// The codec behind a compression number of TIFF.
enum class TiffCodec {
  kUnknown,
  kNone,
  kLzw,
  kDeflate,
  kPackBits,
  kZstd,
  kJpeg,
  kJpeg2000,
  kWebp,
  kJpegXl,
  kInStream,  ///< 33004 and 33007: writers disagree, the first bytes of the stream decide between JPEG and JPEG 2000
};

/// Aperio's JPEG 2000 whose components are YCbCr although no component transform is signalled.
inline constexpr std::uint64_t kAperioYCbCr = 33003;
/// Aperio's JPEG 2000 that decodes to RGB.
inline constexpr std::uint64_t kAperioRgb = 33005;

TiffCodec tiff_codec(std::uint64_t compression);

/// "JPEG 2000 (33005)": what messages call a compression.
std::string compression_name(std::uint64_t compression);

/// True where the stream holds the samples themselves, so that predictors, 16 bits and all layouts apply; the others
/// decode to pixels of 8 bits.
bool stores_samples(TiffCodec codec);

/// True where TIFF allows a predictor (tag 317).
bool allows_predictor(TiffCodec codec);

/// The least length of a stream that may hold `raw` bytes of samples. A shorter one is a lie, so that a few bytes
/// cannot claim gigabytes.
std::uint64_t least_stream_bytes(TiffCodec codec, std::uint64_t raw);

/// What the first bytes of a stream are: kJpeg, kJpeg2000 or kUnknown.
TiffCodec codec_of_stream(std::span<const std::uint8_t> stream);

/// Decompresses a stream of samples to exactly `out.size()` bytes; not for kNone.
/// @throws Error kCorruptFile.
void expand_samples(TiffCodec codec, std::span<const std::uint8_t> stream, std::span<std::uint8_t> out);

}  // namespace histojet::slide
