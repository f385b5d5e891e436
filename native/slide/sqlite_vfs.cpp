#include "slide/sqlite_vfs.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace histojet::slide {
namespace {

constexpr int kSectorBytes = 4096;
constexpr int kMaxPath = 64;

thread_local const ByteSource* announced = nullptr;

/// What SQLite allocates for an open file.
struct SourceFile {
  sqlite3_file base;
  const ByteSource* source;
};

const ByteSource& source_of(sqlite3_file* file) {
  return *reinterpret_cast<SourceFile*>(file)->source;
}

int read_file(sqlite3_file* file, void* buffer, int count, sqlite3_int64 offset) {
  const ByteSource& source = source_of(file);
  const auto start = static_cast<std::uint64_t>(offset);
  const std::uint64_t size = source.size();
  const auto wanted = static_cast<std::uint64_t>(count);
  const std::uint64_t found = start >= size ? 0 : std::min(wanted, size - start);
  auto* bytes = static_cast<std::uint8_t*>(buffer);
  try {
    source.read_at(start, {bytes, found});
  } catch (const std::exception&) {
    return SQLITE_IOERR_READ;
  }
  if (found == wanted) return SQLITE_OK;
  // SQLite expects zeros behind the end.
  std::memset(bytes + found, 0, wanted - found);
  return SQLITE_IOERR_SHORT_READ;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(source_of(file).size());
  return SQLITE_OK;
}

const sqlite3_io_methods* file_methods() {
  static const sqlite3_io_methods methods = [] {
    sqlite3_io_methods made{};
    made.iVersion = 1;
    made.xClose = [](sqlite3_file*) { return SQLITE_OK; };
    made.xRead = read_file;
    made.xWrite = [](sqlite3_file*, const void*, int, sqlite3_int64) { return SQLITE_READONLY; };
    made.xTruncate = [](sqlite3_file*, sqlite3_int64) { return SQLITE_READONLY; };
    made.xSync = [](sqlite3_file*, int) { return SQLITE_OK; };
    made.xFileSize = file_size;
    made.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
    made.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
    made.xCheckReservedLock = [](sqlite3_file*, int* reserved) {
      *reserved = 0;
      return SQLITE_OK;
    };
    made.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
    made.xSectorSize = [](sqlite3_file*) { return kSectorBytes; };
    made.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_IMMUTABLE; };
    return made;
  }();
  return &methods;
}

int open_source(sqlite3_vfs*, const char*, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  if ((flags & SQLITE_OPEN_MAIN_DB) == 0 || announced == nullptr) return SQLITE_CANTOPEN;
  file->pMethods = file_methods();
  reinterpret_cast<SourceFile*>(file)->source = announced;
  if (out_flags != nullptr) *out_flags = SQLITE_OPEN_READONLY;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int capacity, char* out) {
  sqlite3_snprintf(capacity, out, "%s", name);
  return SQLITE_OK;
}

}  // namespace

const char* sqlite_source_vfs() {
  static sqlite3_vfs vfs = [] {
    // Time, randomness and sleeping are those of the system; the rest is replaced.
    sqlite3_vfs made = *sqlite3_vfs_find(nullptr);
    made.szOsFile = sizeof(SourceFile);
    made.mxPathname = kMaxPath;
    made.pNext = nullptr;
    made.zName = "histojet-source";
    made.xOpen = open_source;
    made.xDelete = [](sqlite3_vfs*, const char*, int) { return SQLITE_OK; };
    made.xAccess = [](sqlite3_vfs*, const char*, int, int* found) {
      *found = 0;
      return SQLITE_OK;
    };
    made.xFullPathname = full_path;
    made.xDlOpen = [](sqlite3_vfs*, const char*) -> void* { return nullptr; };
    return made;
  }();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? vfs.zName : "histojet-source";
}

SqliteSourceScope::SqliteSourceScope(const ByteSource& source) {
  announced = &source;
}

SqliteSourceScope::~SqliteSourceScope() {
  announced = nullptr;
}

}  // namespace histojet::slide
