// How much of OpenJPEG's speed reaches the reader of a slide: our read_region beside OpenJPEG alone on the same tile
// streams in memory, one thread, rounds in turn, medians of pixels per CPU second.
//   jpeg_2000_bench SOURCE OUT.tif [ROUNDS [33005 | 33003]]
// Takes the pixels of SOURCE (any slide), writes them to OUT.tif as Aperio-like JPEG 2000 tiles (33005: lossy 12:1,
// component transform; 33003: lossy 12:1, YCbCr with one pair of chroma samples for two pixels) and prints one JSON
// line.

#include <openjpeg.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "clock.hpp"
#include "slide/slide.hpp"

namespace {

using namespace histojet;
using Bytes = std::vector<std::uint8_t>;

constexpr std::int64_t kTile = 256;
constexpr std::int64_t kTilesAcross = 8;
constexpr std::int64_t kSide = kTile * kTilesAcross;
constexpr std::uint32_t kAperioYCbCr = 33003;
constexpr std::uint32_t kAperioRgb = 33005;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// A stream in memory behind OpenJPEG's callbacks.
struct Memory {
  Bytes bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read_memory(void* to, OPJ_SIZE_T wanted, void* user) {
  auto& memory = *static_cast<Memory*>(user);
  const std::size_t count = std::min(wanted, memory.bytes.size() - memory.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(to, memory.bytes.data() + memory.at, count);
  memory.at += count;
  return count;
}

OPJ_SIZE_T write_memory(void* from, OPJ_SIZE_T count, void* user) {
  auto& memory = *static_cast<Memory*>(user);
  memory.bytes.resize(std::max(memory.bytes.size(), memory.at + count));
  std::memcpy(memory.bytes.data() + memory.at, from, count);
  memory.at += count;
  return count;
}

OPJ_OFF_T skip_memory(OPJ_OFF_T count, void* user) {
  static_cast<Memory*>(user)->at += static_cast<std::size_t>(count);
  return count;
}

OPJ_BOOL seek_memory(OPJ_OFF_T to, void* user) {
  static_cast<Memory*>(user)->at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

struct FreeStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct FreeCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct FreePicture {
  void operator()(opj_image_t* picture) const { opj_image_destroy(picture); }
};
using Stream = std::unique_ptr<opj_stream_t, FreeStream>;
using Codec = std::unique_ptr<opj_codec_t, FreeCodec>;
using Picture = std::unique_ptr<opj_image_t, FreePicture>;

Stream open_stream(Memory& memory, bool reading) {
  Stream stream(opj_stream_create(1 << 16, reading ? OPJ_TRUE : OPJ_FALSE));
  opj_stream_set_user_data(stream.get(), &memory, nullptr);
  opj_stream_set_user_data_length(stream.get(), memory.bytes.size());
  opj_stream_set_read_function(stream.get(), read_memory);
  opj_stream_set_write_function(stream.get(), write_memory);
  opj_stream_set_skip_function(stream.get(), skip_memory);
  opj_stream_set_seek_function(stream.get(), seek_memory);
  return stream;
}

/// One sample of full-range BT.601.
OPJ_INT32 ycbcr_sample(const std::uint8_t* rgb, std::size_t component) {
  constexpr double kFactors[3][3] = {{0.299, 0.587, 0.114}, {-0.168736, -0.331264, 0.5}, {0.5, -0.418688, -0.081312}};
  double sum = component == 0 ? 0 : 128;
  for (std::size_t c = 0; c < 3; ++c) sum += kFactors[component][c] * rgb[c];
  return std::clamp(static_cast<OPJ_INT32>(std::lround(sum)), 0, 255);
}

void fill_planes(const Image& tile, bool ycbcr, opj_image_t& picture) {
  for (std::size_t c = 0; c < 3; ++c) {
    const opj_image_comp_t& plane = picture.comps[c];
    for (std::size_t i = 0; i < std::size_t{plane.w} * plane.h; ++i) {
      const std::uint8_t* rgb = &tile.data[i * plane.dx * 3];
      plane.data[i] = ycbcr ? ycbcr_sample(rgb, c) : rgb[c];
    }
  }
}

Bytes encode(const Image& tile, std::uint32_t compression) {
  const bool ycbcr = compression == kAperioYCbCr;
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.tcp_rates[0] = 12;
  parameters.cp_disto_alloc = 1;
  parameters.irreversible = 1;
  parameters.tcp_mct = ycbcr ? 0 : 1;
  opj_image_cmptparm_t component{};
  component.dx = component.dy = 1;
  component.w = component.h = static_cast<OPJ_UINT32>(kTile);
  component.prec = 8;
  opj_image_cmptparm_t chroma = component;
  chroma.dx = ycbcr ? 2 : 1;
  chroma.w = component.w / chroma.dx;
  opj_image_cmptparm_t components[3] = {component, chroma, chroma};
  const Picture picture(opj_image_create(3, components, OPJ_CLRSPC_SRGB));
  picture->x1 = picture->y1 = static_cast<OPJ_UINT32>(kTile);
  fill_planes(tile, ycbcr, *picture);
  const Codec codec(opj_create_compress(OPJ_CODEC_J2K));
  Memory memory;
  const Stream stream = open_stream(memory, false);
  if (!opj_setup_encoder(codec.get(), &parameters, picture.get()) ||
      !opj_start_compress(codec.get(), picture.get(), stream.get()) || !opj_encode(codec.get(), stream.get()) ||
      !opj_end_compress(codec.get(), stream.get())) {
    throw Error(ErrorCode::kInternal, "OpenJPEG could not encode a tile");
  }
  return memory.bytes;
}

/// OpenJPEG alone, as directly as it can be used; the pixels stay in its own planes.
void decode(Memory& memory) {
  memory.at = 0;
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  const Codec codec(opj_create_decompress(OPJ_CODEC_J2K));
  const Stream stream = open_stream(memory, true);
  opj_image_t* image = nullptr;
  const bool read = opj_setup_decoder(codec.get(), &parameters) && opj_read_header(stream.get(), codec.get(), &image) &&
                    opj_decode(codec.get(), stream.get(), image);
  opj_image_destroy(image);
  if (!read) throw Error(ErrorCode::kInternal, "OpenJPEG could not decode its own tile");
}

class TiffWriter {
 public:
  explicit TiffWriter(const char* path) : file_(path, std::ios::binary) {
    put(0x4949, 2);
    put(42, 2);
    put(0, 4);
  }
  std::uint32_t append(const Bytes& bytes) {
    const std::uint32_t at = at_;
    file_.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    at_ += static_cast<std::uint32_t>(bytes.size());
    return at;
  }
  void finish(const std::vector<std::uint32_t>& offsets, const std::vector<std::uint32_t>& lengths,
              std::uint32_t compression) {
    const std::uint32_t offsets_at = table(offsets);
    const std::uint32_t lengths_at = table(lengths);
    const std::string description = "Aperio Image Library|AppMag = 20|MPP = 0.5";
    const std::uint32_t text_at = append(Bytes(description.c_str(), description.c_str() + description.size() + 1));
    const std::uint32_t bits_at = append({8, 0, 8, 0, 8, 0});
    const std::uint32_t directory = at_;
    const auto count = static_cast<std::uint32_t>(offsets.size());
    put(12, 2);
    field(256, 4, 1, static_cast<std::uint32_t>(kSide));
    field(257, 4, 1, static_cast<std::uint32_t>(kSide));
    field(258, 3, 3, bits_at);
    field(259, 3, 1, compression);
    field(262, 3, 1, 2);
    field(270, 2, static_cast<std::uint32_t>(description.size()) + 1, text_at);
    field(277, 3, 1, 3);
    field(284, 3, 1, 1);
    field(322, 3, 1, static_cast<std::uint32_t>(kTile));
    field(323, 3, 1, static_cast<std::uint32_t>(kTile));
    field(324, 4, count, offsets_at);
    field(325, 4, count, lengths_at);
    put(0, 4);
    file_.seekp(4);
    put(directory, 4);
    if (!file_.flush()) throw Error(ErrorCode::kIo, "cannot write the JPEG 2000 slide");
  }

 private:
  void put(std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) file_.put(static_cast<char>(value >> (8 * i)));
    at_ += static_cast<std::uint32_t>(size);
  }
  void field(std::uint32_t tag, std::uint32_t type, std::uint32_t count, std::uint32_t value) {
    put(tag, 2);
    put(type, 2);
    put(count, 4);
    put(value, 4);
  }
  std::uint32_t table(const std::vector<std::uint32_t>& values) {
    const std::uint32_t at = at_;
    for (const std::uint32_t value : values) put(value, 4);
    return at;
  }

  std::ofstream file_;
  std::uint32_t at_ = 0;
};

std::vector<Memory> write_slide(const char* source, const char* path, std::uint32_t compression) {
  const auto slide = slide::Slide::open(source);
  TiffWriter writer(path);
  std::vector<Memory> tiles;
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint32_t> lengths;
  for (std::int64_t i = 0; i < kTilesAcross * kTilesAcross; ++i) {
    const std::int64_t x = slide->width() / 2 - kSide / 2 + i % kTilesAcross * kTile;
    const std::int64_t y = slide->height() / 2 - kSide / 2 + i / kTilesAcross * kTile;
    tiles.push_back({encode(slide->read_region({.x = x, .y = y, .width = kTile, .height = kTile}), compression)});
    offsets.push_back(writer.append(tiles.back().bytes));
    lengths.push_back(static_cast<std::uint32_t>(tiles.back().bytes.size()));
  }
  writer.finish(offsets, lengths, compression);
  return tiles;
}

void run(const char* source, const char* path, int rounds, std::uint32_t compression) {
  std::vector<Memory> tiles = write_slide(source, path, compression);
  const auto slide = slide::Slide::open(path, {.max_cache_bytes = 0});
  constexpr double kMegapixels = static_cast<double>(kSide * kSide) * 1e-6;
  std::vector<double> ours;
  std::vector<double> theirs;
  Bytes out(static_cast<std::size_t>(kSide * kSide * 3));
  for (int round = 0; round < rounds; ++round) {
    double start = cpu_seconds();
    for (Memory& tile : tiles) decode(tile);
    theirs.push_back(kMegapixels / (cpu_seconds() - start));
    start = cpu_seconds();
    slide->read_region({.width = kSide, .height = kSide}, out, {});
    ours.push_back(kMegapixels / (cpu_seconds() - start));
  }
  std::printf("{\"workload\": \"JPEG 2000 tiles%s, whole level\", \"ours\": %.3f, \"theirs\": %.3f}\n",
              compression == kAperioYCbCr ? " (33003)" : "", median(ours), median(theirs));
}

}  // namespace

int main(int count, char** arguments) {
  setenv("HISTOJET_THREADS", "1", 0);
  if (count < 3) {
    std::fprintf(stderr, "usage: jpeg_2000_bench SOURCE OUT.tif [ROUNDS [33005 | 33003]]\n");
    return 2;
  }
  try {
    const bool ycbcr = count > 4 && std::atoi(arguments[4]) == static_cast<int>(kAperioYCbCr);
    run(arguments[1], arguments[2], count > 3 ? std::atoi(arguments[3]) : 5, ycbcr ? kAperioYCbCr : kAperioRgb);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
