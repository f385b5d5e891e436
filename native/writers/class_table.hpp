#pragma once

#include <cstddef>
#include <vector>

#include "nuclei/nucleus_list.hpp"
#include "writers/nucleus_writer.hpp"

namespace histojet::writers {

/// Names and colours by type id, for any id that nuclei carry: ids beyond the table become "Class N" in grey, and
/// without a table there is one class, "Nucleus".
class ClassTable {
 public:
  explicit ClassTable(const std::vector<NucleusClass>& classes);

  /// Row of nucleus `i`; 0 for networks without types and for tables of one class. The table grows to hold the row.
  std::size_t row(const nuclei::NucleusList& batch, std::size_t i);
  const NucleusClass& operator[](std::size_t row) const { return classes_[row]; }
  std::size_t size() const { return classes_.size(); }

 private:
  std::vector<NucleusClass> classes_;
};

}  // namespace histojet::writers
