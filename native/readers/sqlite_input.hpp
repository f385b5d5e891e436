#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace histojet::readers {

/// An SQLite 3 database of strangers: opened for reading only, without extensions, triggers and views, never mapped
/// into memory, with small limits. Not safe for use from several threads at once.
class SqliteInput {
 public:
  /// Longest text or blob, in bytes.
  static constexpr int kLongestValue = 32 << 20;

  /// @throws Error kIo; kUnsupportedFormat when it is no SQLite database.
  explicit SqliteInput(const std::string& path);
  /// A database in memory, for the fuzz target. `name` is for messages.
  SqliteInput(std::span<const std::uint8_t> bytes, std::string name);
  ~SqliteInput();
  SqliteInput(const SqliteInput&) = delete;
  SqliteInput& operator=(const SqliteInput&) = delete;

  const std::string& name() const { return name_; }
  /// The token that ends queries early; it must live until the next call.
  void obey(const CancelToken* cancel) { cancel_ = cancel; }
  /// Names of the stored columns of an ordinary table, empty when there is none of that name, which is a plain word.
  std::vector<std::string> columns(const std::string& table);

 private:
  friend class SqliteQuery;
  void guard();
  /// Throws the last failure: Cancelled, kCorruptFile, kIo, kUnsupportedFormat or kOutOfMemory.
  [[noreturn]] void fail() const;

  std::string name_;
  sqlite3* handle_ = nullptr;
  const CancelToken* cancel_ = nullptr;
};

/// One prepared query; must not outlive its database. Columns count from 0.
class SqliteQuery {
 public:
  SqliteQuery(SqliteInput& database, std::string_view sql);
  ~SqliteQuery();
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;

  /// Parameters count from 1.
  void bind(int parameter, std::int64_t value);
  void bind(int parameter, const std::string& value);
  /// Goes to the next row; false behind the last one, and the query can run again. @throws as SqliteInput::fail.
  bool step();
  /// Makes it ready to run again.
  void reset();

  bool is_null(int column) const;
  bool is_integer(int column) const;
  bool is_text(int column) const;
  std::int64_t integer(int column) const;
  /// Valid until the next step.
  std::string_view text(int column) const;
  std::span<const std::uint8_t> blob(int column) const;

 private:
  SqliteInput& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace histojet::readers
