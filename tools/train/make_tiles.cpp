// Writes labelled tiles of synthetic slides for training.
//
//   make_tiles OUT.bin --tiles N [--size 320] [--seed 1] [--mpp-min 0.2] [--mpp-max 0.33]
//
// File: four little-endian uint32 (magic 0x48544a54, tiles, size, version 1), then for each tile size * size * 3 bytes
// RGB and size * size little-endian uint16 instance labels, 0 background, 1..n in order of appearance. Equal arguments
// give equal bytes for any number of threads.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "record_file.hpp"
#include "slide/synthetic.hpp"
#include "slide/synthetic_noise.hpp"

namespace {

using histojet::Image;
using histojet::slide::CellRandom;
using histojet::slide::SyntheticParams;
using histojet::slide::SyntheticScene;

struct Arguments {
  std::string path;
  std::int64_t tiles = 0;
  std::int64_t size = 320;
  std::uint64_t seed = 1;
  float mpp_min = 0.20f;
  float mpp_max = 0.33f;
};

constexpr float kEmptyShare = 0.08f;
constexpr float kEdgeShare = 0.14f;  // tiles of slides that are partly background
constexpr float kJpegShare = 0.5f;

Arguments parse(int count, char** words) {
  Arguments a;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word.rfind("--", 0) != 0) {
      a.path = word;
      continue;
    }
    if (i + 1 >= count) throw histojet::Error(histojet::ErrorCode::kInvalidArgument, word + " needs a value");
    const std::string value = words[++i];
    if (word == "--tiles")
      a.tiles = std::stoll(value);
    else if (word == "--size")
      a.size = std::stoll(value);
    else if (word == "--seed")
      a.seed = std::stoull(value);
    else if (word == "--mpp-min")
      a.mpp_min = std::stof(value);
    else if (word == "--mpp-max")
      a.mpp_max = std::stof(value);
    else
      throw histojet::Error(histojet::ErrorCode::kInvalidArgument, "unknown option " + word);
  }
  if (a.path.empty() || a.tiles < 1 || a.size < 32 || a.size > 4096 || a.mpp_max < a.mpp_min) {
    throw histojet::Error(histojet::ErrorCode::kInvalidArgument,
                          "usage: make_tiles OUT.bin --tiles N [--size 320] [--seed 1] [--mpp-min 0.2] "
                          "[--mpp-max 0.33]");
  }
  return a;
}

void round_trip(Image& image, int quality, int subsampling) {
  const auto stream = histojet::codecs::encode_jpeg(image, {quality, subsampling, false});
  histojet::codecs::JpegDecoder decoder;
  decoder.decode(stream, histojet::codecs::JpegColor::kAuto, image.width, image.height, 3, image.data.data(),
                 image.width * 3);
}

std::vector<std::uint8_t> make_tile(const Arguments& a, std::int64_t index) {
  CellRandom random(a.seed * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(index) * 0xD1B54A32D192ED03ull);
  SyntheticParams p;
  p.seed = (static_cast<std::uint64_t>(random.bits()) << 8) ^ random.bits();
  p.mpp = static_cast<double>(random.range(a.mpp_min, a.mpp_max));
  p.width = p.height = 20000;
  p.tissue = 1;
  const float lot = random.unit();
  if (lot < kEmptyShare) {
    p.tissue = static_cast<double>(random.range(0.02f, 0.12f));
    p.width = p.height = 2400;
  } else if (lot < kEmptyShare + kEdgeShare) {
    p.tissue = static_cast<double>(random.range(0.45f, 0.85f));
    p.width = p.height = 2400;
  }
  const auto scene = SyntheticScene::create(p);
  const float room = static_cast<float>(p.width - a.size);
  const std::int64_t x = static_cast<std::int64_t>(random.unit() * room);
  const std::int64_t y = static_cast<std::int64_t>(random.unit() * room);
  Image image = scene->render(x, y, a.size, a.size);
  if (random.chance(kJpegShare)) {
    round_trip(image, 60 + static_cast<int>(random.unit() * 36), random.chance(0.5f) ? 2 : 1);
  }
  const std::vector<std::int32_t> labels = scene->labels(x, y, a.size, a.size);
  std::vector<std::uint8_t> record(std::move(image.data));
  record.reserve(record.size() + labels.size() * 2);
  std::unordered_map<std::int32_t, std::uint16_t> numbers;
  for (const std::int32_t label : labels) {
    std::uint16_t number = 0;
    if (label != 0) number = numbers.emplace(label, static_cast<std::uint16_t>(numbers.size() + 1)).first->second;
    record.push_back(static_cast<std::uint8_t>(number & 0xff));
    record.push_back(static_cast<std::uint8_t>(number >> 8));
  }
  return record;
}

void write_tiles(const Arguments& a) {
  const auto tiles = static_cast<std::uint32_t>(a.tiles), size = static_cast<std::uint32_t>(a.size);
  training::write_records(a.path, {0x48544a54, tiles, size, 1}, a.tiles, "tiles",
                          [&](std::int64_t index) { return make_tile(a, index); });
}

}  // namespace

int main(int count, char** words) {
  try {
    write_tiles(parse(count, words));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_tiles: %s\n", error.what());
    return 1;
  }
}
