#include "slide/pyramid_writer.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "fixtures.hpp"
#include "slide/synthetic.hpp"
#include "slide/synthetic_geojson.hpp"
#include "slide/synthetic_scene.hpp"

namespace histojet::slide {
namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "pyramid-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Just enough of a BigTIFF reader to check what was written, independent of the library's own.
struct Directory {
  std::map<int, std::vector<std::uint64_t>> tags;
  std::uint64_t one(int tag) const { return tags.at(tag).at(0); }
};

class Reader {
 public:
  explicit Reader(const std::string& path) : bytes_(test::read_bytes(path)) {
    EXPECT_EQ(number(0, 2), 0x4949u);
    EXPECT_EQ(number(2, 2), 43u);
    for (std::uint64_t at = number(8, 8); at != 0;) {
      Directory d;
      const std::uint64_t count = number(at, 8);
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t entry = at + 8 + 20 * i;
        const int type = static_cast<int>(number(entry + 2, 2));
        const std::uint64_t length = number(entry + 4, 8);
        const std::uint64_t size = type == 3 ? 2 : type == 4 ? 4 : (type == 5 || type == 16) ? 8 : 1;
        const std::uint64_t from = size * length > 8 ? number(entry + 12, 8) : entry + 12;
        std::vector<std::uint64_t> values;
        for (std::uint64_t k = 0; k < length; ++k) values.push_back(number(from + size * k, size));
        d.tags[static_cast<int>(number(entry, 2))] = values;
      }
      directories.push_back(d);
      at = number(at + 8 + 20 * count, 8);
    }
  }
  std::uint64_t number(std::uint64_t at, std::uint64_t size) const {
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(bytes_.at(at + i)) << (8 * i);
    return value;
  }
  Image tile(std::size_t level, std::uint64_t index) const {
    const Directory& d = directories.at(level);
    codecs::JpegDecoder decoder;
    std::vector<std::uint8_t> tables;
    for (const std::uint64_t b : d.tags.at(347)) tables.push_back(static_cast<std::uint8_t>(b));
    decoder.set_tables(tables);
    const auto from = bytes_.begin() + static_cast<std::ptrdiff_t>(d.tags.at(324).at(index));
    const std::vector<std::uint8_t> stream(from, from + static_cast<std::ptrdiff_t>(d.tags.at(325).at(index)));
    Image image(256, 256, 3);
    decoder.decode(stream, codecs::JpegColor::kYCbCr, 256, 256, 3, image.data.data(), 256 * 3);
    return image;
  }
  std::vector<Directory> directories;

 private:
  std::vector<std::uint8_t> bytes_;
};

/// A smooth picture with known pixels.
class Slopes final : public PyramidSource {
 public:
  static std::array<int, 3> at(std::int64_t x, std::int64_t y) {
    return {static_cast<int>(x / 8 % 256), static_cast<int>(y / 8 % 256), static_cast<int>((x + y) / 16 % 256)};
  }
  Image read(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) const override {
    Image image(width, height, 3);
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
          image.row(j)[3 * i + static_cast<std::int64_t>(k)] = static_cast<std::uint8_t>(at(x + i, y + j)[k]);
        }
      }
    }
    return image;
  }
};

double mean_difference(const Image& a, const Image& b, std::int64_t width, std::int64_t height) {
  double sum = 0;
  for (std::int64_t y = 0; y < height; ++y) {
    for (std::int64_t x = 0; x < 3 * width; ++x) sum += std::abs(a.row(y)[x] - b.row(y)[x]);
  }
  return sum / static_cast<double>(3 * width * height);
}

TEST(PyramidWriter, WritesLevelsThatAreMeans) {
  const TemporaryFolder folder;
  PyramidOptions options;
  options.width = 1801;
  options.height = 2003;
  options.mpp = 0.5;
  options.quality = 95;
  options.subsampling = 1;
  options.software = "histojet test";
  const Slopes source;
  std::int64_t last_done = 0, last_total = 0;
  const std::int64_t size = PyramidWriter(options).write(
      folder.file("a.tif"), source,
      [&](std::int64_t done, std::int64_t total) {
        EXPECT_GE(done, last_done);
        last_done = done, last_total = total;
      },
      CancelToken());
  EXPECT_EQ(last_done, last_total);
  EXPECT_EQ(static_cast<std::uintmax_t>(size), std::filesystem::file_size(folder.file("a.tif")));
  EXPECT_FALSE(std::filesystem::exists(folder.file("a.tif.part")));
  const Reader reader(folder.file("a.tif"));
  ASSERT_EQ(reader.directories.size(), 2u);
  const Directory& full = reader.directories[0];
  const Directory& half = reader.directories[1];
  EXPECT_EQ(full.one(254), 0u);
  EXPECT_EQ(half.one(254), 1u);
  EXPECT_EQ(full.one(256), 1801u);
  EXPECT_EQ(half.one(256), 900u);
  EXPECT_EQ(half.one(257), 1001u);
  EXPECT_EQ(full.one(259), 7u);
  EXPECT_EQ(full.one(262), 6u);
  EXPECT_EQ(full.one(296), 3u);
  EXPECT_EQ(full.tags.at(324).size(), 8u * 8u);
  EXPECT_EQ(half.tags.at(324).size(), 4u * 4u);
  const std::uint64_t resolution = full.one(282);
  EXPECT_EQ((resolution & 0xffffffff) / (resolution >> 32), 20000u);
  EXPECT_LT(mean_difference(reader.tile(0, 9), source.read(256, 256, 256, 256), 256, 256), 1.5);
  const Image level = reader.tile(1, 5);  // column 1, row 1: level-0 pixels from 512
  for (std::int64_t y = 3; y < 256; y += 50) {
    for (std::int64_t x = 3; x < 256; x += 50) {
      EXPECT_NEAR(level.row(y)[3 * x], Slopes::at(512 + 2 * x, 0)[0], 4);
      EXPECT_NEAR(level.row(y)[3 * x + 1], Slopes::at(0, 512 + 2 * y)[1], 4);
    }
  }
}

TEST(PyramidWriter, EdgeTilesHoldTheLastPixels) {
  const TemporaryFolder folder;
  PyramidOptions options;
  options.width = 300;
  options.height = 257;
  options.quality = 95;
  const Slopes source;
  PyramidWriter(options).write(folder.file("a.tif"), source, {}, CancelToken());
  const Reader reader(folder.file("a.tif"));
  ASSERT_EQ(reader.directories.size(), 1u);
  EXPECT_FALSE(reader.directories[0].tags.count(282));
  EXPECT_LT(mean_difference(reader.tile(0, 3), source.read(256, 256, 44, 1), 44, 1), 3);
}

TEST(PyramidWriter, LeavesNothingWhenCancelled) {
  const TemporaryFolder folder;
  PyramidOptions options;
  options.width = options.height = 3000;
  CancelSource cancel;
  const auto stop = [&](std::int64_t, std::int64_t) { cancel.cancel(); };
  EXPECT_THROW(PyramidWriter(options).write(folder.file("a.tif"), Slopes(), stop, cancel.token()), Cancelled);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(PyramidWriter, RefusesImpossibleOptions) {
  EXPECT_THROW(PyramidWriter(PyramidOptions{}), Error);
  PyramidOptions options;
  options.width = options.height = 100;
  options.period_px = 300;
  EXPECT_THROW(PyramidWriter{options}, Error);
}

TEST(SyntheticSlide, TilesShowTheSceneAndBytesAreEqual) {
  const TemporaryFolder folder;
  SyntheticParams p;
  p.width = 1900;
  p.height = 1500;
  p.seed = 9;
  p.tissue = 0.7;
  const auto result = write_synthetic_slide(folder.file("a.tif"), p, folder.file("a.geojson"), {}, CancelToken());
  write_synthetic_slide(folder.file("b.tif"), p, folder.file("b.geojson.gz"), {}, CancelToken());
  EXPECT_EQ(test::read_bytes(folder.file("a.tif")), test::read_bytes(folder.file("b.tif")));
  const Reader reader(folder.file("a.tif"));
  const auto scene = SyntheticScene::create(p);
  EXPECT_LT(mean_difference(reader.tile(0, 9), scene->render(256, 256, 256, 256), 256, 256), 8);
  const std::vector<std::uint8_t> text = test::read_bytes(folder.file("a.geojson"));
  const std::vector<std::uint8_t> packed = test::read_bytes(folder.file("b.geojson.gz"));
  EXPECT_LT(packed.size() * 2, text.size());
  const std::int64_t lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_EQ(lines, result.nuclei + 2);  // one a line, after the opening and before the closing line
  EXPECT_EQ(result.nuclei, static_cast<std::int64_t>(scene->nuclei(0, 0, p.width, p.height).size()));
}

TEST(SyntheticSlide, RepeatStoresTilesOnce) {
  const TemporaryFolder folder;
  SyntheticParams p;
  p.width = 20000;
  p.height = 9000;
  p.seed = 3;
  p.repeat = true;
  p.tissue = 0.05;
  const auto result = write_synthetic_slide(folder.file("a.tif"), p, "", {}, CancelToken());
  EXPECT_LT(result.file_bytes, 30'000'000);
  const Reader reader(folder.file("a.tif"));
  ASSERT_EQ(reader.directories.size(), 6u);
  const Directory& full = reader.directories[0];
  const std::uint64_t columns = (20000 + 255) / 256;
  EXPECT_EQ(full.tags.at(324).size(), columns * ((9000 + 255) / 256));
  const std::set<std::uint64_t> distinct(full.tags.at(324).begin(), full.tags.at(324).end());
  EXPECT_LE(distinct.size(), 256u);
  for (const std::uint64_t column : {0, 5, 15}) {
    EXPECT_EQ(full.tags.at(324)[column], full.tags.at(324)[16 * columns + column + 16]);
  }
  // The deepest level is 625 wide and repeats every 128 pixels.
  EXPECT_EQ(reader.directories[5].one(256), 625u);
  const Image tile = reader.tile(5, 1);
  double seam = 0;
  for (std::int64_t x = 0; x < 128; ++x) seam += std::abs(tile.row(7)[3 * x] - tile.row(7)[3 * (x + 128)]);
  EXPECT_LT(seam / 128, 4);
}

/// Rings of inner blocks are moved copies; they must be the ones that the scene itself gives.
TEST(SyntheticSlide, RepeatedTruthEqualsTheScene) {
  const TemporaryFolder folder;
  SyntheticParams p;
  p.width = 9300;
  p.height = 9100;
  p.seed = 6;
  p.repeat = true;
  p.tissue = 0.04;
  const PaintedScene scene(p);
  const std::int64_t count = write_synthetic_truth(folder.file("a.geojson"), scene, CancelToken());
  const std::vector<std::uint8_t> bytes = test::read_bytes(folder.file("a.geojson"));
  std::map<std::string, std::pair<float, float>> first_points;  // by id
  const std::string text(bytes.begin(), bytes.end());
  const std::string before = "\"id\":\"", between = "[[[";
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
    const std::size_t ring = text.find(between, at) + between.size();
    char* rest = nullptr;
    const float x = std::strtof(text.c_str() + ring, &rest);
    first_points[text.substr(at + before.size(), 36)] = {x, std::strtof(rest + 1, nullptr)};
  }
  const auto nuclei = scene.nuclei(0, 0, p.width, p.height);
  ASSERT_GT(nuclei.size(), 100u);
  EXPECT_EQ(count, static_cast<std::int64_t>(nuclei.size()));
  EXPECT_EQ(first_points.size(), nuclei.size());
  for (const TrueNucleus& n : nuclei) {
    const auto found = first_points.find(name_based_uuid("synthetic/6/" + std::to_string(n.id)));
    ASSERT_NE(found, first_points.end()) << n.id;
    EXPECT_NEAR(found->second.first, n.points[0], 0.03);
    EXPECT_NEAR(found->second.second, n.points[1], 0.03);
  }
}

/// Runs in fresh processes, because the pool of threads is made once.
TEST(SyntheticSlide, BytesDoNotDependOnTheNumberOfThreads) {
  const char* output = std::getenv("HISTOJET_TEST_SLIDE_OUTPUT");
  SyntheticParams p;
  p.width = 1300;
  p.height = 1100;
  p.seed = 17;
  if (output != nullptr) {
    write_synthetic_slide(output, p, std::string(output) + ".geojson", {}, CancelToken());
    return;
  }
  const TemporaryFolder folder;
  for (const char* threads : {"1", "2"}) {
    const std::string command = std::string("HISTOJET_THREADS=") + threads +
                                " HISTOJET_TEST_SLIDE_OUTPUT=" + folder.file(threads) + " '" +
                                std::filesystem::read_symlink("/proc/self/exe").string() +
                                "' --gtest_filter=SyntheticSlide.BytesDoNotDependOnTheNumberOfThreads > /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  EXPECT_EQ(test::read_bytes(folder.file("1")), test::read_bytes(folder.file("2")));
  EXPECT_EQ(test::read_bytes(folder.file("1.geojson")), test::read_bytes(folder.file("2.geojson")));
  EXPECT_GT(test::read_bytes(folder.file("1")).size(), 100000u);
}

}  // namespace
}  // namespace histojet::slide
