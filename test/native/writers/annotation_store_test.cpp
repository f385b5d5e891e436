#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "writers/json_value.hpp"
#include "writers/nucleus_identity.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/writing.hpp"

using namespace histojet;
using namespace histojet::test;
using nuclei::NucleusList;
using writers::NucleusWriter;
using writers::WriterOptions;

namespace {

using Row = std::vector<std::string>;

/// All rows as text, blobs as their bytes, NULL as "NULL".
std::vector<Row> query(const std::string& path, const std::string& sql) {
  sqlite3* handle = nullptr;
  EXPECT_EQ(sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(handle, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(handle);
  std::vector<Row> rows;
  int status = SQLITE_DONE;
  while ((status = sqlite3_step(statement)) == SQLITE_ROW) {
    Row& row = rows.emplace_back();
    for (int c = 0; c < sqlite3_column_count(statement); ++c) {
      const auto* data = static_cast<const char*>(sqlite3_column_blob(statement, c));
      const bool null = sqlite3_column_type(statement, c) == SQLITE_NULL;
      row.push_back(null ? "NULL" : std::string(data == nullptr ? "" : data, sqlite3_column_bytes(statement, c)));
    }
  }
  EXPECT_EQ(status, SQLITE_DONE) << sqlite3_errmsg(handle);
  sqlite3_finalize(statement);
  sqlite3_close(handle);
  return rows;
}

std::string scalar(const std::string& path, const std::string& sql) {
  const auto rows = query(path, sql);
  return rows.empty() ? "" : rows[0][0];
}

struct Point {
  double x = 0, y = 0;
};

template <class Value>
Value take(const std::vector<std::uint8_t>& bytes, std::size_t& at) {
  Value value;
  if (at + sizeof(value) > bytes.size()) throw std::runtime_error("WKB ends early");
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  at += sizeof(value);
  return value;
}

/// The ring of a little-endian polygon, closing point included.
std::vector<Point> read_wkb(const std::string& packed) {
  std::vector<std::uint8_t> wkb(1 << 16);
  uLongf size = wkb.size();
  EXPECT_EQ(uncompress(wkb.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()), Z_OK);
  wkb.resize(size);
  std::size_t at = 0;
  EXPECT_EQ(take<std::uint8_t>(wkb, at), 1);
  EXPECT_EQ(take<std::uint32_t>(wkb, at), 3u);
  EXPECT_EQ(take<std::uint32_t>(wkb, at), 1u);
  std::vector<Point> ring(take<std::uint32_t>(wkb, at));
  for (Point& point : ring) point.x = take<double>(wkb, at), point.y = take<double>(wkb, at);
  EXPECT_EQ(at, wkb.size());
  return ring;
}

}  // namespace

TEST(AnnotationStore, WritesWhatTiaToolboxReads) {
  const Scratch file("store.db");
  NucleusList list;
  add_nucleus(list, {10, 20, 10, 30, 20, 30, 20, 20}, 14, 24, 6.25f);
  add_nucleus(list, {0, 0, 6, 0, 0, 3}, 2, 1, 1);
  list.types = {1, 0};
  list.type_probabilities = {0.973f, 0.5f};
  write_all({.path = file.path(),
             .bounds_x = 4,
             .mpp = 0.25,
             .provenance = R"({"software":"histojet"})",
             .classes = {{"Other", {0, 0, 0}}, {"Neo \"plastic\"", {255, 0, 10}}}},
            {list});
  EXPECT_EQ(scalar(file.path(), "SELECT value FROM metadata WHERE key = 'version'"), "\"1.0.1\"");
  EXPECT_EQ(scalar(file.path(), "SELECT value FROM metadata WHERE key = 'compression'"), "\"zlib\"");
  EXPECT_EQ(scalar(file.path(), "SELECT value FROM metadata WHERE key = 'compression_level'"), "9");
  const Json provenance = Json::parse(scalar(file.path(), "SELECT value FROM metadata WHERE key = 'provenance'"));
  EXPECT_EQ(provenance["software"].text(), "histojet");
  EXPECT_EQ(provenance["origin"].text(), "level0");
  const auto columns = query(file.path(),
                             "SELECT name || ' ' || type || ' ' || \"notnull\" FROM"
                             " pragma_table_info('annotations')");
  const std::vector<Row> expected{{"id INTEGER 0"}, {"key TEXT 0"},      {"objtype TEXT 0"},    {"cx FLOAT 1"},
                                  {"cy FLOAT 1"},   {"geometry BLOB 0"}, {"properties TEXT 0"}, {"area FLOAT 1"}};
  EXPECT_EQ(columns, expected);
  const auto rows = query(file.path(), "SELECT id, key, objtype, cx, cy, geometry, properties, area FROM annotations");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][1].size(), 36u);
  EXPECT_EQ(rows[0][2], "Polygon");
  EXPECT_EQ(std::stod(rows[0][3]), 15) << "the polygon's centroid, not the nucleus'";
  EXPECT_EQ(std::stod(rows[0][4]), 25);
  EXPECT_EQ(rows[0][6], R"({"type":"Neo \"plastic\"","prob":0.97})");
  EXPECT_EQ(std::stod(rows[0][7]), 100) << "square pixels";
  const auto ring = read_wkb(rows[0][5]);
  ASSERT_EQ(ring.size(), 5u);
  EXPECT_EQ(ring[0].x, 10);
  EXPECT_EQ(ring[1].x, 20) << "counter-clockwise";
  EXPECT_EQ(ring[4].x, ring[0].x);
  EXPECT_EQ(ring[4].y, ring[0].y);
  EXPECT_NEAR(std::stod(rows[1][3]), 2, 1e-12);
  EXPECT_NEAR(std::stod(rows[1][4]), 1, 1e-12);
  EXPECT_EQ(scalar(file.path(), "PRAGMA integrity_check"), "ok");
  EXPECT_FALSE(std::filesystem::exists(file.part()));
  EXPECT_FALSE(std::filesystem::exists(file.part() + "-journal"));
}

TEST(AnnotationStore, WithoutTypes) {
  const Scratch file("untyped.db");
  write_all({.path = file.path()}, {circles(1, 50)});
  EXPECT_EQ(scalar(file.path(), "SELECT properties FROM annotations"), R"({"type":"Nucleus"})");
}

TEST(AnnotationStore, TheTreeFindsWhatBruteForceFinds) {
  const Scratch file("tree.db");
  std::vector<NucleusList> batches;
  for (int row = 0; row < 20; ++row) batches.push_back(circles(60, 13.7 * row, 90000 + 24.3 * row));
  write_all({.path = file.path()}, batches);
  const auto rows = query(file.path(), "SELECT id, geometry FROM annotations");
  ASSERT_EQ(rows.size(), 1200u);
  std::map<std::string, std::vector<Point>> rings;
  for (const Row& row : rows) rings[row[0]] = read_wkb(row[1]);
  EXPECT_EQ(scalar(file.path(), "SELECT rtreecheck('rtree')"), "ok");
  for (int window = 0; window < 40; ++window) {
    const double x = 47.31 * window, y = 90000 + 11.13 * window, side = 20 + window;
    std::set<std::string> expected;
    for (const auto& [id, ring] : rings) {
      double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
      for (const Point& p : ring) {
        left = std::min(left, p.x), right = std::max(right, p.x), top = std::min(top, p.y);
        bottom = std::max(bottom, p.y);
      }
      if (right >= x && left <= x + side && bottom >= y && top <= y + side) expected.insert(id);
    }
    std::set<std::string> found;
    const auto hits = query(file.path(), "SELECT id FROM rtree WHERE max_x >= " + std::to_string(x) + " AND min_x <= " +
                                             std::to_string(x + side) + " AND max_y >= " + std::to_string(y) +
                                             " AND min_y <= " + std::to_string(y + side));
    for (const Row& hit : hits) found.insert(hit[0]);
    EXPECT_EQ(found, expected);
  }
}

TEST(AnnotationStore, VerticesAreThoseOfGeoJson) {
  const Scratch a("round.db");
  const Scratch b("round.geojson");
  WriterOptions options{.path = a.path(), .origin = writers::Origin::kBounds, .bounds_x = 900, .bounds_y = 100};
  const auto batch = circles(9, 1000);
  write_all(options, {batch});
  options.path = b.path();
  write_all(options, {batch});
  const Json json = Json::parse(read_text(b.path()));
  const auto rows = query(a.path(), "SELECT key, geometry FROM annotations");
  ASSERT_EQ(rows.size(), json["features"].size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i][0], json["features"][i]["id"].text());
    const Json& expected = json["features"][i]["geometry"]["coordinates"][0];
    const auto ring = read_wkb(rows[i][1]);
    ASSERT_EQ(ring.size(), expected.size());
    for (std::size_t k = 0; k < ring.size(); ++k) {
      EXPECT_NEAR(ring[k].x, expected[k][0].number(), 1e-3);
      EXPECT_NEAR(ring[k].y, expected[k][1].number(), 1e-3);
    }
  }
}

TEST(AnnotationStore, ThePartIsADatabaseAfterEveryBatch) {
  const Scratch file("part.db");
  int written = 0;
  {
    const auto writer = NucleusWriter::create({.path = file.path()});
    for (int batch = 0; batch < 7; ++batch) {
      writer->write(circles(1 + batch, 100.0 * batch));
      written += 1 + batch;
      EXPECT_EQ(scalar(file.part(), "SELECT count(*) FROM annotations"), std::to_string(written));
      EXPECT_EQ(scalar(file.part(), "SELECT count(*) FROM rtree"), std::to_string(written));
    }
    EXPECT_EQ(writer->count(), written);
  }
  EXPECT_FALSE(std::filesystem::exists(file.path()));
  EXPECT_FALSE(std::filesystem::exists(file.part() + "-journal"));
  EXPECT_EQ(scalar(file.part(), "SELECT count(*) FROM annotations"), std::to_string(written));
}

TEST(AnnotationStore, AKilledProcessLeavesWholeBatches) {
  const Scratch file("killed.db");
  constexpr int kBatch = 3000;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto writer = NucleusWriter::create({.path = file.path()});
    writer->write(circles(kBatch, 0));
    (void)!::write(ready[1], "x", 1);
    for (int i = 1; i < 1000; ++i) writer->write(circles(kBatch, 0, 200 + 20 * i));
    _exit(0);
  }
  char letter = 0;
  EXPECT_EQ(::read(ready[0], &letter, 1), 1);
  usleep(150'000);
  kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  const int count = std::stoi(scalar(file.part(), "SELECT count(*) FROM annotations"));
  EXPECT_GE(count, kBatch);
  EXPECT_EQ(count % kBatch, 0);
  EXPECT_EQ(scalar(file.part(), "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(scalar(file.part(), "SELECT rtreecheck('rtree')"), "ok");
  ::close(ready[0]);
  ::close(ready[1]);
  // A new run starts over, whatever the killed one left beside the file.
  write_all({.path = file.path()}, {circles(2, 0)});
  EXPECT_EQ(scalar(file.path(), "SELECT count(*) FROM annotations"), "2");
  EXPECT_FALSE(std::filesystem::exists(file.part() + "-journal"));
}

TEST(AnnotationStore, EqualRunsGiveEqualBytes) {
  const Scratch a("one.db");
  const Scratch b("two.db");
  for (const Scratch* file : {&a, &b}) {
    write_all({.path = file->path(), .mpp = 0.25, .fingerprint = "f"}, {circles(2000, 10), circles(2, 10)});
  }
  EXPECT_EQ(read_text(a.path()), read_text(b.path()));
}

TEST(AnnotationStore, AKeyThatIsTakenIsReplaced) {
  // Ids repeat when the same place comes again after more than 100 000 nuclei; here another connection takes the key.
  const Scratch file("keys.db");
  writers::NucleusIdentity identity("", "");
  const std::string key = identity.next_id(50, 200.25);
  const auto writer = NucleusWriter::create({.path = file.path()});
  query(file.part(), "INSERT INTO annotations VALUES (99, '" + key + "', 'Polygon', 0, 0, NULL, '{}', 0)");
  writer->write(circles(3, 50));
  writer->close();
  EXPECT_EQ(scalar(file.path(), "SELECT count(DISTINCT key) FROM annotations"), "4");
  EXPECT_EQ(scalar(file.path(), "SELECT length(key) FROM annotations WHERE id = 1"), "36");
  EXPECT_EQ(scalar(file.path(), "SELECT count(*) FROM rtree"), "3");
}

TEST(AnnotationStore, EmptyResultIsAStore) {
  const Scratch file("empty.db");
  NucleusList thin;
  add_nucleus(thin, {2, 2, 4, 2}, 3, 2, 1);
  write_all({.path = file.path()}, {NucleusList{}, thin});
  EXPECT_EQ(scalar(file.path(), "SELECT count(*) FROM annotations"), "0");
  EXPECT_EQ(scalar(file.path(), "SELECT count(*) FROM metadata"), "4");
}

TEST(AnnotationStore, AFullDiskKeepsTheBatchesBefore) {
  const Scratch file("full.db");
  const auto writer = NucleusWriter::create({.path = file.path()});
  writer->write(circles(50, 0));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = std::filesystem::file_size(file.part()) + 4096;
  setrlimit(RLIMIT_FSIZE, &tight);
  ErrorCode code = ErrorCode::kInternal;
  try {
    writer->write(circles(5000, 0));
  } catch (const Error& error) {
    code = error.code();
  }
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(code, ErrorCode::kIo);
  EXPECT_EQ(writer->count(), 50);
  EXPECT_EQ(scalar(file.part(), "SELECT count(*) FROM annotations"), "50");
  writer->write(circles(3, 0));
  writer->close();
  EXPECT_EQ(scalar(file.path(), "SELECT count(*) FROM annotations"), "53");
  EXPECT_EQ(scalar(file.path(), "PRAGMA integrity_check"), "ok");
}

TEST(AnnotationStore, UnwritablePathsFailAtOnce) {
  EXPECT_EQ(refusal({.path = "/nonexistent-folder/x.db"}), ErrorCode::kIo);
  const Scratch folder("folder.db");
  std::filesystem::create_directory(folder.path());
  EXPECT_EQ(refusal({.path = folder.path()}), ErrorCode::kIo);
}
