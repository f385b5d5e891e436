#include "slide/synthetic_geojson.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/checked.hpp"
#include "base/digest.hpp"
#include "base/executor.hpp"
#include "base/part_file.hpp"
#include "codecs/deflate.hpp"

namespace histojet::slide {

namespace {

constexpr std::int64_t kBlock = 1024;
constexpr std::int64_t kBatch = 32;  // blocks in memory at a time

const char* kind_colour(int kind) {
  static const std::array<const char*, 10> kColours = {"200,0,0",  "0,80,220",  "0,150,80", "0,170,170", "150,60,200",
                                                       "255,60,0", "255,160,0", "90,90,90", "220,0,160", "120,130,30"};
  return kColours[static_cast<std::size_t>(kind)];
}

/// A coordinate with at most two decimals and no trailing zeros.
void append_number(std::string& text, float value) {
  const std::int64_t hundredths = static_cast<std::int64_t>(static_cast<double>(value) * 100 + 0.5);
  text += std::to_string(hundredths / 100);
  const std::int64_t cents = hundredths % 100;
  if (cents == 0) return;
  text += '.';
  text += static_cast<char>('0' + cents / 10);
  if (cents % 10 != 0) text += static_cast<char>('0' + cents % 10);
}

void append_feature(std::string& text, const TrueNucleus& nucleus, const std::string& slide_name) {
  text += "{\"type\":\"Feature\",\"id\":\"";
  text += name_based_uuid(slide_name + std::to_string(nucleus.id));
  text += "\",\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[";
  const std::size_t count = nucleus.points.size() / 2;
  for (std::size_t i = 0; i <= count; ++i) {
    const std::size_t k = i % count;
    text += i == 0 ? "[" : ",[";
    append_number(text, nucleus.points[2 * k]);
    text += ',';
    append_number(text, nucleus.points[2 * k + 1]);
    text += ']';
  }
  text += "]]},\"properties\":{\"objectType\":\"annotation\",\"classification\":{\"name\":\"";
  text += synthetic_kinds()[static_cast<std::size_t>(nucleus.kind)];
  text += "\",\"color\":[";
  text += kind_colour(nucleus.kind);
  text += "]}}}";
}

/// The collection's first line; a graded slide names its grade and clusters in members of its own, which readers of
/// GeoJSON pass over.
std::string opening(const PaintedScene& scene) {
  std::string text = "{\"type\":\"FeatureCollection\",";
  if (scene.params().grade != kNoGrade) {
    text += "\"grade\":" + std::to_string(scene.params().grade) + ",\"clusters\":[";
    for (const TrueCluster& c : scene.clusters()) {
      if (text.back() != '[') text += ',';
      text += "{\"kind\":\"" + synthetic_cluster_kinds()[static_cast<std::size_t>(c.kind)] + "\",\"x\":";
      append_number(text, static_cast<float>(c.x));
      text += ",\"y\":";
      append_number(text, static_cast<float>(c.y));
      text += ",\"radius\":";
      append_number(text, static_cast<float>(c.radius_px));
      text += '}';
    }
    text += "],";
  }
  return text + "\"features\":[\n";
}

bool ends_with_gz(const std::string& path) {
  return path.size() >= 3 && path.compare(path.size() - 3, 3, ".gz") == 0;
}

/// The file, plain or compressed; nothing when the path is empty.
class Output {
 public:
  explicit Output(const std::string& path) : compressed_(ends_with_gz(path)) {
    if (!path.empty()) file_ = std::make_unique<PartFile>(path);
  }
  bool wanted() const { return file_ != nullptr; }
  /// The bytes that `append` expects for a text; may run on any thread.
  std::vector<std::uint8_t> pack(const std::string& text) const {
    if (text.empty()) return {};
    if (compressed_) return codecs::gzip_member(text);
    return {text.begin(), text.end()};
  }
  void append(const std::vector<std::uint8_t>& bytes) {
    if (file_ && !bytes.empty()) file_->append(bytes);
  }
  void commit() {
    if (file_) file_->commit();
  }
  void discard() {
    if (file_) file_->discard();
  }

 private:
  bool compressed_;
  std::unique_ptr<PartFile> file_;
};

/// Nuclei block by block. A repeated slide computes each block of its period once and moves the rings; only blocks at
/// the border of the slide, where rings are cut, are always their own.
class Blocks {
 public:
  explicit Blocks(const PaintedScene& scene) : scene_(scene) {}

  std::vector<TrueNucleus> at(std::int64_t column, std::int64_t row) {
    const SyntheticParams& p = scene_.params();
    const std::int64_t x = column * kBlock;
    const std::int64_t y = row * kBlock;
    const std::int64_t width = std::min(kBlock, p.width - x);
    const std::int64_t height = std::min(kBlock, p.height - y);
    const bool inner = column > 0 && row > 0 && x + 2 * kBlock <= p.width && y + 2 * kBlock <= p.height;
    if (!p.repeat || !inner) return scene_.nuclei(x, y, width, height);
    constexpr std::int64_t kPerPeriod = kSyntheticPeriodPx / kBlock;
    const std::pair<std::int64_t, std::int64_t> key(column % kPerPeriod, row % kPerPeriod);
    std::shared_ptr<const First> first;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      const auto found = known_.find(key);
      if (found != known_.end()) first = found->second;
    }
    if (!first) {
      // Always the block nearest the origin, so that the result does not depend on which thread comes first.
      const std::int64_t c = key.first > 0 ? key.first : kPerPeriod;
      const std::int64_t r = key.second > 0 ? key.second : kPerPeriod;
      first = std::make_shared<const First>(First{c, r, scene_.nuclei(c * kBlock, r * kBlock, kBlock, kBlock)});
      const std::lock_guard<std::mutex> lock(mutex_);
      known_.emplace(key, first);
    }
    return scene_.repeated(first->nuclei, (column - first->column) / kPerPeriod, (row - first->row) / kPerPeriod);
  }

 private:
  struct First {
    std::int64_t column, row;
    std::vector<TrueNucleus> nuclei;
  };
  const PaintedScene& scene_;
  std::mutex mutex_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const First>> known_;
};

struct Made {
  std::vector<std::uint8_t> bytes;
  std::int64_t nuclei = 0;
};

Made make_block(const PaintedScene& scene, Blocks& blocks, const Output& output, std::int64_t column,
                std::int64_t row) {
  Made made;
  const SyntheticParams& p = scene.params();
  if (!p.repeat && scene.blank(column * kBlock, row * kBlock, kBlock, kBlock)) return made;
  const std::vector<TrueNucleus> nuclei = blocks.at(column, row);
  made.nuclei = static_cast<std::int64_t>(nuclei.size());
  if (!output.wanted()) return made;
  const std::string slide_name = "synthetic/" + std::to_string(p.seed) + "/";
  std::string text;
  text.reserve(nuclei.size() * 700);
  for (const TrueNucleus& nucleus : nuclei) {
    if (!text.empty()) text += ",\n";
    append_feature(text, nucleus, slide_name);
  }
  made.bytes = output.pack(text);
  return made;
}

}  // namespace

std::int64_t write_synthetic_truth(const std::string& path, const PaintedScene& scene, const CancelToken& cancel) {
  Output output(path);
  Blocks blocks_made(scene);
  const std::int64_t columns = ceil_div(scene.params().width, kBlock);
  const std::int64_t blocks = columns * ceil_div(scene.params().height, kBlock);
  const std::vector<std::uint8_t> separator = output.pack(",\n");
  std::int64_t total = 0;
  try {
    output.append(output.pack(opening(scene)));
    for (std::int64_t first = 0; first < blocks; first += kBatch) {
      const std::int64_t count = std::min(kBatch, blocks - first);
      std::vector<Made> made(static_cast<std::size_t>(count));
      Executor::instance().parallel_for(count, 0, [&](std::int64_t i) {
        cancel.throw_if_cancelled();
        const std::int64_t block = first + i;
        made[static_cast<std::size_t>(i)] = make_block(scene, blocks_made, output, block % columns, block / columns);
      });
      for (const Made& m : made) {
        if (total > 0 && m.nuclei > 0) output.append(separator);
        output.append(m.bytes);
        total += m.nuclei;
      }
    }
    output.append(output.pack("\n]}\n"));
    output.commit();
  } catch (...) {
    output.discard();
    throw;
  }
  return total;
}

}  // namespace histojet::slide
