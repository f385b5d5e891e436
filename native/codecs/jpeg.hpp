#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/image.hpp"

namespace histojet::codecs {

/// How the components of a stream are to be understood. In TIFF the photometric tag decides, over markers and ids.
enum class JpegColor { kAuto, kRgb, kYCbCr, kGrey };

struct JpegHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  int components = 0;
  /// Pixels of one coded unit (MCU): 8 times the largest sampling factors, or 8 x 8 with one component.
  int unit_width = 8;
  int unit_height = 8;
  int restart_interval = 0;  ///< units between restart markers, 0 without markers
  bool single_scan = true;   ///< sequential, with all components in one scan
};

/// A rectangle of decoded pixels.
struct JpegWindow {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// A reusable decompressor (libjpeg-turbo, accurate integer DCT, fancy upsampling); one per thread.
/// In strict mode libjpeg's warnings are errors. Every failure is Error kCorruptFile with libjpeg's reason; more than
/// 500 scans are refused. No exception crosses libjpeg's frames.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;

  /// Feeds a tables-only stream (TIFF tag 347); it holds until the next call. Empty: forget the tables.
  void set_tables(std::span<const std::uint8_t> tables);
  JpegHeader read_header(std::span<const std::uint8_t> stream);
  /// Decodes into `out` (rows `stride` bytes apart) as `channels` (1 or 3). The stream's size must be width x height,
  /// checked before anything is allocated. Returns libjpeg's warning, empty when there was none (tolerant mode only).
  /// `shrink` 2, 4 or 8 decodes to that fraction of both sides (inside the DCT, much faster than the whole); width and
  /// height stay those of the stream, the output has ceil(width / shrink) x ceil(height / shrink) pixels.
  std::string decode(std::span<const std::uint8_t> stream, JpegColor color, std::int64_t width, std::int64_t height,
                     int channels, std::uint8_t* out, std::int64_t stride, bool tolerant = false, int shrink = 1);
  /// Decodes one window of the stream to the same pixels as `decode` gives there, into rows of `window.width` pixels;
  /// with `shrink` the window lies in the shrunk picture. Rows of units below the window are not looked at, so damage
  /// there goes unseen; columns beside it are only parsed. A window that reaches the last row of units sees all damage
  /// that `decode` sees. Strict.
  void decode_window(std::span<const std::uint8_t> stream, JpegColor color, std::int64_t width, std::int64_t height,
                     int channels, const JpegWindow& window, std::uint8_t* out, std::int64_t stride, int shrink = 1);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct JpegEncodeOptions {
  int quality = 85;
  int subsampling = 1;       ///< 1: 4:4:4, 2: 4:2:0
  bool abbreviated = false;  ///< without tables (they come from jpeg_tables with the same options)
};

/// Baseline YCbCr JPEG with JFIF marker (abbreviated: without). Deterministic.
std::vector<std::uint8_t> encode_jpeg(ImageView image, const JpegEncodeOptions& options = {});
/// The tables-only stream that belongs to abbreviated streams of the same options.
std::vector<std::uint8_t> jpeg_tables(const JpegEncodeOptions& options);

}  // namespace histojet::codecs
