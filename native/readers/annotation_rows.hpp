#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nuclei/nucleus_list.hpp"
#include "readers/file_classes.hpp"
#include "readers/outline_collector.hpp"
#include "readers/sqlite_input.hpp"
#include "readers/zlib_unpacker.hpp"

namespace histojet::readers {

/// The annotations of a TIAToolbox store as lists of nuclei, some thousand rows at a time. All lists have types.
class AnnotationRows {
 public:
  /// Checks tables and version. @throws Error kUnsupportedFormat, kCorruptFile, kIo.
  explicit AnnotationRows(std::unique_ptr<SqliteInput> database);

  /// Looks at the next rows: true when there were any, of which none need hold a nucleus.
  bool read(const CancelToken& cancel);
  /// Hands over the nuclei that were read.
  nuclei::NucleusList take();

  FileClasses& classes() { return classes_; }
  const FileClasses& classes() const { return classes_; }
  const std::string& provenance() const { return provenance_; }
  const std::string& name() const { return database_->name(); }

 private:
  void check_tables();
  void read_metadata();
  void read_row(std::int64_t id);
  void read_geometry(const std::string& where);
  void read_properties();

  std::unique_ptr<SqliteInput> database_;
  std::unique_ptr<SqliteQuery> rows_;
  bool packed_ = false;
  std::int64_t last_id_ = 0;
  bool begun_ = false;
  std::string provenance_;
  FileClasses classes_;
  OutlineCollector outlines_;
  ZlibUnpacker unpacker_;
  std::vector<std::uint8_t> types_;
  std::vector<float> probabilities_;
  std::string texts_;                   ///< properties of the rows with nuclei, one after the other
  std::vector<std::size_t> text_ends_;  ///< of each such row
  std::vector<std::size_t> counts_;     ///< nuclei of each such row
  std::vector<std::int64_t> ids_;       ///< of each such row
};

}  // namespace histojet::readers
