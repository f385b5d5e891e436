#pragma once

#include <openjpeg.h>
#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "base/image.hpp"

namespace histojet::test {

/// How `encode_jpeg_2000` stores a picture.
struct Jpeg2000Choices {
  bool transform = false;  ///< the codestream's own reversible colour transform
  int chroma_step = 1;     ///< horizontal step of components 1 and 2
  int bits = 8;            ///< samples are shifted up from 8 bits
  bool is_signed = false;
  int tile = 0;        ///< side of the tiles in the codestream, 0: one tile
  int precinct = 0;    ///< side of the precincts, 0: none
  bool boxes = false;  ///< a JP2 file around the codestream
  bool sycc = false;   ///< the JP2 file says YCbCr
};

/// A lossless JPEG 2000 stream with one component per channel of `image`.
inline std::vector<std::uint8_t> encode_jpeg_2000(const Image& image, const Jpeg2000Choices& choices = {}) {
  std::vector<opj_image_cmptparm_t> infos(static_cast<std::size_t>(image.channels));
  for (std::size_t c = 0; c < infos.size(); ++c) {
    const auto step = static_cast<OPJ_UINT32>(c == 1 || c == 2 ? choices.chroma_step : 1);
    infos[c] = {};
    infos[c].dx = step;
    infos[c].dy = 1;
    infos[c].w = (static_cast<OPJ_UINT32>(image.width) + step - 1) / step;
    infos[c].h = static_cast<OPJ_UINT32>(image.height);
    infos[c].prec = static_cast<OPJ_UINT32>(choices.bits);
    infos[c].sgnd = choices.is_signed ? 1 : 0;
  }
  const auto color = choices.sycc ? OPJ_CLRSPC_SYCC : image.channels < 3 ? OPJ_CLRSPC_GRAY : OPJ_CLRSPC_SRGB;
  opj_image_t* picture = opj_image_create(static_cast<OPJ_UINT32>(infos.size()), infos.data(), color);
  picture->x1 = static_cast<OPJ_UINT32>(image.width);
  picture->y1 = static_cast<OPJ_UINT32>(image.height);
  for (std::size_t c = 0; c < infos.size(); ++c) {
    for (OPJ_UINT32 y = 0; y < infos[c].h; ++y) {
      for (OPJ_UINT32 x = 0; x < infos[c].w; ++x) {
        const int value = image.row(y)[x * infos[c].dx * static_cast<OPJ_UINT32>(image.channels) + c];
        picture->comps[c].data[y * infos[c].w + x] =
            (choices.bits > 8 ? value << (choices.bits - 8) | 5 : value) >> (choices.is_signed ? 1 : 0);
      }
    }
  }
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.tcp_rates[0] = 0;
  parameters.cp_disto_alloc = 1;
  parameters.numresolution = std::min(image.width, image.height) < 4 ? 1 : 3;
  parameters.tcp_mct = choices.transform ? 1 : 0;
  if (choices.tile > 0) {
    parameters.tile_size_on = OPJ_TRUE;
    parameters.cp_tdx = parameters.cp_tdy = choices.tile;
  }
  if (choices.precinct > 0) {
    parameters.csty = 1;
    parameters.res_spec = 1;
    parameters.prcw_init[0] = parameters.prch_init[0] = choices.precinct;
  }
  opj_codec_t* codec = opj_create_compress(choices.boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K);
  struct Output {
    std::vector<std::uint8_t> bytes;
    std::size_t at = 0;
  } output;
  opj_stream_t* stream = opj_stream_create(1 << 16, OPJ_FALSE);
  opj_stream_set_user_data(stream, &output, nullptr);
  opj_stream_set_write_function(stream, [](void* data, OPJ_SIZE_T length, void* user) {
    Output& out = *static_cast<Output*>(user);
    out.bytes.resize(std::max(out.bytes.size(), out.at + length));
    std::memcpy(out.bytes.data() + out.at, data, length);
    out.at += length;
    return length;
  });
  opj_stream_set_seek_function(stream, [](OPJ_OFF_T offset, void* user) -> OPJ_BOOL {
    static_cast<Output*>(user)->at = static_cast<std::size_t>(offset);
    return OPJ_TRUE;
  });
  opj_stream_set_skip_function(stream, [](OPJ_OFF_T length, void* user) {
    static_cast<Output*>(user)->at += static_cast<std::size_t>(length);
    return length;
  });
  const bool done = opj_setup_encoder(codec, &parameters, picture) != OPJ_FALSE &&
                    opj_start_compress(codec, picture, stream) != OPJ_FALSE && opj_encode(codec, stream) != OPJ_FALSE &&
                    opj_end_compress(codec, stream) != OPJ_FALSE;
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(picture);
  if (!done) throw std::runtime_error("the JPEG 2000 encoder failed");
  return output.bytes;
}

/// A lossless WebP stream of an RGB or RGBA picture.
inline std::vector<std::uint8_t> encode_webp(const Image& image) {
  std::uint8_t* bytes = nullptr;
  const auto encode = image.channels == 4 ? WebPEncodeLosslessRGBA : WebPEncodeLosslessRGB;
  const std::size_t length = encode(image.data.data(), static_cast<int>(image.width), static_cast<int>(image.height),
                                    static_cast<int>(image.width) * image.channels, &bytes);
  std::vector<std::uint8_t> out(bytes, bytes + length);
  WebPFree(bytes);
  return out;
}

/// PackBits as TIFF 6.0 tells it: runs of three and more, literals otherwise, with a no-op in front.
inline std::vector<std::uint8_t> encode_packbits(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint8_t> out = {128};
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t run = 1;
    while (run < 128 && i + run < bytes.size() && bytes[i + run] == bytes[i]) ++run;
    if (run > 2) {
      out.push_back(static_cast<std::uint8_t>(257 - run));
      out.push_back(bytes[i]);
      i += run;
      continue;
    }
    const std::size_t length = std::min<std::size_t>(100, bytes.size() - i);
    std::size_t literal = 1;
    while (literal < length && !(i + literal + 2 < bytes.size() && bytes[i + literal] == bytes[i + literal + 1] &&
                                 bytes[i + literal] == bytes[i + literal + 2])) {
      ++literal;
    }
    out.push_back(static_cast<std::uint8_t>(literal - 1));
    out.insert(out.end(), bytes.begin() + static_cast<std::ptrdiff_t>(i),
               bytes.begin() + static_cast<std::ptrdiff_t>(i + literal));
    i += literal;
  }
  return out;
}

}  // namespace histojet::test
