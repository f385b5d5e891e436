// How much of libjpeg-turbo's speed reaches the reader of a slide: our read_region beside libjpeg alone on the same
// tile streams in memory, one thread, rounds in turn, medians of pixels per CPU second.
//   slide_bench SLIDE.tif [ROUNDS]
//   slide_bench --wall SLIDE.tif      one pass over level 0 in megapixels per second of wall time (for thread scaling)
// SLIDE is a tiled JPEG TIFF (photometric RGB or YCbCr). Prints one JSON line per workload.

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two headers above it.
#include <jpeglib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "clock.hpp"
#include "slide/slide.hpp"
#include "slide/tiff_level.hpp"

namespace {

using namespace histojet;

constexpr std::int64_t kBlockTiles = 4;
constexpr std::size_t kBlocks = 24;
constexpr std::size_t kWindowPixels = 1 << 24;

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// libjpeg-turbo as directly as it can be used: tables once, one scanline loop, one reused buffer.
class RawJpeg {
 public:
  RawJpeg(const std::vector<std::uint8_t>& tables, bool rgb) : rgb_(rgb) {
    decoder_.err = jpeg_std_error(&errors_);
    jpeg_create_decompress(&decoder_);
    if (tables.empty()) return;
    jpeg_mem_src(&decoder_, tables.data(), tables.size());
    jpeg_read_header(&decoder_, FALSE);
  }
  ~RawJpeg() { jpeg_destroy_decompress(&decoder_); }
  RawJpeg(const RawJpeg&) = delete;
  RawJpeg& operator=(const RawJpeg&) = delete;

  void decode(const std::vector<std::uint8_t>& stream) {
    jpeg_mem_src(&decoder_, stream.data(), stream.size());
    jpeg_read_header(&decoder_, TRUE);
    decoder_.jpeg_color_space = rgb_ ? JCS_RGB : JCS_YCbCr;
    decoder_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&decoder_);
    const std::size_t stride = std::size_t{decoder_.output_width} * 3;
    out_.resize(stride * decoder_.output_height);
    while (decoder_.output_scanline < decoder_.output_height) {
      JSAMPROW rows[16];
      const JDIMENSION left = std::min<JDIMENSION>(16, decoder_.output_height - decoder_.output_scanline);
      for (JDIMENSION i = 0; i < left; ++i) rows[i] = out_.data() + (decoder_.output_scanline + i) * stride;
      jpeg_read_scanlines(&decoder_, rows, left);
    }
    jpeg_finish_decompress(&decoder_);
  }

 private:
  jpeg_decompress_struct decoder_{};
  jpeg_error_mgr errors_{};
  bool rgb_;
  std::vector<std::uint8_t> out_;
};

struct Window {
  std::int64_t x, y, width, height;
};

/// What one workload reads, and the streams of the tiles under it, loaded before the clock starts.
struct Workload {
  const char* name;
  std::vector<Window> windows;
  std::vector<std::vector<std::uint8_t>> streams;

  double megapixels() const {
    double sum = 0;
    for (const Window& window : windows) sum += static_cast<double>(window.width * window.height) * 1e-6;
    return sum;
  }
};

void load_streams(const slide::TiffFile& file, const slide::TiffLevel& level, Workload& workload) {
  for (const Window& window : workload.windows) {
    for (std::int64_t row = window.y / level.tile_height(); row * level.tile_height() < window.y + window.height;
         ++row) {
      for (std::int64_t column = window.x / level.tile_width(); column * level.tile_width() < window.x + window.width;
           ++column) {
        const auto piece = level.piece(static_cast<std::uint64_t>(row * level.tiles_across() + column));
        workload.streams.push_back(file.source().read(piece.offset, piece.length));
      }
    }
  }
}

std::vector<Window> aligned_blocks(const slide::TiffLevel& level, std::mt19937_64& random) {
  const std::int64_t across = level.width() / level.tile_width() / kBlockTiles;
  const std::int64_t down = level.height() / level.tile_height() / kBlockTiles;
  if (across < 1 || down < 1) throw Error(ErrorCode::kInvalidArgument, "the slide is smaller than 4 x 4 tiles");
  const std::int64_t width = kBlockTiles * level.tile_width();
  const std::int64_t height = kBlockTiles * level.tile_height();
  std::vector<Window> windows;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const auto column = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(across));
    const auto row = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(down));
    windows.push_back({column * width, row * height, width, height});
  }
  return windows;
}

std::vector<Window> random_windows(const slide::TiffLevel& level, std::int64_t side, std::mt19937_64& random) {
  std::vector<Window> windows;
  for (std::size_t i = 0; i < kWindowPixels / static_cast<std::size_t>(side * side); ++i) {
    const auto x = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(level.width() - side));
    const auto y = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(level.height() - side));
    windows.push_back({x, y, side, side});
  }
  return windows;
}

double timed_rate(double megapixels, const std::function<void()>& work) {
  const double start = cpu_seconds();
  work();
  return megapixels / (cpu_seconds() - start);
}

void measure(const Workload& workload, const slide::Slide& slide, RawJpeg& raw, int rounds) {
  std::vector<double> ours;
  std::vector<double> theirs;
  std::vector<std::uint8_t> out;
  for (int round = 0; round < rounds; ++round) {
    theirs.push_back(timed_rate(workload.megapixels(), [&] {
      for (const auto& stream : workload.streams) raw.decode(stream);
    }));
    ours.push_back(timed_rate(workload.megapixels(), [&] {
      for (const Window& window : workload.windows) {
        out.resize(static_cast<std::size_t>(window.width * window.height * 3));
        slide.read_region({.x = window.x, .y = window.y, .width = window.width, .height = window.height}, out, {});
      }
    }));
  }
  std::printf("{\"workload\": \"%s\", \"unit\": \"Mpx/s\", \"ours\": %.1f, \"theirs\": %.1f}\n", workload.name,
              median(ours), median(theirs));
}

void run(const char* path, int rounds) {
  const slide::TiffFile file(open_file(path));
  const slide::TiffDirectory& directory = file.directories().front();
  const slide::TiffLevel level(file, directory);
  if (level.layout().compression != 7 || level.layout().color_samples() != 3) {
    throw Error(ErrorCode::kInvalidArgument, "expected a tiled JPEG TIFF in colour");
  }
  RawJpeg raw(directory.bytes(slide::tag::kJpegTables).value_or(std::vector<std::uint8_t>()),
              level.layout().photometric == 2);
  const auto slide = slide::Slide::open(path, {.max_cache_bytes = 0});
  std::mt19937_64 random(7);
  Workload aligned{"slide: aligned blocks of 4 x 4 JPEG tiles", aligned_blocks(level, random), {}};
  Workload small{"slide: random windows of 512", random_windows(level, 512, random), {}};
  Workload large{"slide: random windows of 1024", random_windows(level, 1024, random), {}};
  for (Workload* workload : {&aligned, &small, &large}) {
    load_streams(file, level, *workload);
    measure(*workload, *slide, raw, rounds);
  }
}

void run_wall(const char* path) {
  constexpr std::int64_t kSide = 2048;
  const auto slide = slide::Slide::open(path, {.max_cache_bytes = 0});
  std::vector<std::uint8_t> out(static_cast<std::size_t>(kSide * kSide * 3));
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t y = 0; y + kSide <= slide->height(); y += kSide) {
    for (std::int64_t x = 0; x + kSide <= slide->width(); x += kSide) {
      slide->read_region({.x = x, .y = y, .width = kSide, .height = kSide}, out, {});
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const auto windows = static_cast<double>((slide->width() / kSide) * (slide->height() / kSide));
  std::printf("{\"rate\": %.2f}\n", windows * static_cast<double>(kSide * kSide) * 1e-6 / seconds);
}

}  // namespace

int main(int count, char** arguments) {
  setenv("HISTOJET_THREADS", "1", 0);
  if (count < 2) {
    std::fprintf(stderr, "usage: slide_bench SLIDE.tif [ROUNDS]\n");
    return 2;
  }
  try {
    if (std::strcmp(arguments[1], "--wall") == 0 && count > 2) {
      run_wall(arguments[2]);
    } else {
      run(arguments[1], count > 2 ? std::atoi(arguments[2]) : 9);
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
