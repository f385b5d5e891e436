// Sakura .svslide: pixels and metadata in an SQLite database. Tables, names, properties and quickhash as in OpenSlide
// 4.0.1 (src/openslide-vendor-sakura.c).

#include <algorithm>
#include <charconv>
#include <map>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "codecs/jpeg.hpp"
#include "slide/formats.hpp"
#include "slide/sakura_tiles.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

using Blob = std::vector<std::uint8_t>;

constexpr std::int64_t kMaxTileSide = 4096;
constexpr std::int64_t kMaxDownsample = 1 << 20;
constexpr std::uint64_t kMaxHashedBytes = 16 << 20;
constexpr std::uint64_t kMaxShrink = 4096;
constexpr const char* kScanJoin =
    " FROM SVSlideDataXPO JOIN SVHRScanDataXPO ON SVHRScanDataXPO.ParentSlide = SVSlideDataXPO.OID";

/// One JPEG of the database as a grid of one tile.
class JpegBlobGrid final : public TileGrid {
 public:
  explicit JpegBlobGrid(Blob stream) : stream_(std::move(stream)) {
    codecs::JpegDecoder decoder;
    const codecs::JpegHeader header = decoder.read_header(stream_);
    width_ = tile_width_ = header.width;
    height_ = tile_height_ = header.height;
  }
  int channels() const override { return 3; }
  bool has_tile(std::int64_t, std::int64_t) const override { return true; }
  void check_tile(std::int64_t, std::int64_t) const override {
    if (stream_.size() < static_cast<std::uint64_t>(width_ * height_) / kMaxShrink) {
      throw Error(ErrorCode::kCorruptFile, std::to_string(stream_.size()) + " bytes cannot hold this picture");
    }
  }
  std::string decode_tile(std::int64_t, std::int64_t, std::uint8_t* out, std::int64_t stride,
                          bool tolerant) const override {
    codecs::JpegDecoder decoder;
    return decoder.decode(stream_, codecs::JpegColor::kAuto, width_, height_, 3, out, stride, tolerant);
  }

 private:
  Blob stream_;
};

/// What the name of a tile says: `T;x|y;downsample;channel;plane`.
struct TileName {
  std::int64_t x = 0;
  std::int64_t y = 0;
  std::int64_t downsample = 0;
  std::int64_t channel = 0;
  std::int64_t plane = 0;
};

/// Nothing for names of other rows; the checksum of a tile has its name with a '#'.
std::optional<TileName> parse_name(std::string_view text) {
  if (!text.starts_with("T;")) return std::nullopt;
  TileName name;
  std::int64_t* const fields[] = {&name.x, &name.y, &name.downsample, &name.channel, &name.plane};
  constexpr char kEnds[] = {'|', ';', ';', ';', '\0'};
  const char* at = text.data() + 2;
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < std::size(fields); ++i) {
    const auto [stop, status] = std::from_chars(at, end, *fields[i]);
    if (status != std::errc() || *fields[i] < 0) return std::nullopt;
    const bool last = i + 1 == std::size(fields);
    if (last ? stop != end : stop == end || *stop != kEnds[i]) return std::nullopt;
    at = stop + 1;
  }
  return name;
}

class SakuraReader {
 public:
  explicit SakuraReader(const OpenContext& context)
      : context_(context), store_(std::make_shared<const SakuraStore>(context.source())) {
    parts_.format = "sakura";
  }

  std::shared_ptr<const Slide> open() {
    read_header();
    read_levels();
    store_->with_database([&](SqliteDatabase& database) {
      add_properties(database);
      add_associated(database);
      return 0;
    });
    if (const auto hash = quickhash()) parts_.properties["openslide.quickhash-1"] = *hash;
    for (auto& level : levels_) {
      parts_.traits.push_back({.downsample = static_cast<double>(level->downsample()), .stored_tile = std::nullopt});
      parts_.grids.push_back(std::move(level));
    }
    return std::make_shared<const TiledSlide>(context_.source(), context_.options(), std::move(parts_));
  }

 private:
  void read_header() {
    const Blob bytes = store_->blob("Header").value_or(Blob());
    constexpr std::size_t kHeaderBytes = 20;
    if (bytes.size() < kHeaderBytes) corrupt(store_->name(), "the row 'Header' is missing or too short");
    const auto number = [&](std::size_t at) {
      return static_cast<std::int64_t>(bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 |
                                       static_cast<std::uint32_t>(bytes[at + 3]) << 24);
    };
    header_ = {.tile_side = number(0), .width = number(4), .height = number(8), .focal_planes = number(16)};
    if (header_.tile_side < 1 || header_.tile_side > kMaxTileSide) {
      corrupt(store_->name(), "expected tiles with a side of 1..4096 pixels, got " + std::to_string(header_.tile_side));
    }
    constexpr std::int64_t kMaxSide = 0x7FFFFFFF;
    if (header_.width < 1 || header_.height < 1 || header_.width > kMaxSide || header_.height > kMaxSide) {
      corrupt(store_->name(), "expected sides of 1..2147483647 pixels, got " + std::to_string(header_.width) + " x " +
                                  std::to_string(header_.height));
    }
    // The middle one; of an even number the lower of the two.
    plane_ = header_.focal_planes < 1 ? 0 : (header_.focal_planes - 1) / 2;
  }

  void read_levels() {
    std::map<std::int64_t, std::vector<SakuraTile>> tiles;
    store_->with_database([&](SqliteDatabase& database) {
      SqliteQuery query(database, "SELECT id FROM " + store_->table());
      while (query.next()) {
        const auto bytes = query.bytes(0);
        const auto name = parse_name({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (name && name->plane == plane_) add_tile(*name, tiles);
      }
      return 0;
    });
    if (tiles.empty()) corrupt(store_->name(), "no tiles");
    for (auto& [downsample, list] : tiles) {
      levels_.push_back(std::make_unique<const SakuraLevel>(store_, header_, downsample, plane_, std::move(list)));
    }
  }

  void add_tile(const TileName& name, std::map<std::int64_t, std::vector<SakuraTile>>& tiles) const {
    const bool power_of_two = name.downsample > 0 && (name.downsample & (name.downsample - 1)) == 0;
    if (!power_of_two || name.downsample > kMaxDownsample) {
      corrupt(store_->name(),
              "a tile has the downsample " + std::to_string(name.downsample) + ", expected a power of two up to 2^20");
    }
    const std::int64_t side = header_.tile_side * name.downsample;
    const bool on_grid = name.x % side == 0 && name.y % side == 0;
    if (name.channel > 2 || !on_grid || name.x >= header_.width || name.y >= header_.height) {
      corrupt(store_->name(), "a tile at " + std::to_string(name.x) + ", " + std::to_string(name.y) + " of channel " +
                                  std::to_string(name.channel) + " does not lie on the grid of tiles");
    }
    tiles[name.downsample].push_back({name.x / side, name.y / side, 1U << name.channel});
  }

  void add_properties(SqliteDatabase& database) {
    Properties& properties = parts_.properties;
    properties["openslide.vendor"] = "sakura";
    const auto text = [&](const char* table, const char* column) {
      optional_row(database, std::string("SELECT ") + table + "." + column + kScanJoin, [&](const SqliteQuery& row) {
        if (const std::string value = to_utf8(row.text(0)); !value.empty()) {
          properties[std::string("sakura.") + column] = value;
        }
      });
    };
    for (const char* column : {"SlideId", "Date", "Description", "Creator", "DiagnosisCode", "Keywords"}) {
      text("SVSlideDataXPO", column);
    }
    for (const char* column : {"ScanId", "FocussingMethod"}) text("SVHRScanDataXPO", column);
    optional_row(database, std::string("SELECT ResolutionMmPerPix, NominalLensMagnification") + kScanJoin,
                 [&](const SqliteQuery& row) { add_optics(row); });
    parts_.mpp = choose_mpp(context_.options(), vendor_mpp_, std::nullopt, parts_.objective_power, parts_.warnings);
    optional_row(database, "SELECT data FROM " + store_->table() + " WHERE id = '++VersionBytes'",
                 [&](const SqliteQuery& row) { properties["sakura.VersionBytes"] = to_utf8(row.text(0)); });
  }

  void add_optics(const SqliteQuery& row) {
    Properties& properties = parts_.properties;
    if (!row.is_null(0)) {
      const double millimetres = row.number(0);
      properties["sakura.ResolutionMmPerPix"] = format_number(millimetres);
      properties["openslide.mpp-x"] = properties["openslide.mpp-y"] = format_number(millimetres * 1000);
      vendor_mpp_ = Mpp{millimetres * 1000, millimetres * 1000, MppSource::kVendor};
    }
    if (!row.is_null(1)) {
      parts_.objective_power = row.number(1);
      properties["sakura.NominalLensMagnification"] = format_number(row.number(1));
      properties["openslide.objective-power"] = format_number(row.number(1));
    }
  }

  /// Metadata that cannot be read is a warning: the pixels may still be fine.
  template <class Use>
  void optional_row(SqliteDatabase& database, const std::string& sql, const Use& use) {
    try {
      SqliteQuery query(database, sql);
      if (query.next()) use(query);
    } catch (const Error& error) {
      parts_.warnings.push_back(error.what());
    }
  }

  void add_associated(SqliteDatabase& database) {
    const auto add = [&](const char* name, const std::string& sql) {
      try {
        Blob stream = database.only_blob(sql);
        if (!stream.empty()) parts_.associated.emplace(name, std::make_unique<const JpegBlobGrid>(std::move(stream)));
      } catch (const Error& error) {
        parts_.warnings.push_back(std::string(name) + " is left out: " + error.what());
      }
    };
    const std::string image = "SELECT Image FROM SVScannedImageDataXPO JOIN SVSlideDataXPO ON SVSlideDataXPO.";
    add("label", image + "m_labelScan = SVScannedImageDataXPO.OID");
    add("macro", image + "m_overviewScan = SVScannedImageDataXPO.OID");
    add("thumbnail", std::string("SELECT SVHRScanDataXPO.ThumbnailImage") + kScanJoin);
  }

  /// SHA-256 over metadata columns (each with a NUL), the header and the tiles of the smallest level in the order of
  /// their names. Nothing when that level is large or damaged.
  std::optional<std::string> quickhash() const {
    Sha256 digest;
    const std::string_view nul("\0", 1);
    try {
      store_->with_database([&](SqliteDatabase& database) {
        const auto add = [&](int columns, const std::string& sql) {
          SqliteQuery query(database, sql);
          while (query.next()) {
            for (int column = 0; column < columns; ++column) {
              digest.update(query.bytes(column));
              digest.update(nul);
            }
          }
        };
        add(5, "SELECT SlideId, Date, Creator, Description, Keywords FROM SVSlideDataXPO ORDER BY OID");
        add(4, "SELECT ScanId, Date, Name, Description FROM SVHRScanDataXPO ORDER BY OID");
        return 0;
      });
      digest.update(store_->blob("Header").value_or(Blob()));
      digest.update(nul);
      std::uint64_t total = 0;
      for (const std::string& name : levels_.back()->names()) {
        const auto tile = store_->blob(name);
        if (!tile || (total += tile->size()) > kMaxHashedBytes) return std::nullopt;
        digest.update(*tile);
      }
    } catch (const Error&) {
      return std::nullopt;
    }
    return hex(digest.finish());
  }

  const OpenContext& context_;
  std::shared_ptr<const SakuraStore> store_;
  SlideParts parts_;
  SakuraHeader header_;
  std::int64_t plane_ = 0;
  std::vector<std::unique_ptr<const SakuraLevel>> levels_;
  std::optional<Mpp> vendor_mpp_;
};

}  // namespace

bool is_sakura(const OpenContext& context) {
  return context.starts_with(std::string_view("SQLite format 3\0", 16));
}

std::shared_ptr<const Slide> open_sakura(const OpenContext& context) {
  return SakuraReader(context).open();
}

}  // namespace histojet::slide
