#include "readers/annotation_store_reader.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.hpp"
#include "readers/wkb_bytes.hpp"

using namespace histojet;
using namespace histojet::readers;
using namespace histojet::test;

namespace {

std::vector<std::uint8_t> packed(const std::vector<std::uint8_t>& bytes) {
  uLongf size = compressBound(bytes.size());
  std::vector<std::uint8_t> out(size);
  EXPECT_EQ(compress(out.data(), &size, bytes.data(), bytes.size()), Z_OK);
  out.resize(size);
  return out;
}

/// A store as TIAToolbox writes it, of which the statements of a test change parts.
class Store {
 public:
  explicit Store(const std::string& compression = "\"zlib\"")
      : path_(std::filesystem::path(testing::TempDir()) / ("store" + std::to_string(getpid()) + ".db")) {
    std::filesystem::remove(path_);
    EXPECT_EQ(sqlite3_open(path_.c_str(), &handle_), SQLITE_OK);
    run("CREATE TABLE metadata (key TEXT UNIQUE, value TEXT);"
        "CREATE VIRTUAL TABLE rtree USING rtree(id, min_x, max_x, min_y, max_y);"
        "CREATE TABLE annotations(id INTEGER PRIMARY KEY, key TEXT UNIQUE, objtype TEXT, cx FLOAT NOT NULL,"
        " cy FLOAT NOT NULL, geometry BLOB, properties TEXT, area FLOAT NOT NULL);"
        "INSERT INTO metadata VALUES ('version', '\"1.0.1\"'), ('compression_level', '9');"
        "INSERT INTO metadata VALUES ('compression', '" +
        compression + "');");
  }
  ~Store() {
    sqlite3_close(handle_);
    std::filesystem::remove(path_);
  }
  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(handle_);
  }
  /// A row without geometry is a point.
  void add(const std::vector<std::uint8_t>& geometry, const char* properties, std::int64_t id = 0) {
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(handle_, "INSERT INTO annotations (id, cx, cy, geometry, properties, area) VALUES (?,0,0,?,?,0)",
                       -1, &insert, nullptr);
    if (id != 0) sqlite3_bind_int64(insert, 1, id);
    if (!geometry.empty()) sqlite3_bind_blob(insert, 2, geometry.data(), geometry.size(), SQLITE_STATIC);
    if (properties != nullptr) sqlite3_bind_text(insert, 3, properties, -1, SQLITE_STATIC);
    EXPECT_EQ(sqlite3_step(insert), SQLITE_DONE) << sqlite3_errmsg(handle_);
    sqlite3_finalize(insert);
  }
  void add_square(double x, const char* properties, std::int64_t id = 0) {
    add(packed(WkbBytes().polygon({square(x, 10, 8)}).bytes()), properties, id);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
};

std::vector<nuclei::NucleusList> all(NucleusReader& reader) {
  std::vector<nuclei::NucleusList> lists;
  while (auto list = reader.next({})) lists.push_back(std::move(*list));
  return lists;
}

ErrorCode failure(const Store& store, const std::string& words) {
  try {
    all(*open_annotation_store_file(store.path()));
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "no error about " << words;
  return ErrorCode::kInternal;
}

TEST(AnnotationStoreReader, ReadsClassesInTheirOrderAndProbabilities) {
  Store store;
  store.add_square(0, R"({"type":"Tumor","prob":0.75})");
  store.add({}, R"({"type":"point"})");
  store.add_square(20, R"(  {"area": NaN, "type": 3, "nested": {"type": [1]}} )");
  store.add_square(40, R"({"type":"Tumor","prob":NaN})");
  store.add_square(60, nullptr);
  store.add_square(80, R"({"type":null,"prob":1})");
  const auto reader = open_annotation_store_file(store.path());
  EXPECT_EQ(reader->format(), "annotation-store");
  const auto lists = all(*reader);
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0].types, (std::vector<std::uint8_t>{1, 2, 1, 0, 0}));
  ASSERT_EQ(lists[0].type_probabilities.size(), 5u);
  EXPECT_FLOAT_EQ(lists[0].type_probabilities[0], 0.75);
  EXPECT_TRUE(std::isnan(lists[0].type_probabilities[1]));
  EXPECT_TRUE(std::isnan(lists[0].type_probabilities[2]));
  EXPECT_FLOAT_EQ(lists[0].centroids[8], 84);
  EXPECT_FLOAT_EQ(lists[0].areas[4], 64);
  ASSERT_EQ(reader->classes().size(), 3u);
  EXPECT_EQ(reader->classes()[1].name, "Tumor");
  EXPECT_EQ(reader->classes()[2].name, "3");
}

TEST(AnnotationStoreReader, TakesClassesAndTheSizeOfAPixelFromTheProvenance) {
  Store store;
  store.run("INSERT INTO metadata VALUES ('provenance', '{\"slide\":{\"mpp\":[0.5,0.5]}}');");
  store.add_square(0, R"({"type":"Nucleus"})");
  const auto reader = open_annotation_store_file(store.path());
  EXPECT_EQ(reader->provenance(), "{\"slide\":{\"mpp\":[0.5,0.5]}}");
  const auto lists = all(*reader);
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_FLOAT_EQ(lists[0].areas[0], 16);
  EXPECT_TRUE(lists[0].types.empty());
}

TEST(AnnotationStoreReader, ReadsPlainGeometryAndParts) {
  Store store("null");
  store.add(WkbBytes(true).polygon({square(0, 0, 4)}).bytes(), "{\"type\":\"a\"}");
  auto parts = WkbBytes().kind(6).put(std::uint32_t{2}).polygon({square(9, 0, 4)}).polygon({square(19, 0, 5)});
  store.add(parts.bytes(), "{\"type\":\"b\",\"prob\":0.5}");
  const auto lists = all(*open_annotation_store_file(store.path()));
  ASSERT_EQ(lists.size(), 1u);
  EXPECT_EQ(lists[0].types, (std::vector<std::uint8_t>{1, 2, 2}));
  EXPECT_FLOAT_EQ(lists[0].type_probabilities[2], 0.5);
}

TEST(AnnotationStoreReader, ReadsManyRowsInBatchesByTheirIds) {
  Store store;
  store.run("BEGIN");
  for (int i = 0; i < 10'001; ++i) store.add_square(i, R"({"type":"x"})", -3 + 2 * i);
  store.run("COMMIT");
  const auto reader = open_annotation_store_file(store.path());
  const auto lists = all(*reader);
  ASSERT_EQ(lists.size(), 3u);
  std::size_t count = 0;
  for (const auto& list : lists) {
    for (std::size_t i = 0; i < list.size(); ++i) EXPECT_FLOAT_EQ(list.centroids[2 * i], 4 + count++);
  }
  EXPECT_EQ(count, 10'001u);
  EXPECT_FALSE(reader->next({}).has_value());
}

TEST(AnnotationStoreReader, LeavesTheFileAsItIsAndOthersMayWrite) {
  Store store;
  for (int i = 0; i < 5000; ++i) store.add_square(i, R"({"type":"x"})");
  const auto reader = open_annotation_store_file(store.path());
  EXPECT_TRUE(reader->next({}).has_value());
  store.run("INSERT INTO metadata VALUES ('note', '1')");
  EXPECT_FALSE(all(*reader).empty());
}

TEST(AnnotationStoreReader, AnEmptyStoreHasNoNuclei) {
  const Store store;
  const auto reader = open_annotation_store_file(store.path());
  EXPECT_FALSE(reader->next({}).has_value());
  EXPECT_TRUE(reader->classes().empty());
}

TEST(AnnotationStoreReader, RefusesOtherDatabases) {
  Store no_table;
  no_table.run("DROP TABLE annotations");
  EXPECT_EQ(failure(no_table, "without a table \"annotations\""), ErrorCode::kUnsupportedFormat);
  no_table.run("CREATE VIEW annotations AS SELECT 1 AS geometry, 2 AS properties");
  EXPECT_EQ(failure(no_table, "without a table \"annotations\""), ErrorCode::kUnsupportedFormat);
  no_table.run("DROP VIEW annotations; CREATE TABLE annotations (geometry BLOB)");
  EXPECT_EQ(failure(no_table, "no column \"properties\""), ErrorCode::kUnsupportedFormat);
  no_table.run("DROP TABLE annotations; CREATE TABLE annotations (rowid TEXT, geometry BLOB, properties TEXT)");
  EXPECT_EQ(failure(no_table, "column \"rowid\""), ErrorCode::kUnsupportedFormat);
  EXPECT_EQ(failure(Store("\"lzma\""), "packed with '\"lzma\"'"), ErrorCode::kUnsupportedFormat);
  Store newer;
  newer.run("UPDATE metadata SET value = '\"2.0\"' WHERE key = 'version'");
  EXPECT_EQ(failure(newer, "of version '\"2.0\"'"), ErrorCode::kUnsupportedFormat);
  Store text("null");
  text.run("INSERT INTO annotations (cx, cy, geometry, area) VALUES (0, 0, 'POLYGON ((0 0, 1 0, 1 1, 0 0))', 0)");
  EXPECT_EQ(failure(text, "annotation 1: geometry as text"), ErrorCode::kUnsupportedFormat);
}

TEST(AnnotationStoreReader, RefusesDamagedRows) {
  for (const auto& [properties, words] :
       std::vector<std::pair<const char*, const char*>>{{"[1]", "no JSON object"},
                                                        {"", "no JSON object"},
                                                        {"{\"type\":", "no JSON object"},
                                                        {"{}{}", "more or less than one"},
                                                        {"{\"a\":1", "no JSON object"}}) {
    Store store;
    store.add_square(0, "{}", 6);
    store.add_square(0, properties, 7);
    store.add_square(0, "{}", 8);
    EXPECT_EQ(failure(store, std::string("annotation 7: its properties")), ErrorCode::kCorruptFile) << properties;
    EXPECT_EQ(failure(store, words), ErrorCode::kCorruptFile) << properties;
  }
  Store plain;
  plain.add(WkbBytes().polygon({square(0, 0, 4)}).bytes(), "{}");
  EXPECT_EQ(failure(plain, "annotation 1: its geometry: no whole zlib stream"), ErrorCode::kCorruptFile);
  Store cut;
  auto bytes = packed(WkbBytes().polygon({square(0, 0, 4)}).bytes());
  bytes.resize(bytes.size() - 5);
  cut.add(bytes, "{}");
  EXPECT_EQ(failure(cut, "no whole zlib stream"), ErrorCode::kCorruptFile);
  Store bomb;
  bomb.add(packed(std::vector<std::uint8_t>(60 << 20)), "{}");
  EXPECT_EQ(failure(bomb, "larger than 50331648 bytes"), ErrorCode::kCorruptFile);
}

TEST(AnnotationStoreReader, RefusesFilesThatAreNone) {
  const std::string path = testing::TempDir() + "/none" + std::to_string(getpid()) + ".db";
  std::ofstream(path) << std::string(5000, 'x');
  try {
    open_annotation_store_file(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupportedFormat) << error.what();
  }
  std::filesystem::remove(path);
  try {
    open_annotation_store_file(path);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AnnotationStoreReader, StopsWhenCancelledAndStaysStopped) {
  Store store;
  for (int i = 0; i < 100; ++i) store.add_square(i, R"({"type":"x"})");
  const auto reader = open_annotation_store_file(store.path());
  CancelSource source;
  source.cancel();
  EXPECT_THROW(reader->next(source.token()), Cancelled);
  EXPECT_THROW(reader->next({}), Error);
}

TEST(AnnotationStoreReader, KnowsADatabaseByItsHead) {
  const Store store;
  std::ifstream file(store.path(), std::ios::binary);
  std::vector<std::uint8_t> head(64);
  file.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()));
  EXPECT_TRUE(looks_like_annotation_store(head));
  EXPECT_FALSE(looks_like_annotation_store(std::span<const std::uint8_t>(head).first(15)));
}

}  // namespace
