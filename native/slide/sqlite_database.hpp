#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/byte_source.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace histojet::slide {

class SqliteDatabase;

/// One prepared query; must not outlive its database.
class SqliteQuery {
 public:
  SqliteQuery(SqliteDatabase& database, const std::string& sql);
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  /// Sets the parameter `?1` and starts over.
  void bind(const std::string& text);
  /// The next row, or false after the last one. @throws Error kCorruptFile.
  bool next();
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;
  /// Bytes of a blob, or of a value as text; valid until the next call of `next` or `bind`.
  std::span<const std::uint8_t> bytes(int column) const;

 private:
  SqliteDatabase& database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// An SQLite 3 database inside a source of bytes, for reading only: nothing is written, locked, journalled or put into
/// temporary files, schemas are not trusted (no views, triggers, extensions), values are at most 64 MiB, and a query
/// that does more work than a file of this size can justify is interrupted. Not safe for use from several threads at
/// once.
class SqliteDatabase {
 public:
  /// @throws Error kCorruptFile when the file is no database.
  explicit SqliteDatabase(std::shared_ptr<const ByteSource> source);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  /// All rows of one text column. @throws Error kCorruptFile.
  std::vector<std::string> texts(const std::string& sql);
  /// The blob of the only row, empty when there is none or NULL. @throws Error kCorruptFile, also for several rows.
  std::vector<std::uint8_t> only_blob(const std::string& sql);

 private:
  friend class SqliteQuery;
  [[noreturn]] void fail() const;
  void configure();
  static int progress(void* self);

  std::shared_ptr<const ByteSource> source_;
  sqlite3* handle_ = nullptr;
  std::uint64_t steps_left_ = 0;
};

/// `name` as an SQL identifier in double quotes.
std::string sql_identifier(const std::string& name);

}  // namespace histojet::slide
