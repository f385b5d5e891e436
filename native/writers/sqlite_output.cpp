#include "writers/sqlite_output.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

/// Pages in memory: the index over random ids is the only part of a big file that is touched all over.
constexpr const char* kCache = "PRAGMA cache_size = -32768";

void sync(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw io_error("cannot write", path, errno);
  const int status = ::fsync(fd);
  const int reason = errno;
  ::close(fd);
  if (status != 0 && reason != EINVAL) throw io_error("cannot write", path, reason);
}

}  // namespace

SqliteOutput::SqliteOutput(std::string path) : path_(std::move(path)) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) throw io_error("cannot write", path_, EISDIR);
  lock_.emplace(part_path());
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  try {
    start_empty();
    if (sqlite3_open_v2(part_path().c_str(), &handle_, flags, nullptr) != SQLITE_OK) fail();
    sqlite3_extended_result_codes(handle_, 1);
    // A journal on disk survives the end of the process; syncs, which are left out, would guard against the machine's.
    for (const char* pragma : {"PRAGMA journal_mode = TRUNCATE", "PRAGMA synchronous = OFF", kCache}) run(pragma);
  } catch (...) {
    close();
    throw;
  }
}

SqliteOutput::~SqliteOutput() {
  close();
}

void SqliteOutput::start_empty() {
  // A journal that an earlier run left would be applied to the new file.
  for (const char* suffix : {"-journal", "-wal", "-shm"}) ::unlink((part_path() + suffix).c_str());
  lock_->truncate(0);
}

void SqliteOutput::fail() const {
  const int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(handle_);
  if (code == SQLITE_NOMEM) throw Error(ErrorCode::kOutOfMemory, "no memory to write " + part_path());
  if (code == SQLITE_FULL) throw io_error("cannot write", part_path(), ENOSPC);
  if (const int reason = sqlite3_system_errno(handle_); reason != 0) {
    throw io_error("cannot write", part_path(), reason);
  }
  throw Error(ErrorCode::kIo, "cannot write " + part_path() + ": SQLite: " + sqlite3_errmsg(handle_));
}

void SqliteOutput::run(const char* sql) {
  if (handle_ == nullptr) throw Error(ErrorCode::kDisposed, "cannot write " + path_ + ": already closed");
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

void SqliteOutput::roll_back() noexcept {
  // Some failures have rolled back already.
  if (handle_ != nullptr && sqlite3_get_autocommit(handle_) == 0) {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void SqliteOutput::close() noexcept {
  if (handle_ == nullptr) return;
  roll_back();
  // Deletes the emptied journal.
  sqlite3_exec(handle_, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  sqlite3_close_v2(handle_);
  handle_ = nullptr;
}

void SqliteOutput::commit_file() {
  close();
  sync(part_path());
  lock_->rename(path_);
  lock_.reset();
}

SqliteStatement::SqliteStatement(SqliteOutput& database, std::string_view sql) : database_(database) {
  const int size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(database.handle_, sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr) !=
      SQLITE_OK) {
    database_.fail();
  }
}

SqliteStatement::~SqliteStatement() {
  sqlite3_finalize(statement_);
}

void SqliteStatement::bind(int parameter, std::int64_t value) {
  if (sqlite3_bind_int64(statement_, parameter, value) != SQLITE_OK) database_.fail();
}

void SqliteStatement::bind(int parameter, double value) {
  if (sqlite3_bind_double(statement_, parameter, value) != SQLITE_OK) database_.fail();
}

void SqliteStatement::bind(int parameter, std::string_view text) {
  const auto* data = text.data() == nullptr ? "" : text.data();
  if (sqlite3_bind_text64(statement_, parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8) != SQLITE_OK) {
    database_.fail();
  }
}

void SqliteStatement::bind(int parameter, std::span<const std::uint8_t> blob) {
  if (sqlite3_bind_blob64(statement_, parameter, blob.data(), blob.size(), SQLITE_STATIC) != SQLITE_OK) {
    database_.fail();
  }
}

bool SqliteStatement::run() {
  const int status = sqlite3_step(statement_);
  if (status != SQLITE_DONE) {
    // The reset keeps the statement usable; it reports the same failure again.
    sqlite3_reset(statement_);
    database_.fail();
  }
  sqlite3_reset(statement_);
  return sqlite3_changes(database_.handle_) > 0;
}

}  // namespace histojet::writers
