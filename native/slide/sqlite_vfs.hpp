#pragma once

#include "base/byte_source.hpp"

namespace histojet::slide {

/// Name of an SQLite file system whose only file is the source that `SqliteSourceScope` announces; it refuses writing,
/// journals and temporary files. Registered at the first call.
const char* sqlite_source_vfs();

/// While it lives, this thread's `sqlite3_open_v2` with that file system opens `source`, which must outlive the
/// database.
class SqliteSourceScope {
 public:
  explicit SqliteSourceScope(const ByteSource& source);
  ~SqliteSourceScope();
  SqliteSourceScope(const SqliteSourceScope&) = delete;
  SqliteSourceScope& operator=(const SqliteSourceScope&) = delete;
};

}  // namespace histojet::slide
