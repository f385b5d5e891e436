#include "codecs/jpeg.hpp"

#include <jerror.h>

#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "codecs/jpeg_errors.hpp"

namespace histojet::codecs {
namespace {

// A progressive stream may repeat scans for ever; real ones have about ten.
constexpr int kMaxScans = 500;

void limit_scans(j_common_ptr codec) {
  const auto* decoder = reinterpret_cast<jpeg_decompress_struct*>(codec);
  if (decoder->input_scan_number > kMaxScans) {
    codec->err->msg_code = JERR_BAD_PROGRESSION;
    std::fill_n(codec->err->msg_parm.i, 4, decoder->input_scan_number);
    codec->err->error_exit(codec);
  }
}

/// True when the stream brings tables of its own, which then replace those that set_tables gave.
bool brings_tables(std::span<const std::uint8_t> stream) {
  std::size_t at = 2;
  while (at + 4 <= stream.size() && stream[at] == 0xFF) {
    const std::uint8_t marker = stream[at + 1];
    if (marker == 0xDA) return false;
    if (marker == 0xC4 || marker == 0xDB) return true;
    at += 2 + static_cast<std::size_t>(stream[at + 2] << 8 | stream[at + 3]);
  }
  // Something unusual before the scan (fill bytes, damage): assume the worse.
  return true;
}

Error damaged(const std::string& reason) {
  return Error(ErrorCode::kCorruptFile, "JPEG: " + reason);
}

void check_shrink(int shrink) {
  if (shrink == 1 || shrink == 2 || shrink == 4 || shrink == 8) return;
  throw Error(ErrorCode::kInvalidArgument, "JPEG: expected a shrink of 1, 2, 4 or 8, got " + std::to_string(shrink));
}

struct Request {
  JpegColor color;
  std::int64_t width;
  std::int64_t height;
  int channels;
  std::uint8_t* out;
  std::int64_t stride;
  int shrink;
  const JpegWindow* window = nullptr;  ///< null: the whole stream
};

J_COLOR_SPACE color_space(JpegColor color) {
  switch (color) {
    case JpegColor::kRgb:
      return JCS_RGB;
    case JpegColor::kYCbCr:
      return JCS_YCbCr;
    default:
      return JCS_GRAYSCALE;
  }
}

JpegHeader header_of(const jpeg_decompress_struct& decoder) {
  JpegHeader header;
  header.width = decoder.image_width;
  header.height = decoder.image_height;
  header.components = decoder.num_components;
  if (decoder.num_components > 1) {
    header.unit_width = decoder.max_h_samp_factor * DCTSIZE;
    header.unit_height = decoder.max_v_samp_factor * DCTSIZE;
  }
  header.restart_interval = static_cast<int>(decoder.restart_interval);
  header.single_scan = decoder.progressive_mode == FALSE && decoder.comps_in_scan == decoder.num_components;
  return header;
}

enum class Outcome { kDone, kLibjpegError, kWrongSize, kWrongComponents };

}  // namespace

struct JpegDecoder::State {
  JpegErrors errors;
  jpeg_decompress_struct decoder{};
  jpeg_progress_mgr progress{};
  std::vector<std::uint8_t> tables;
  std::vector<std::uint8_t> line;  ///< one row with its margins, for windows
  bool created = false;
  bool dirty = true;  ///< libjpeg's tables are not (only) those of `tables`

  ~State() { destroy(); }

  void destroy() {
    if (created) jpeg_destroy_decompress(&decoder);
    created = false;
  }
  bool create();
  bool load_tables();
  bool header(std::span<const std::uint8_t> stream);
  Outcome decode(std::span<const std::uint8_t> stream, const Request& request);
  /// Both return whether the whole stream has been decoded.
  bool read_all(const Request& request);
  bool read_window(const Request& request);
  void prepare();
  std::string run(std::span<const std::uint8_t> stream, const Request& request, bool tolerant);
};

// The functions with setjmp hold no objects with destructors: libjpeg's longjmp would skip them.
bool JpegDecoder::State::create() {
  destroy();
  decoder.err = &errors.manager;
  if (setjmp(errors.jump)) return false;
  jpeg_create_decompress(&decoder);
  created = true;
  progress.progress_monitor = limit_scans;
  decoder.progress = &progress;
  return true;
}

bool JpegDecoder::State::load_tables() {
  if (setjmp(errors.jump)) return false;
  jpeg_mem_src(&decoder, tables.data(), tables.size());
  const int kind = jpeg_read_header(&decoder, FALSE);
  if (kind == JPEG_HEADER_TABLES_ONLY) return true;
  std::snprintf(errors.message, sizeof(errors.message), "the tables stream holds an image");
  jpeg_abort_decompress(&decoder);
  return false;
}

bool JpegDecoder::State::header(std::span<const std::uint8_t> stream) {
  if (setjmp(errors.jump)) {
    jpeg_abort_decompress(&decoder);
    return false;
  }
  jpeg_mem_src(&decoder, stream.data(), stream.size());
  jpeg_read_header(&decoder, TRUE);
  return true;
}

Outcome JpegDecoder::State::decode(std::span<const std::uint8_t> stream, const Request& request) {
  if (setjmp(errors.jump)) {
    jpeg_abort_decompress(&decoder);
    return Outcome::kLibjpegError;
  }
  jpeg_mem_src(&decoder, stream.data(), stream.size());
  jpeg_read_header(&decoder, TRUE);
  if (decoder.image_width != request.width || decoder.image_height != request.height) return Outcome::kWrongSize;
  if (request.color != JpegColor::kAuto) {
    if (decoder.num_components != (request.color == JpegColor::kGrey ? 1 : 3)) return Outcome::kWrongComponents;
    decoder.jpeg_color_space = color_space(request.color);
  } else if (decoder.num_components != 1 && decoder.num_components != 3) {
    return Outcome::kWrongComponents;
  }
  decoder.out_color_space = request.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  decoder.dct_method = JDCT_ISLOW;
  decoder.do_fancy_upsampling = TRUE;
  decoder.scale_num = 1;
  decoder.scale_denom = static_cast<unsigned>(request.shrink);
  jpeg_start_decompress(&decoder);
  const bool to_the_end = request.window == nullptr ? read_all(request) : read_window(request);
  if (to_the_end) {
    jpeg_finish_decompress(&decoder);
  } else {
    jpeg_abort_decompress(&decoder);
  }
  return Outcome::kDone;
}

bool JpegDecoder::State::read_all(const Request& request) {
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW rows[16];
    const JDIMENSION left = std::min<JDIMENSION>(16, decoder.output_height - decoder.output_scanline);
    for (JDIMENSION i = 0; i < left; ++i) rows[i] = request.out + (decoder.output_scanline + i) * request.stride;
    jpeg_read_scanlines(&decoder, rows, left);
  }
  return true;
}

bool JpegDecoder::State::read_window(const Request& request) {
  const JpegWindow& window = *request.window;
  // Smooth upsampling looks at the neighbours, so a unit more is decoded on both sides.
  const std::int64_t unit = std::int64_t{decoder.max_h_samp_factor} * decoder.min_DCT_scaled_size;
  const std::int64_t right = std::min<std::int64_t>(decoder.output_width, window.x + window.width + unit);
  auto left = static_cast<JDIMENSION>(std::max<std::int64_t>(0, window.x - unit));
  auto width = static_cast<JDIMENSION>(right) - left;
  if (width < decoder.output_width) jpeg_crop_scanline(&decoder, &left, &width);
  if (window.y > 0) jpeg_skip_scanlines(&decoder, static_cast<JDIMENSION>(window.y));
  JSAMPROW row = line.data();
  const auto skip = static_cast<std::size_t>((window.x - left) * request.channels);
  const auto length = static_cast<std::size_t>(window.width * request.channels);
  for (std::int64_t y = 0; y < window.height; ++y) {
    jpeg_read_scanlines(&decoder, &row, 1);
    std::memcpy(request.out + y * request.stride, line.data() + skip, length);
  }
  // The last row of units is decoded by now; what is left of it leads to the checks at the end of the stream.
  const auto unit_height = static_cast<JDIMENSION>(decoder.max_v_samp_factor * decoder.min_DCT_scaled_size);
  const JDIMENSION last = (decoder.output_height - 1) / unit_height * unit_height;
  if (decoder.output_scanline <= last) return false;
  while (decoder.output_scanline < decoder.output_height) jpeg_read_scanlines(&decoder, &row, 1);
  return true;
}

/// Makes libjpeg's tables those of the last set_tables, whatever streams came in between, so that a result never
/// depends on what the thread decoded before.
void JpegDecoder::State::prepare() {
  if (!dirty) return;
  errors.tolerant = false;
  if (!create()) throw damaged(errors.message);
  if (!tables.empty() && !load_tables()) throw damaged(std::string("damaged tables: ") + errors.message);
  dirty = false;
}

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {}
JpegDecoder::~JpegDecoder() = default;

void JpegDecoder::set_tables(std::span<const std::uint8_t> tables) {
  if (!state_->dirty && std::ranges::equal(tables, state_->tables)) return;
  state_->tables.assign(tables.begin(), tables.end());
  state_->dirty = true;
  state_->prepare();
}

JpegHeader JpegDecoder::read_header(std::span<const std::uint8_t> stream) {
  State& state = *state_;
  state.prepare();
  state.dirty = true;
  if (!state.header(stream)) throw damaged(state.errors.message);
  const JpegHeader header = header_of(state.decoder);
  jpeg_abort_decompress(&state.decoder);
  return header;
}

std::string JpegDecoder::decode(std::span<const std::uint8_t> stream, JpegColor color, std::int64_t width,
                                std::int64_t height, int channels, std::uint8_t* out, std::int64_t stride,
                                bool tolerant, int shrink) {
  check_shrink(shrink);
  if ((channels != 1 && channels != 3) || stride < (width + shrink - 1) / shrink * channels) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG: expected 1 or 3 channels and a stride of at least one row");
  }
  return state_->run(stream, {color, width, height, channels, out, stride, shrink}, tolerant);
}

void JpegDecoder::decode_window(std::span<const std::uint8_t> stream, JpegColor color, std::int64_t width,
                                std::int64_t height, int channels, const JpegWindow& window, std::uint8_t* out,
                                std::int64_t stride, int shrink) {
  check_shrink(shrink);
  if ((channels != 1 && channels != 3) || stride < window.width * channels) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG: expected 1 or 3 channels and a stride of at least one row");
  }
  const std::int64_t right = (width + shrink - 1) / shrink;
  const std::int64_t bottom = (height + shrink - 1) / shrink;
  if (window.x < 0 || window.y < 0 || window.width < 1 || window.height < 1 || window.width > right - window.x ||
      window.height > bottom - window.y) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG: the window leaves the stream");
  }
  state_->line.resize(static_cast<std::size_t>(right * channels));
  state_->run(stream, {color, width, height, channels, out, stride, shrink, &window}, false);
}

/// Decodes and turns what libjpeg says into errors.
std::string JpegDecoder::State::run(std::span<const std::uint8_t> stream, const Request& request, bool tolerant) {
  prepare();
  errors.tolerant = tolerant;
  dirty = true;
  const Outcome outcome = decode(stream, request);
  if (outcome == Outcome::kLibjpegError) throw damaged(errors.message);
  if (outcome != Outcome::kDone) {
    const JpegHeader header = header_of(decoder);
    jpeg_abort_decompress(&decoder);
    if (outcome == Outcome::kWrongComponents) {
      throw damaged("the stream has " + std::to_string(header.components) + " components, expected " +
                    (request.color == JpegColor::kAuto   ? "1 or 3"
                     : request.color == JpegColor::kGrey ? "1"
                                                         : "3"));
    }
    throw damaged("the stream is " + std::to_string(header.width) + " x " + std::to_string(header.height) +
                  " pixels, expected " + std::to_string(request.width) + " x " + std::to_string(request.height));
  }
  dirty = brings_tables(stream) || decoder.input_scan_number > 1;
  return errors.manager.num_warnings > 0 ? errors.message : "";
}

}  // namespace histojet::codecs
