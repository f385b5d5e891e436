#include "slide/sqlite_database.hpp"

#include <sqlite3.h>

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/sqlite_vfs.hpp"
#include "slide/text.hpp"

namespace histojet::slide {
namespace {

constexpr int kMaxValueBytes = 64 << 20;
constexpr int kProgressSteps = 1000;
// A row of a healthy database costs some ten steps of the virtual machine.
constexpr std::uint64_t kLeastSteps = 1'000'000;

}  // namespace

SqliteDatabase::SqliteDatabase(std::shared_ptr<const ByteSource> source) : source_(std::move(source)) {
  const SqliteSourceScope scope(*source_);
  const int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int status = sqlite3_open_v2("slide", &handle_, flags, sqlite_source_vfs());
  if (status != SQLITE_OK) {
    sqlite3_close(handle_);
    corrupt(source_->name(), "SQLite cannot open it: " + std::string(sqlite3_errstr(status)));
  }
  try {
    configure();
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

SqliteDatabase::~SqliteDatabase() {
  sqlite3_close_v2(handle_);
}

void SqliteDatabase::configure() {
  constexpr std::pair<int, int> kSwitches[] = {
      {SQLITE_DBCONFIG_DEFENSIVE, 1},        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
      {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},   {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
      {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},  {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
      {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1},
  };
  for (const auto& [what, value] : kSwitches) sqlite3_db_config(handle_, what, value, static_cast<int*>(nullptr));
  constexpr std::pair<int, int> kLimits[] = {
      {SQLITE_LIMIT_LENGTH, kMaxValueBytes}, {SQLITE_LIMIT_SQL_LENGTH, 100'000}, {SQLITE_LIMIT_COLUMN, 200},
      {SQLITE_LIMIT_EXPR_DEPTH, 50},         {SQLITE_LIMIT_COMPOUND_SELECT, 4},  {SQLITE_LIMIT_VDBE_OP, 25'000},
      {SQLITE_LIMIT_FUNCTION_ARG, 8},        {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
      {SQLITE_LIMIT_VARIABLE_NUMBER, 8},     {SQLITE_LIMIT_TRIGGER_DEPTH, 1},    {SQLITE_LIMIT_WORKER_THREADS, 0},
  };
  for (const auto& [what, value] : kLimits) sqlite3_limit(handle_, what, value);
  sqlite3_progress_handler(handle_, kProgressSteps, progress, this);
  for (const char* pragma : {"PRAGMA temp_store = MEMORY", "PRAGMA cache_size = -4096", "PRAGMA mmap_size = 0",
                             "PRAGMA cell_size_check = ON", "PRAGMA query_only = ON"}) {
    steps_left_ = kLeastSteps;
    sqlite3_exec(handle_, pragma, nullptr, nullptr, nullptr);
  }
}

int SqliteDatabase::progress(void* self) {
  auto& left = static_cast<SqliteDatabase*>(self)->steps_left_;
  left -= left < kProgressSteps ? left : kProgressSteps;
  return left == 0 ? 1 : 0;
}

void SqliteDatabase::fail() const {
  corrupt(source_->name(), "SQLite: " + to_utf8(sqlite3_errmsg(handle_)));
}

std::vector<std::string> SqliteDatabase::texts(const std::string& sql) {
  std::vector<std::string> values;
  SqliteQuery query(*this, sql);
  while (query.next()) values.push_back(query.text(0));
  return values;
}

std::vector<std::uint8_t> SqliteDatabase::only_blob(const std::string& sql) {
  SqliteQuery query(*this, sql);
  if (!query.next()) return {};
  const auto found = query.bytes(0);
  std::vector<std::uint8_t> bytes(found.begin(), found.end());
  if (query.next()) corrupt(source_->name(), "several rows for " + quote(sql) + ", expected one");
  return bytes;
}

SqliteQuery::SqliteQuery(SqliteDatabase& database, const std::string& sql) : database_(database) {
  database_.steps_left_ = kLeastSteps + database_.source_->size();
  const int status =
      sqlite3_prepare_v2(database_.handle_, sql.data(), static_cast<int>(sql.size()), &statement_, nullptr);
  if (status != SQLITE_OK) database_.fail();
}

SqliteQuery::~SqliteQuery() {
  sqlite3_finalize(statement_);
}

void SqliteQuery::bind(const std::string& text) {
  database_.steps_left_ = kLeastSteps;
  sqlite3_reset(statement_);
  const int status = sqlite3_bind_text(statement_, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  if (status != SQLITE_OK) database_.fail();
}

bool SqliteQuery::next() {
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) database_.fail();
  return false;
}

bool SqliteQuery::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
std::int64_t SqliteQuery::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double SqliteQuery::number(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string SqliteQuery::text(int column) const {
  const auto found = bytes(column);
  return {reinterpret_cast<const char*>(found.data()), found.size()};
}

std::span<const std::uint8_t> SqliteQuery::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::span<const std::uint8_t>() : std::span(data, static_cast<std::size_t>(size));
}

std::string sql_identifier(const std::string& name) {
  std::string quoted = "\"";
  for (const char letter : name) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

}  // namespace histojet::slide
