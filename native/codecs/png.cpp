#include "codecs/png.hpp"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "base/checked.hpp"
#include "base/error.hpp"

namespace histojet::codecs {
namespace {

constexpr std::int64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint8_t kSignature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

Error damaged(const std::string& reason) {
  return Error(ErrorCode::kCorruptFile, "PNG: " + reason);
}

std::uint32_t big_endian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

/// What libpng's callbacks see. Errors jump back into the function that called libpng; these functions hold no
/// objects with destructors.
struct Session {
  std::span<const std::uint8_t> in;
  std::size_t at = 0;
  std::vector<std::uint8_t>* out = nullptr;
  char message[160] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* session = static_cast<Session*>(png_get_error_ptr(png));
  std::strncpy(session->message, text, sizeof(session->message) - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, std::size_t length) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  if (length > session->in.size() - session->at) png_error(png, "the file ends early");
  std::memcpy(to, session->in.data() + session->at, length);
  session->at += length;
}

void on_write(png_structp png, png_bytep from, std::size_t length) {
  auto* session = static_cast<Session*>(png_get_io_ptr(png));
  bool stored = true;
  try {
    session->out->insert(session->out->end(), from, from + length);
  } catch (...) {
    stored = false;
  }
  if (!stored) png_error(png, "out of memory");
}

void on_flush(png_structp) {}

bool read_info(Session* session, png_structp png, png_infop info) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, session, on_read);
  png_set_user_limits(png, kMaxSide, kMaxSide);
  png_read_info(png, info);
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return true;
}

bool read_rows(png_structp png, png_bytepp rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

bool write_all(Session* session, png_structp png, png_infop info, const ImageView& image, int level) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_write_fn(png, session, on_write, on_flush);
  png_set_user_limits(png, kMaxSide, kMaxSide);
  png_set_compression_level(png, level);
  const int color = image.channels == 1   ? PNG_COLOR_TYPE_GRAY
                    : image.channels == 3 ? PNG_COLOR_TYPE_RGB
                                          : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8, color,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::int64_t y = 0; y < image.height; ++y) png_write_row(png, image.row(y));
  png_write_end(png, info);
  return true;
}

struct Reader {
  png_structp png;
  png_infop info;
  explicit Reader(Session* session)
      : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, session, on_error, on_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {}
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

struct Writer {
  png_structp png;
  png_infop info;
  explicit Writer(Session* session)
      : png(png_create_write_struct(PNG_LIBPNG_VER_STRING, session, on_error, on_warning)),
        info(png != nullptr ? png_create_info_struct(png) : nullptr) {}
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
};

/// Deflate shrinks at most 1032 to 1, so a small file cannot claim a large picture: checked before allocating it.
void check_plausible(std::span<const std::uint8_t> bytes, const PngHeader& header) {
  constexpr int kSamples[] = {1, 0, 3, 1, 2, 0, 4};
  const std::uint8_t depth = bytes[24];
  const std::uint8_t color = bytes[25];
  if (color > 6 || kSamples[color] == 0 || depth == 0 || depth > 16) {
    throw damaged("unknown colour type " + std::to_string(color) + " with depth " + std::to_string(depth));
  }
  const std::uint64_t row = (static_cast<std::uint64_t>(header.width) * kSamples[color] * depth + 7) / 8;
  const auto raw = checked_mul(row, static_cast<std::uint64_t>(header.height));
  const auto pixels = checked_mul(static_cast<std::uint64_t>(header.width), static_cast<std::uint64_t>(header.height));
  if (!raw || *raw / 1040 > bytes.size() || !pixels || !checked_mul(*pixels, 8)) {
    throw damaged("a file of " + std::to_string(bytes.size()) + " bytes cannot hold " + std::to_string(header.width) +
                  " x " + std::to_string(header.height) + " pixels");
  }
}

}  // namespace

PngHeader read_png_header(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 29 || !std::equal(kSignature, kSignature + 8, bytes.begin()) ||
      std::memcmp(bytes.data() + 12, "IHDR", 4) != 0) {
    throw damaged("no PNG signature with an IHDR chunk");
  }
  const PngHeader header{big_endian(bytes.data() + 16), big_endian(bytes.data() + 20)};
  if (header.width < 1 || header.height < 1 || header.width > kMaxSide || header.height > kMaxSide) {
    throw damaged("impossible size " + std::to_string(header.width) + " x " + std::to_string(header.height));
  }
  return header;
}

Image decode_png(std::span<const std::uint8_t> bytes) {
  const PngHeader header = read_png_header(bytes);
  check_plausible(bytes, header);
  Session session;
  session.in = bytes;
  Reader reader(&session);
  if (reader.info == nullptr) throw Error(ErrorCode::kOutOfMemory, "PNG: no memory for a decoder");
  if (!read_info(&session, reader.png, reader.info)) throw damaged(session.message);
  const int channels = png_get_channels(reader.png, reader.info);
  if (channels != 3 && channels != 4) throw Error(ErrorCode::kInternal, "PNG: unexpected channel count");
  Image image(header.width, header.height, channels);
  std::vector<png_bytep> rows(static_cast<std::size_t>(header.height));
  for (std::int64_t y = 0; y < header.height; ++y) rows[static_cast<std::size_t>(y)] = image.row(y);
  if (!read_rows(reader.png, rows.data())) throw damaged(session.message);
  return image;
}

std::vector<std::uint8_t> encode_png(ImageView image, int level) {
  if (image.width < 1 || image.height < 1 || image.width > kMaxSide || image.height > kMaxSide ||
      (image.channels != 1 && image.channels != 3 && image.channels != 4) || level < 0 || level > 9) {
    throw Error(ErrorCode::kInvalidArgument,
                "PNG: expected sides 1..2147483647, 1, 3 or 4 channels and level 0..9, got " +
                    std::to_string(image.width) + " x " + std::to_string(image.height) + " x " +
                    std::to_string(image.channels) + " and level " + std::to_string(level));
  }
  std::vector<std::uint8_t> out;
  Session session;
  session.out = &out;
  Writer writer(&session);
  if (writer.info == nullptr) throw Error(ErrorCode::kOutOfMemory, "PNG: no memory for an encoder");
  if (!write_all(&session, writer.png, writer.info, image, level)) {
    throw Error(ErrorCode::kInternal, std::string("PNG: ") + session.message);
  }
  return out;
}

}  // namespace histojet::codecs
