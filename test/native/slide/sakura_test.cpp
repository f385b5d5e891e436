// Sakura slides made with SQLite in memory; the shared fixture is in slide_parity_test.cpp.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "codecs/jpeg.hpp"
#include "slide/slide.hpp"
#include "slide/sqlite_database.hpp"

namespace histojet::slide {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::int64_t kSide = 16;

/// A database in memory that becomes the bytes of a file.
class DatabaseBuilder {
 public:
  DatabaseBuilder() { sqlite3_open(":memory:", &handle_); }
  ~DatabaseBuilder() { sqlite3_close(handle_); }
  DatabaseBuilder(const DatabaseBuilder&) = delete;
  DatabaseBuilder& operator=(const DatabaseBuilder&) = delete;

  void run(const std::string& sql) {
    char* message = nullptr;
    const int status = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &message);
    EXPECT_EQ(status, SQLITE_OK) << sql << ": " << (message == nullptr ? "" : message);
    sqlite3_free(message);
  }
  /// Runs a statement with a text and a blob.
  void run(const std::string& sql, const std::string& text, const Bytes& blob) {
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
    sqlite3_bind_text(statement, 1, text.c_str(), -1, SQLITE_TRANSIENT);
    sqlite3_bind_blob(statement, 2, blob.data(), static_cast<int>(blob.size()), SQLITE_TRANSIENT);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
  }
  Bytes bytes() {
    sqlite3_int64 size = 0;
    unsigned char* data = sqlite3_serialize(handle_, "main", &size, 0);
    Bytes out(data, data + size);
    sqlite3_free(data);
    return out;
  }

 private:
  sqlite3* handle_ = nullptr;
};

Bytes number(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 24)};
}

/// A JPEG of one grey value; constant blocks survive the compression.
Bytes grey_jpeg(std::uint8_t value, std::int64_t side = kSide) {
  return codecs::encode_jpeg(Image(side, side, 1, value));
}

/// A slide of 40 x 24 pixels in tiles of 16, with a second level of 20 x 12; tile (1, 0) of level 0 is missing.
class SakuraBuilder {
 public:
  std::uint32_t width = 40;
  std::uint32_t planes = 1;
  std::string magic = "SVGigaPixelImage";
  DatabaseBuilder database;

  SakuraBuilder() {
    database.run("CREATE TABLE DataManagerSQLiteConfigXPO (OID INTEGER PRIMARY KEY, TableName TEXT)");
    database.run("INSERT INTO DataManagerSQLiteConfigXPO VALUES (1, 'odd \"name')");
    database.run("CREATE TABLE \"odd \"\"name\" (id TEXT PRIMARY KEY, size INTEGER, data BLOB)");
    database.run(
        "CREATE TABLE SVSlideDataXPO (OID INTEGER PRIMARY KEY, m_labelScan INTEGER, m_overviewScan INTEGER, SlideId "
        "TEXT, Date TEXT, Description TEXT, Creator TEXT, DiagnosisCode TEXT, Keywords TEXT)");
    database.run("INSERT INTO SVSlideDataXPO VALUES (1, 1, 2, 'sid', 'day', '', 'me', '0', NULL)");
    database.run(
        "CREATE TABLE SVHRScanDataXPO (OID INTEGER PRIMARY KEY, ParentSlide INTEGER, ScanId TEXT, Date TEXT, "
        "Description TEXT, Name TEXT, ResolutionMmPerPix REAL, NominalLensMagnification REAL, ThumbnailImage BLOB, "
        "FocussingMethod INTEGER)");
    database.run("INSERT INTO SVHRScanDataXPO VALUES (1, 1, 'scan', 'd', 'x', 'n', 0.00025, 40, NULL, 1)");
    database.run("CREATE TABLE SVScannedImageDataXPO (OID INTEGER PRIMARY KEY, Image BLOB)");
    database.run("INSERT INTO SVScannedImageDataXPO VALUES (1 + length(?1), ?2)", "", grey_jpeg(90, 7));
  }
  void row(const std::string& id, const Bytes& data) {
    database.run("INSERT OR REPLACE INTO \"odd \"\"name\" VALUES (?1, 0, ?2)", id, data);
  }
  void tile(std::int64_t x, std::int64_t y, int downsample, int plane = 0) {
    for (int c = 0; c < 3; ++c) {
      row("T;" + std::to_string(x) + "|" + std::to_string(y) + ";" + std::to_string(downsample) + ";" +
              std::to_string(c) + ";" + std::to_string(plane),
          grey_jpeg(value(x / kSide / downsample, y / kSide / downsample, downsample, c, plane)));
    }
  }
  static std::uint8_t value(std::int64_t column, std::int64_t row, int downsample, int c, int plane = 0) {
    return static_cast<std::uint8_t>(10 + column * 20 + row * 60 + downsample * 5 + c * 40 + plane * 3);
  }
  void tiles(int plane = 0) {
    for (int i : {0, 2, 3, 4, 5}) tile(i % 3 * kSide, i / 3 * kSide, 1, plane);
    for (int i : {0, 1}) tile(i * kSide * 2, 0, 2, plane);
  }
  Bytes header() const {
    Bytes all;
    for (const std::uint32_t field : {static_cast<std::uint32_t>(kSide), width, 24U, 8U, planes}) {
      const Bytes four = number(field);
      all.insert(all.end(), four.begin(), four.end());
    }
    return all;
  }
  Bytes bytes() {
    row("++MagicBytes", Bytes(magic.begin(), magic.end()));
    row("++VersionBytes", {'1', '.', '0'});
    row("Header", header());
    return database.bytes();
  }
};

std::shared_ptr<const Slide> open(Bytes bytes) {
  return Slide::open(memory_source(std::move(bytes), "test.svslide"), {});
}

void expect_failure(Bytes bytes, ErrorCode code, const std::string& part) {
  try {
    const auto slide = open(std::move(bytes));
    slide->read_region({.width = slide->width(), .height = slide->height()});
    FAIL() << "nothing failed, expected " << part;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Sakura, LevelsTilesAndMetadata) {
  SakuraBuilder builder;
  builder.tiles();
  const auto slide = open(builder.bytes());
  EXPECT_EQ(slide->format(), "sakura");
  ASSERT_EQ(slide->levels().size(), 2U);
  EXPECT_EQ(slide->levels()[1].width, 20);
  EXPECT_EQ(slide->levels()[1].height, 12);
  EXPECT_EQ(slide->levels()[1].downsample, 2);
  EXPECT_DOUBLE_EQ(slide->mpp()->x, 0.25);
  EXPECT_EQ(slide->objective_power(), 40);
  const auto& properties = slide->properties();
  EXPECT_EQ(properties.at("sakura.SlideId"), "sid");
  EXPECT_EQ(properties.at("sakura.FocussingMethod"), "1");
  EXPECT_EQ(properties.at("sakura.VersionBytes"), "1.0");
  EXPECT_FALSE(properties.contains("sakura.Description"));
  EXPECT_FALSE(properties.contains("sakura.Keywords"));
  EXPECT_EQ(slide->associated_images(), std::vector<std::string>{"label"});
  EXPECT_EQ(slide->read_associated_image("label").width, 7);
  for (int level = 0; level < 2; ++level) {
    const Level& size = slide->levels()[static_cast<std::size_t>(level)];
    const Image image = slide->read_region({.width = size.width, .height = size.height, .level = level, .channels = 4});
    for (std::int64_t y = 0; y < size.height; ++y) {
      for (std::int64_t x = 0; x < size.width; ++x) {
        const bool missing = level == 0 && x / kSide == 1 && y / kSide == 0;
        const std::uint8_t* pixel = image.row(y) + x * 4;
        ASSERT_EQ(pixel[3], missing ? 0 : 255) << x << ", " << y;
        if (missing) continue;
        for (int c = 0; c < 3; ++c) {
          ASSERT_NEAR(pixel[c], SakuraBuilder::value(x / kSide, y / kSide, 1 << level, c), 1) << x << ", " << y;
        }
      }
    }
  }
}

TEST(Sakura, QuickhashCoversMetadataHeaderAndSmallestLevel) {
  SakuraBuilder builder;
  builder.tiles();
  Sha256 digest;
  for (const char* field : {"sid", "day", "me", "", "", "scan", "d", "n", "x"}) {
    digest.update(std::string_view(field));
    digest.update(std::string_view("\0", 1));
  }
  digest.update(builder.header());
  digest.update(std::string_view("\0", 1));
  for (const int column : {0, 1}) {
    for (const int c : {0, 1, 2}) digest.update(grey_jpeg(SakuraBuilder::value(column, 0, 2, c)));
  }
  EXPECT_EQ(open(builder.bytes())->properties().at("openslide.quickhash-1"), hex(digest.finish()));
}

TEST(Sakura, ShowsTheMiddleFocalPlane) {
  SakuraBuilder builder;
  builder.planes = 4;
  for (const int plane : {0, 1, 2, 3}) builder.tiles(plane);
  const Image image = open(builder.bytes())->read_region({.width = 1, .height = 1});
  EXPECT_NEAR(image.data[0], SakuraBuilder::value(0, 0, 1, 0, 1), 1);
}

TEST(Sakura, RefusesWhatIsNoSlide) {
  DatabaseBuilder other;
  other.run("CREATE TABLE nuclei (id INTEGER)");
  expect_failure(other.bytes(), ErrorCode::kUnsupportedFormat, "no Sakura slide");
  SakuraBuilder magic;
  magic.magic = "something else";
  magic.tiles();
  expect_failure(magic.bytes(), ErrorCode::kUnsupportedFormat, "no Sakura slide");
  SakuraBuilder empty;
  expect_failure(empty.bytes(), ErrorCode::kCorruptFile, "no tiles");
  SakuraBuilder zero;
  zero.tiles();
  zero.width = 0;
  expect_failure(zero.bytes(), ErrorCode::kCorruptFile, "expected sides");
}

TEST(Sakura, RefusesTilesThatDoNotFit) {
  SakuraBuilder beside;
  beside.tiles();
  beside.row("T;3|0;1;0;0", grey_jpeg(1));
  expect_failure(beside.bytes(), ErrorCode::kCorruptFile, "grid of tiles");
  SakuraBuilder odd;
  odd.tiles();
  odd.row("T;0|0;3;0;0", grey_jpeg(1));
  expect_failure(odd.bytes(), ErrorCode::kCorruptFile, "power of two");
  SakuraBuilder size;
  size.tiles();
  size.row("T;0|0;1;1;0", grey_jpeg(1, 8));
  expect_failure(size.bytes(), ErrorCode::kCorruptFile, "column 0, row 0");
  SakuraBuilder channel;
  channel.tiles();
  channel.row("T;16|0;1;0;0", grey_jpeg(1));
  expect_failure(channel.bytes(), ErrorCode::kCorruptFile, "T;16|0;1;1;0");
}

TEST(Sakura, DamagedDatabasesGiveErrorsOrPixels) {
  SakuraBuilder builder;
  builder.tiles();
  const Bytes good = builder.bytes();
  std::uint32_t state = 1;
  for (int round = 0; round < 300; ++round) {
    Bytes bytes = good;
    for (int k = 0; k < 8; ++k) {
      state = state * 1664525 + 1013904223;
      bytes[(state >> 8) % bytes.size()] = static_cast<std::uint8_t>(state);
    }
    if (round % 10 == 0) bytes.resize(bytes.size() * static_cast<std::size_t>(round) / 300);
    try {
      const auto slide = open(bytes);
      slide->read_region({.width = slide->width(), .height = std::min<std::int64_t>(slide->height(), 64)});
    } catch (const Error&) {
    }
  }
}

TEST(SqliteDatabase, IsReadOnlyAndInterruptsEndlessQueries) {
  DatabaseBuilder builder;
  builder.run("CREATE TABLE t (a TEXT)");
  builder.run("INSERT INTO t VALUES ('x'), ('y')");
  builder.run("CREATE VIEW v AS SELECT a FROM t");
  SqliteDatabase database(memory_source(builder.bytes(), "test.db"));
  EXPECT_EQ(database.texts("SELECT a FROM t ORDER BY a"), (std::vector<std::string>{"x", "y"}));
  EXPECT_THROW(database.texts("INSERT INTO t VALUES ('z') RETURNING a"), Error);
  EXPECT_THROW(database.texts("SELECT a FROM v"), Error);
  EXPECT_THROW(database.only_blob("SELECT a FROM t"), Error);
  EXPECT_THROW(
      database.texts("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0"),
      Error);
  EXPECT_EQ(sql_identifier("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace histojet::slide
