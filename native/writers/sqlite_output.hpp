#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/locked_file.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace histojet::writers {

class SqliteStatement;

/// An SQLite 3 database that is written as `<path>.part` and gets its final name by commit_file(). Every transaction is
/// whole or absent even when the process is killed: a rollback journal stands beside the file while one runs, and the
/// next reader applies it. Power failures are not guarded against until commit_file(), which syncs. Not safe for use
/// from several threads at once.
class SqliteOutput {
 public:
  /// Starts an empty database, over one that is there. @throws Error kIo, also when `path` is a folder.
  explicit SqliteOutput(std::string path);
  /// Undoes a transaction that runs; what was committed stays in the `.part`.
  ~SqliteOutput();
  SqliteOutput(const SqliteOutput&) = delete;
  SqliteOutput& operator=(const SqliteOutput&) = delete;

  const std::string& path() const { return path_; }
  /// Runs statements that give no rows that matter. @throws Error kIo.
  void run(const char* sql);
  /// Undoes the running transaction, if there is one.
  void roll_back() noexcept;
  /// Closes the database, whose statements must be gone, syncs it and gives it its final name. @throws Error kIo.
  void commit_file();
  /// Closes the database and leaves the `.part`. Its statements must be gone.
  void close() noexcept;
  /// Throws the last failure as Error kIo (kOutOfMemory when SQLite has no memory).
  [[noreturn]] void fail() const;

 private:
  friend class SqliteStatement;
  std::string part_path() const { return path_ + ".part"; }
  void start_empty();

  std::string path_;
  sqlite3* handle_ = nullptr;
  std::optional<LockedFile> lock_;  ///< held from opening to the end
};

/// One prepared statement; must not outlive its database. Parameters count from 1; texts and blobs are not copied and
/// must live until run() returns.
class SqliteStatement {
 public:
  SqliteStatement(SqliteOutput& database, std::string_view sql);
  ~SqliteStatement();
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  void bind(int parameter, std::int64_t value);
  void bind(int parameter, double value);
  void bind(int parameter, std::string_view text);
  void bind(int parameter, std::span<const std::uint8_t> blob);
  /// Executes it once and makes it ready for the next. False when no row changed. @throws Error kIo.
  bool run();

 private:
  SqliteOutput& database_;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace histojet::writers
