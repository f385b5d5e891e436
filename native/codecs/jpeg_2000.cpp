#include "codecs/jpeg_2000.hpp"

#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/cpu_info.hpp"
#include "base/error.hpp"
#include "codecs/jpeg_2000_pixels.hpp"
#include "codecs/jpeg_2000_stream.hpp"
#include "codecs/ycbcr.hpp"

namespace histojet::codecs {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct FreeCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct FreeStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct FreeImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

/// The codestream as OpenJPEG reads it.
struct Input {
  Bytes bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read_bytes(void* buffer, OPJ_SIZE_T length, void* data) {
  Input& input = *static_cast<Input*>(data);
  const std::size_t count = std::min<std::size_t>(length, input.bytes.size() - input.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(buffer, input.bytes.data() + input.at, count);
  input.at += count;
  return count;
}

OPJ_OFF_T skip_bytes(OPJ_OFF_T length, void* data) {
  Input& input = *static_cast<Input*>(data);
  if (length < 0) return -1;
  const auto left = static_cast<OPJ_OFF_T>(input.bytes.size() - input.at);
  const OPJ_OFF_T count = std::min(length, left);
  input.at += static_cast<std::size_t>(count);
  return count == 0 && length > 0 ? -1 : count;
}

OPJ_BOOL seek_bytes(OPJ_OFF_T offset, void* data) {
  Input& input = *static_cast<Input*>(data);
  if (offset < 0 || static_cast<std::uint64_t>(offset) > input.bytes.size()) return OPJ_FALSE;
  input.at = static_cast<std::size_t>(offset);
  return OPJ_TRUE;
}

std::unique_ptr<opj_stream_t, FreeStream> make_stream(Input& input) {
  // OpenJPEG copies the stream through this buffer; its default of a MiB would cost more than a small tile.
  constexpr std::size_t kBuffer = 16 << 10;
  std::unique_ptr<opj_stream_t, FreeStream> stream(opj_stream_create(kBuffer, OPJ_TRUE));
  if (!stream) throw Error(ErrorCode::kOutOfMemory, "JPEG 2000: no memory for a stream");
  opj_stream_set_read_function(stream.get(), read_bytes);
  opj_stream_set_skip_function(stream.get(), skip_bytes);
  opj_stream_set_seek_function(stream.get(), seek_bytes);
  opj_stream_set_user_data(stream.get(), &input, nullptr);
  opj_stream_set_user_data_length(stream.get(), input.bytes.size());
  return stream;
}

/// The first error and the first warning of a decoder.
struct Messages {
  std::string error;
  std::string warning;
};

void keep(std::string& place, const char* text) {
  if (!place.empty() || text == nullptr) return;
  place = text;
  while (!place.empty() && (place.back() == '\n' || place.back() == ' ')) place.pop_back();
}

std::unique_ptr<opj_codec_t, FreeCodec> make_codec(Messages& messages, bool tolerant) {
  std::unique_ptr<opj_codec_t, FreeCodec> codec(opj_create_decompress(OPJ_CODEC_J2K));
  if (!codec) throw Error(ErrorCode::kOutOfMemory, "JPEG 2000: no memory for a decoder");
  opj_set_info_handler(
      codec.get(), [](const char*, void*) {}, nullptr);
  opj_set_warning_handler(
      codec.get(), [](const char* text, void* data) { keep(static_cast<Messages*>(data)->warning, text); }, &messages);
  opj_set_error_handler(
      codec.get(), [](const char* text, void* data) { keep(static_cast<Messages*>(data)->error, text); }, &messages);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  // Tiles are decoded side by side, so none of them needs threads of its own, whatever OPJ_NUM_THREADS says.
  if (opj_setup_decoder(codec.get(), &parameters) == OPJ_FALSE ||
      opj_decoder_set_strict_mode(codec.get(), tolerant ? OPJ_FALSE : OPJ_TRUE) == OPJ_FALSE ||
      opj_codec_set_threads(codec.get(), 0) == OPJ_FALSE) {
    throw Error(ErrorCode::kInternal, "JPEG 2000: OpenJPEG refuses its own defaults");
  }
  return codec;
}

/// Where pixels go.
struct Target {
  std::int64_t width;
  std::int64_t height;
  int channels;
  std::uint8_t* out;
  std::int64_t stride;

  std::uint8_t* row(std::int64_t y) const { return out + y * stride; }
};

/// The usual cases, three components of 8 bits that are RGB at full resolution or YCbCr with one pair of chroma samples
/// for two pixels of a row (Aperio).
void write_planes(const opj_image_t& image, PlaneRowWriter write, const Target& target) {
  const OPJ_INT32* planes[3];
  for (std::size_t c = 0; c < 3; ++c) planes[c] = image.comps[c].data;
  for (std::int64_t y = 0; y < target.height; ++y) {
    write({planes[0], planes[1], planes[2], target.width, target.row(y)});
    for (std::size_t c = 0; c < 3; ++c) planes[c] += image.comps[c].w;
  }
}

/// One row of a component at full resolution: subsampled ones are repeated, other depths scaled to 8 bits.
void read_row(const opj_image_comp_t& component, std::int64_t y, std::span<std::uint8_t> out) {
  const std::int64_t line = std::min<std::int64_t>(y / component.dy, component.h - 1);
  const OPJ_INT32* from = component.data + line * component.w;
  const auto last = static_cast<std::size_t>(component.w - 1);
  const int bits = static_cast<int>(component.prec);
  const int top = (1 << bits) - 1;
  const auto to_byte = [&](OPJ_INT32 value) {
    if (bits == 8) return static_cast<std::uint8_t>(value);
    return static_cast<std::uint8_t>(bits > 8 ? value >> (bits - 8) : (value * 255 + top / 2) / top);
  };
  if (component.dx == 1) {
    for (std::size_t x = 0; x < out.size(); ++x) out[x] = to_byte(from[x]);
    return;
  }
  for (std::size_t x = 0, i = 0; x < out.size(); ++i) {
    const std::uint8_t value = to_byte(from[std::min(i, last)]);
    for (OPJ_UINT32 k = 0; k < component.dx && x < out.size(); ++k) out[x++] = value;
  }
}

void combine_ycbcr(std::span<const std::uint8_t> rows, std::span<std::uint8_t> out) {
  const std::size_t width = rows.size() / 3;
  for (std::size_t x = 0; x < width; ++x) {
    put_rgb(&out[x * 3], rows[x], chroma_of(rows[width + x], rows[2 * width + x]));
  }
}

bool is_plain(const opj_image_comp_t& component, OPJ_UINT32 step) {
  return component.dx == step && component.dy == 1 && component.prec == 8;
}

/// Everything else, by way of one row of bytes per component.
void write_rows(const opj_image_t& image, Jpeg2000Color color, const Target& target) {
  const auto width = static_cast<std::size_t>(target.width);
  const std::size_t used = target.channels == 3 && image.numcomps >= 3 && color != Jpeg2000Color::kGrey ? 3 : 1;
  std::vector<std::uint8_t> rows(width * used);
  for (std::int64_t y = 0; y < target.height; ++y) {
    for (std::size_t c = 0; c < used; ++c) read_row(image.comps[c], y, std::span(rows).subspan(c * width, width));
    const std::span<std::uint8_t> out(target.row(y), width * static_cast<std::size_t>(target.channels));
    if (target.channels == 1) {
      std::ranges::copy(rows, out.begin());
    } else if (color == Jpeg2000Color::kYCbCr && used == 3) {
      combine_ycbcr(rows, out);
    } else {
      for (std::size_t x = 0; x < width; ++x) {
        for (std::size_t c = 0; c < 3; ++c) out[x * 3 + c] = rows[(used == 3 ? c * width : 0) + x];
      }
    }
  }
}

void check_components(const opj_image_t& image, const Target& target) {
  for (OPJ_UINT32 i = 0; i < image.numcomps; ++i) {
    const opj_image_comp_t& component = image.comps[i];
    const auto expected = [](std::int64_t size, OPJ_UINT32 step) { return (size + step - 1) / step; };
    if (component.data == nullptr || component.dx == 0 || component.dy == 0 || component.prec < 1 ||
        component.prec > 16 || component.w != expected(target.width, component.dx) ||
        component.h != expected(target.height, component.dy)) {
      throw Error(ErrorCode::kCorruptFile, "JPEG 2000: component " + std::to_string(i) + " was not decoded");
    }
  }
}

void write_pixels(const opj_image_t& image, Jpeg2000Color color, const Target& target) {
  check_components(image, target);
  const auto steps = [&](OPJ_UINT32 chroma) {
    return target.channels == 3 && image.numcomps >= 3 && is_plain(image.comps[0], 1) &&
           is_plain(image.comps[1], chroma) && is_plain(image.comps[2], chroma);
  };
  const bool wide = active_isa() >= Isa::kAvx2;
  if (color == Jpeg2000Color::kRgb && steps(1)) {
    write_planes(image, wide ? write_rgb_row_avx2 : write_rgb_row_scalar, target);
  } else if (color == Jpeg2000Color::kYCbCr && steps(2)) {
    write_planes(image, wide ? write_ycbcr_422_row_avx2 : write_ycbcr_422_row_scalar, target);
  } else {
    write_rows(image, color, target);
  }
}

}  // namespace

std::string decode_jpeg_2000(std::span<const std::uint8_t> stream, Jpeg2000Color color, std::int64_t width,
                             std::int64_t height, int channels, std::uint8_t* out, std::int64_t stride, bool tolerant) {
  if ((channels != 1 && channels != 3) || stride < width * channels) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG 2000: expected 1 or 3 channels and a stride of at least one row");
  }
  const Jpeg2000Stream parsed = parse_jpeg_2000(stream, tolerant);
  const Jpeg2000Header& header = parsed.header;
  if (header.width != width || header.height != height) {
    throw Error(ErrorCode::kCorruptFile, "JPEG 2000: the stream is " + std::to_string(header.width) + " x " +
                                             std::to_string(header.height) + " pixels, expected " +
                                             std::to_string(width) + " x " + std::to_string(height));
  }
  if (color != Jpeg2000Color::kGrey && channels == 3 && header.components == 2) {
    throw Error(ErrorCode::kCorruptFile, "JPEG 2000: the stream has 2 components, expected 3");
  }
  Messages messages;
  Input input{parsed.bytes};
  const auto codec = make_codec(messages, tolerant);
  const auto source = make_stream(input);
  opj_image_t* raw = nullptr;
  const bool read = opj_read_header(source.get(), codec.get(), &raw) != OPJ_FALSE;
  const std::unique_ptr<opj_image_t, FreeImage> image(raw);
  if (!read || !image || opj_decode(codec.get(), source.get(), image.get()) == OPJ_FALSE) {
    throw Error(ErrorCode::kCorruptFile,
                "JPEG 2000: " + (messages.error.empty() ? std::string("damaged or cut stream") : messages.error));
  }
  const bool sycc = color == Jpeg2000Color::kRgb && parsed.sycc;
  write_pixels(*image, sycc ? Jpeg2000Color::kYCbCr : color, {width, height, channels, out, stride});
  if (!tolerant) return {};
  if (!parsed.repaired.empty()) return "JPEG 2000: a tile-part ends after the stream";
  return messages.warning.empty() ? std::string() : "JPEG 2000: " + messages.warning;
}

}  // namespace histojet::codecs
