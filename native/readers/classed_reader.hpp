#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "readers/file_classes.hpp"
#include "readers/file_provenance.hpp"
#include "readers/nucleus_reader.hpp"

namespace histojet::readers {

/// A reader of files that name the class of each nucleus: gives lists without types when the file knows one class only,
/// and reads ahead, within limits, where that is not clear from the start. Scales areas to square micrometres when the
/// file says its resolution. After a failure it refuses to go on.
class ClassedReader : public NucleusReader {
 public:
  std::optional<nuclei::NucleusList> next(const CancelToken& cancel) final;
  const std::vector<nuclei::NucleusClass>& classes() const final;

 protected:
  /// Takes over what the file says of itself; before the first next().
  void begin(FileProvenance provenance);

 private:
  /// The file, for messages.
  virtual const std::string& name() const = 0;
  virtual FileClasses& file_classes() = 0;
  virtual const FileClasses& file_classes() const = 0;
  /// Appends the next nuclei, perhaps none, with types and areas in square pixels. @returns whether there may be more
  virtual bool read(nuclei::NucleusList& list, const CancelToken& cancel) = 0;

  void decide(const CancelToken& cancel);
  void gather(const CancelToken& cancel);

  std::deque<nuclei::NucleusList> waiting_;
  std::size_t waiting_points_ = 0;
  double area_scale_ = 1;
  bool has_table_ = false;
  bool decided_ = false;
  bool typed_ = false;
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace histojet::readers
