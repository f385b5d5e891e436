// Writes small graded synthetic slides as plain arrays, for training a slide classifier.
//
//   make_graded_slides OUT.bin --slides N [--seed 1] [--size 256] [--mpp 2] [--scale 2] [--tissue-min 0.75]
//
// Slides of size x size pixels at `mpp` micrometres per pixel; they are drawn `scale` times as large at mpp / scale and
// reduced with a box filter, as the levels of a slide's pyramid are. Grades go round 0, 1, 2. Seeds whose tissue has no
// room for clusters are passed over in every grade, so that the grade cannot be told from the tissue.
// File: four little-endian uint32 (magic 0x48544753, slides, size, version 1), then for each slide uint32 grade, uint32
// clusters (0 to 4), four times float32 (x, y, radius, kind) in pixels of the array, uint64 seed, and size * size * 3
// bytes RGB. Equal arguments give equal bytes for any number of threads.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "record_file.hpp"
#include "slide/synthetic.hpp"
#include "slide/synthetic_noise.hpp"

namespace {

using histojet::Error;
using histojet::ErrorCode;
using histojet::Image;
using histojet::slide::CellRandom;
using histojet::slide::SyntheticParams;
using histojet::slide::SyntheticScene;
using histojet::slide::TrueCluster;

constexpr std::size_t kMostClusters = 4;
constexpr std::uint32_t kMagic = 0x48544753;

struct Arguments {
  std::string path;
  std::int64_t slides = 0;
  std::int64_t size = 256;
  std::int64_t scale = 2;
  std::uint64_t seed = 1;
  double mpp = 2;
  float tissue_min = 0.75f;
};

Arguments parse(int count, char** words) {
  Arguments a;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word.rfind("--", 0) != 0) {
      a.path = word;
      continue;
    }
    if (i + 1 >= count) throw Error(ErrorCode::kInvalidArgument, word + " needs a value");
    const std::string value = words[++i];
    if (word == "--slides")
      a.slides = std::stoll(value);
    else if (word == "--size")
      a.size = std::stoll(value);
    else if (word == "--scale")
      a.scale = std::stoll(value);
    else if (word == "--seed")
      a.seed = std::stoull(value);
    else if (word == "--mpp")
      a.mpp = std::stod(value);
    else if (word == "--tissue-min")
      a.tissue_min = std::stof(value);
    else
      throw Error(ErrorCode::kInvalidArgument, "unknown option " + word);
  }
  if (a.path.empty() || a.slides < 1 || a.size < 32 || a.size > 8192 || a.scale < 1 || a.scale > 16) {
    throw Error(ErrorCode::kInvalidArgument,
                "usage: make_graded_slides OUT.bin --slides N [--seed 1] [--size 256] [--mpp 2] [--scale 2] "
                "[--tissue-min 0.75]");
  }
  return a;
}

std::shared_ptr<const SyntheticScene> try_scene(const SyntheticParams& params) {
  try {
    return SyntheticScene::create(params);
  } catch (const Error&) {
    return nullptr;
  }
}

/// Mean of scale x scale pixels, rounded.
Image reduce(const Image& large, std::int64_t scale) {
  Image small(large.width / scale, large.height / scale, 3);
  const int area = static_cast<int>(scale * scale);
  for (std::int64_t y = 0; y < small.height; ++y) {
    for (std::int64_t i = 0; i < small.width * 3; ++i) {
      int sum = area / 2;
      for (std::int64_t v = 0; v < scale; ++v) {
        for (std::int64_t u = 0; u < scale; ++u) sum += large.row(y * scale + v)[(i / 3 * scale + u) * 3 + i % 3];
      }
      small.row(y)[i] = static_cast<std::uint8_t>(sum / area);
    }
  }
  return small;
}

template <class Number>
void append(std::vector<std::uint8_t>& out, Number value) {
  std::uint8_t bytes[sizeof(Number)];
  std::memcpy(bytes, &value, sizeof(Number));
  out.insert(out.end(), bytes, bytes + sizeof(Number));
}

std::vector<std::uint8_t> make_slide(const Arguments& a, std::int64_t index) {
  CellRandom random(a.seed * 0x9E3779B97F4A7C15ull + static_cast<std::uint64_t>(index) * 0xD1B54A32D192ED03ull);
  SyntheticParams p;
  p.mpp = a.mpp / static_cast<double>(a.scale);
  p.width = p.height = a.size * a.scale;
  for (;;) {
    p.seed = (static_cast<std::uint64_t>(random.bits()) << 8) ^ random.bits();
    const float share = random.range(a.tissue_min, 1.25f);
    p.tissue = static_cast<double>(std::min(1.0f, share));
    p.grade = 1;
    if (try_scene(p)) break;
  }
  p.grade = static_cast<int>(index % 3);
  const auto scene = SyntheticScene::create(p);
  const Image image = reduce(scene->render(0, 0, p.width, p.height), a.scale);
  std::vector<std::uint8_t> record;
  append(record, static_cast<std::uint32_t>(p.grade));
  append(record, static_cast<std::uint32_t>(scene->clusters().size()));
  std::vector<TrueCluster> clusters = scene->clusters();
  clusters.resize(kMostClusters);
  for (const TrueCluster& c : clusters) {
    for (const double value : {c.x, c.y, c.radius_px}) {
      append(record, static_cast<float>(value / static_cast<double>(a.scale)));
    }
    append(record, static_cast<float>(c.kind));
  }
  append(record, p.seed);
  record.insert(record.end(), image.data.begin(), image.data.end());
  return record;
}

void write_slides(const Arguments& a) {
  const auto slides = static_cast<std::uint32_t>(a.slides), size = static_cast<std::uint32_t>(a.size);
  training::write_records(a.path, {kMagic, slides, size, 1}, a.slides, "slides",
                          [&](std::int64_t index) { return make_slide(a, index); });
}

}  // namespace

int main(int count, char** words) {
  try {
    write_slides(parse(count, words));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_graded_slides: %s\n", error.what());
    return 1;
  }
}
