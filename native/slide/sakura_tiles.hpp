#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "slide/sqlite_database.hpp"
#include "slide/tile_grid.hpp"

namespace histojet::slide {

/// The blobs of a Sakura slide by their names, safe from any number of threads.
class SakuraStore {
 public:
  /// Finds the table of the tiles. @throws Error kUnsupportedFormat when the database is no Sakura slide.
  explicit SakuraStore(std::shared_ptr<const ByteSource> source);

  const std::string& name() const { return source_->name(); }
  /// The data of a row of the table of tiles; nothing when there is none.
  std::optional<std::vector<std::uint8_t>> blob(const std::string& id) const;
  /// Runs `use` on the database while nobody else does.
  template <class Use>
  auto with_database(const Use& use) const {
    std::lock_guard lock(mutex_);
    return use(*database_);
  }
  /// The table's name as SQL.
  const std::string& table() const { return table_; }

 private:
  std::shared_ptr<const ByteSource> source_;
  std::unique_ptr<SqliteDatabase> database_;
  std::string table_;
  mutable std::mutex mutex_;
  std::unique_ptr<SqliteQuery> by_id_;
};

/// Sizes out of the row 'Header'.
struct SakuraHeader {
  std::int64_t tile_side = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t focal_planes = 1;
};

/// Column and row of a tile and the channels that are there (bit 0: red).
struct SakuraTile {
  std::int64_t column = 0;
  std::int64_t row = 0;
  unsigned channels = 0;
};

/// One resolution: grey JPEG tiles, one per channel, named `T;x|y;downsample;channel;plane` with x and y in level-0
/// pixels. Tiles without rows are transparent.
class SakuraLevel final : public TileGrid {
 public:
  /// `tiles`: what is stored, in any order. @throws Error kCorruptFile when the level has no pixels.
  SakuraLevel(std::shared_ptr<const SakuraStore> store, const SakuraHeader& header, std::int64_t downsample,
              std::int64_t plane, std::vector<SakuraTile> tiles);

  std::int64_t downsample() const { return downsample_; }
  /// Names of all stored rows in the order of their bytes.
  std::vector<std::string> names() const;

  int channels() const override { return 3; }
  bool has_tile(std::int64_t column, std::int64_t row) const override;
  void check_tile(std::int64_t column, std::int64_t row) const override;
  std::string decode_tile(std::int64_t column, std::int64_t row, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override;

 private:
  std::string name_of(std::int64_t column, std::int64_t row, int channel) const;

  std::shared_ptr<const SakuraStore> store_;
  std::int64_t downsample_;
  std::int64_t plane_;
  std::vector<SakuraTile> tiles_;  ///< row by row
};

}  // namespace histojet::slide
