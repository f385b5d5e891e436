#include <cstdlib>

#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "codecs/jpeg_errors.hpp"

namespace histojet::codecs {
namespace {

/// libjpeg's compressor and the memory that it writes to. Its functions with setjmp hold no objects with destructors.
struct Compressor {
  JpegErrors errors;
  jpeg_compress_struct codec{};
  unsigned char* buffer = nullptr;
  unsigned long length = 0;

  Compressor() { codec.err = &errors.manager; }
  ~Compressor() {
    jpeg_destroy_compress(&codec);
    std::free(buffer);
  }

  void configure(int channels, const JpegEncodeOptions& options) {
    jpeg_create_compress(&codec);
    jpeg_mem_dest(&codec, &buffer, &length);
    codec.input_components = channels;
    codec.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_EXT_RGBX;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, options.quality, TRUE);
    codec.dct_method = JDCT_ISLOW;
    if (channels != 1) {
      codec.comp_info[0].h_samp_factor = options.subsampling;
      codec.comp_info[0].v_samp_factor = options.subsampling;
    }
  }

  bool encode(const ImageView& image, const JpegEncodeOptions& options) {
    if (setjmp(errors.jump)) return false;
    configure(image.channels, options);
    codec.image_width = static_cast<JDIMENSION>(image.width);
    codec.image_height = static_cast<JDIMENSION>(image.height);
    if (options.abbreviated) {
      codec.write_JFIF_header = FALSE;
      jpeg_suppress_tables(&codec, TRUE);
    }
    jpeg_start_compress(&codec, options.abbreviated ? FALSE : TRUE);
    while (codec.next_scanline < codec.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(image.row(codec.next_scanline));
      jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    return true;
  }

  bool write_tables(const JpegEncodeOptions& options) {
    if (setjmp(errors.jump)) return false;
    configure(3, options);
    jpeg_write_tables(&codec);
    return true;
  }
};

void check(const JpegEncodeOptions& options) {
  if (options.quality < 1 || options.quality > 100 || (options.subsampling != 1 && options.subsampling != 2)) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG: expected quality 1..100 and subsampling 1 or 2, got " +
                                                 std::to_string(options.quality) + " and " +
                                                 std::to_string(options.subsampling));
  }
}

std::vector<std::uint8_t> finish(const Compressor& compressor, bool done) {
  if (!done) throw Error(ErrorCode::kInternal, std::string("JPEG: ") + compressor.errors.message);
  return {compressor.buffer, compressor.buffer + compressor.length};
}

}  // namespace

std::vector<std::uint8_t> encode_jpeg(ImageView image, const JpegEncodeOptions& options) {
  check(options);
  if (image.width < 1 || image.height < 1 || image.width > JPEG_MAX_DIMENSION || image.height > JPEG_MAX_DIMENSION ||
      (image.channels != 1 && image.channels != 3 && image.channels != 4)) {
    throw Error(ErrorCode::kInvalidArgument, "JPEG: expected sides 1..65500 and 1, 3 or 4 channels, got " +
                                                 std::to_string(image.width) + " x " + std::to_string(image.height) +
                                                 " x " + std::to_string(image.channels));
  }
  Compressor compressor;
  const bool done = compressor.encode(image, options);
  return finish(compressor, done);
}

std::vector<std::uint8_t> jpeg_tables(const JpegEncodeOptions& options) {
  check(options);
  Compressor compressor;
  const bool done = compressor.write_tables(options);
  return finish(compressor, done);
}

}  // namespace histojet::codecs
