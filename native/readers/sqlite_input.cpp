#include "readers/sqlite_input.hpp"

#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace histojet::readers {
namespace {

/// Steps of SQLite's machine between two looks at the token: less than a millisecond.
constexpr int kStepsPerCheck = 4096;

constexpr std::pair<int, int> kLimits[] = {
    {SQLITE_LIMIT_LENGTH, SqliteInput::kLongestValue},
    {SQLITE_LIMIT_SQL_LENGTH, 1 << 16},
    {SQLITE_LIMIT_COLUMN, 256},
    {SQLITE_LIMIT_EXPR_DEPTH, 32},
    {SQLITE_LIMIT_COMPOUND_SELECT, 4},
    {SQLITE_LIMIT_VDBE_OP, 4096},
    {SQLITE_LIMIT_FUNCTION_ARG, 16},
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 64},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 0},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/// Pages in memory: 2 MiB.
constexpr const char* kPragmas =
    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON;"
    "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;";

int is_cancelled(void* token) {
  const CancelToken* cancel = *static_cast<const CancelToken* const*>(token);
  return cancel != nullptr && cancel->cancelled() ? 1 : 0;
}

}  // namespace

SqliteInput::SqliteInput(const std::string& path) : name_(path) {
  // A name like ":memory:" or "file:x?mode=rwc" means something else to SQLite.
  const std::string plain = std::filesystem::absolute(path).string();
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  try {
    if (sqlite3_open_v2(plain.c_str(), &handle_, flags, nullptr) != SQLITE_OK) fail();
    guard();
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

SqliteInput::SqliteInput(std::span<const std::uint8_t> bytes, std::string name) : name_(std::move(name)) {
  try {
    if (sqlite3_open_v2(":memory:", &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
      fail();
    const auto size = static_cast<sqlite3_int64>(bytes.size());
    if (sqlite3_deserialize(handle_, "main", const_cast<unsigned char*>(bytes.data()), size, size,
                            SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
      fail();
    }
    guard();
  } catch (...) {
    sqlite3_close_v2(handle_);
    throw;
  }
}

SqliteInput::~SqliteInput() {
  sqlite3_close_v2(handle_);
}

void SqliteInput::guard() {
  sqlite3_extended_result_codes(handle_, 1);
  for (const auto& [limit, value] : kLimits) sqlite3_limit(handle_, limit, value);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_progress_handler(handle_, kStepsPerCheck, is_cancelled, &cancel_);
  sqlite3_busy_timeout(handle_, 2000);
  if (sqlite3_exec(handle_, kPragmas, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

void SqliteInput::fail() const {
  const int code = handle_ == nullptr ? SQLITE_NOMEM : sqlite3_errcode(handle_);
  const std::string reason = std::string("SQLite: ") + sqlite3_errmsg(handle_);
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      throw Cancelled{};
    case SQLITE_NOMEM:
      throw Error(ErrorCode::kOutOfMemory, name_ + ": no memory to read it");
    case SQLITE_NOTADB:
      unsupported(name_, "no SQLite database");
    case SQLITE_READONLY:
      throw Error(ErrorCode::kIo, "cannot read " + name_ +
                                      ": it holds an unfinished change, which a program that may write has to take "
                                      "back first (open it once with sqlite3)");
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_AUTH:
      if (const int system = sqlite3_system_errno(handle_); system != 0) throw io_error("cannot read", name_, system);
      throw Error(ErrorCode::kIo, "cannot read " + name_ + ": " + reason);
    case SQLITE_TOOBIG:
      corrupt(name_, "a value is longer than " + std::to_string(kLongestValue) + " bytes");
    default:
      corrupt(name_, reason);
  }
}

std::vector<std::string> SqliteInput::columns(const std::string& table) {
  // Virtual tables have no pages of their own.
  SqliteQuery tables(*this, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND rootpage > 0");
  tables.bind(1, table);
  std::vector<std::string> names;
  if (!tables.step()) return names;
  SqliteQuery query(*this, "PRAGMA table_xinfo(" + table + ")");
  constexpr int kName = 1, kHidden = 6;
  while (query.step()) {
    if (query.integer(kHidden) == 0) names.emplace_back(query.text(kName));
  }
  return names;
}

SqliteQuery::SqliteQuery(SqliteInput& database, std::string_view sql) : database_(database) {
  const int size = static_cast<int>(sql.size());
  if (sqlite3_prepare_v3(database.handle_, sql.data(), size, SQLITE_PREPARE_PERSISTENT | SQLITE_PREPARE_NO_VTAB,
                         &statement_, nullptr) != SQLITE_OK) {
    database.fail();
  }
}

SqliteQuery::~SqliteQuery() {
  sqlite3_finalize(statement_);
}

void SqliteQuery::bind(int parameter, std::int64_t value) {
  if (sqlite3_bind_int64(statement_, parameter, value) != SQLITE_OK) database_.fail();
}

void SqliteQuery::bind(int parameter, const std::string& value) {
  const int size = static_cast<int>(value.size());
  if (sqlite3_bind_text(statement_, parameter, value.data(), size, SQLITE_TRANSIENT) != SQLITE_OK) database_.fail();
}

bool SqliteQuery::step() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) database_.fail();
  sqlite3_reset(statement_);
  return false;
}

void SqliteQuery::reset() {
  sqlite3_reset(statement_);
}

bool SqliteQuery::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

bool SqliteQuery::is_integer(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_INTEGER;
}

bool SqliteQuery::is_text(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_TEXT;
}

std::int64_t SqliteQuery::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::string_view SqliteQuery::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::uint8_t> SqliteQuery::blob(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace histojet::readers
