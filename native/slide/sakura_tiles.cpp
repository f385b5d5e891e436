#include "slide/sakura_tiles.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/text.hpp"
#include "codecs/jpeg.hpp"
#include "slide/scratch.hpp"

namespace histojet::slide {
namespace {

constexpr int kChannels = 3;
// A JPEG block of 64 pixels takes at least about a bit.
constexpr std::uint64_t kMaxShrink = 4096;
constexpr std::size_t kMaxNameBytes = 256;

auto place(const SakuraTile& tile) {
  return std::tuple(tile.row, tile.column);
}

}  // namespace

SakuraStore::SakuraStore(std::shared_ptr<const ByteSource> source)
    : source_(std::move(source)), database_(std::make_unique<SqliteDatabase>(source_)) {
  const std::string not_sakura = "an SQLite database, but no Sakura slide";
  if (database_->texts("SELECT name FROM sqlite_master WHERE name = 'DataManagerSQLiteConfigXPO'").empty()) {
    unsupported(name(), not_sakura);
  }
  const auto names = database_->texts("SELECT TableName FROM DataManagerSQLiteConfigXPO LIMIT 2");
  if (names.size() != 1 || names[0].empty() || names[0].size() > kMaxNameBytes ||
      names[0].find('\0') != std::string::npos) {
    unsupported(name(), not_sakura + " (it does not name one table of tiles)");
  }
  table_ = sql_identifier(names[0]);
  by_id_ = std::make_unique<SqliteQuery>(*database_, "SELECT data FROM " + table_ + " WHERE id = ?1");
  const auto magic = blob("++MagicBytes");
  if (!magic || std::string(magic->begin(), magic->end()) != "SVGigaPixelImage") unsupported(name(), not_sakura);
}

std::optional<std::vector<std::uint8_t>> SakuraStore::blob(const std::string& id) const {
  std::lock_guard lock(mutex_);
  by_id_->bind(id);
  if (!by_id_->next()) return std::nullopt;
  const auto bytes = by_id_->bytes(0);
  return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

SakuraLevel::SakuraLevel(std::shared_ptr<const SakuraStore> store, const SakuraHeader& header, std::int64_t downsample,
                         std::int64_t plane, std::vector<SakuraTile> tiles)
    : store_(std::move(store)), downsample_(downsample), plane_(plane), tiles_(std::move(tiles)) {
  width_ = header.width / downsample;
  height_ = header.height / downsample;
  tile_width_ = tile_height_ = header.tile_side;
  if (width_ < 1 || height_ < 1) {
    corrupt(store_->name(), "a level with the downsample " + std::to_string(downsample) + " has no pixels");
  }
  std::ranges::sort(tiles_, {}, place);
  std::size_t kept = 0;
  for (const SakuraTile& tile : tiles_) {
    if (kept > 0 && place(tiles_[kept - 1]) == place(tile)) {
      tiles_[kept - 1].channels |= tile.channels;
    } else {
      tiles_[kept++] = tile;
    }
  }
  tiles_.resize(kept);
}

std::string SakuraLevel::name_of(std::int64_t column, std::int64_t row, int channel) const {
  const std::int64_t side = tile_width_ * downsample_;
  return "T;" + std::to_string(column * side) + "|" + std::to_string(row * side) + ";" + std::to_string(downsample_) +
         ";" + std::to_string(channel) + ";" + std::to_string(plane_);
}

std::vector<std::string> SakuraLevel::names() const {
  std::vector<std::string> all;
  for (const SakuraTile& tile : tiles_) {
    for (int c = 0; c < kChannels; ++c) all.push_back(name_of(tile.column, tile.row, c));
  }
  std::ranges::sort(all);
  return all;
}

bool SakuraLevel::has_tile(std::int64_t column, std::int64_t row) const {
  return std::ranges::binary_search(tiles_, std::tuple(row, column), {}, place);
}

void SakuraLevel::check_tile(std::int64_t column, std::int64_t row) const {
  const auto stream = store_->blob(name_of(column, row, 0));
  const auto samples = static_cast<std::uint64_t>(tile_width_ * tile_height_);
  if (!stream || stream->size() < samples / kMaxShrink) {
    throw Error(ErrorCode::kCorruptFile, std::to_string(stream ? stream->size() : 0) +
                                             " bytes in the file cannot hold " + std::to_string(samples) + " samples");
  }
}

std::string SakuraLevel::decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                                     bool tolerant) const {
  thread_local codecs::JpegDecoder decoder;
  decoder.set_tables({});
  Scratch plane(static_cast<std::size_t>(tile_width_ * tile_height_));
  std::string warning;
  for (int c = 0; c < kChannels; ++c) {
    const std::string name = name_of(column, row, c);
    const auto stream = store_->blob(name);
    if (!stream) throw Error(ErrorCode::kCorruptFile, "the colour channel " + quote(name) + " is missing");
    const std::string said = decoder.decode(*stream, codecs::JpegColor::kGrey, tile_width_, tile_height_, 1,
                                            plane.data(), tile_width_, tolerant);
    if (warning.empty()) warning = said;
    for (std::int64_t y = 0; y < tile_height_; ++y) {
      const std::uint8_t* from = plane.data() + y * tile_width_;
      std::uint8_t* to = out + y * stride + c;
      for (std::int64_t x = 0; x < tile_width_; ++x) to[x * 3] = from[x];
    }
  }
  return warning;
}

}  // namespace histojet::slide
