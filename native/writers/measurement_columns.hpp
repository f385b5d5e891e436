#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nuclei/nucleus_list.hpp"

namespace histojet::writers {

/// Which measurements a file holds: those of the first batch with nuclei.
class MeasurementColumns {
 public:
  /// Looks at a batch before it is written; true for the one that decides. @throws Error kInvalidArgument when a later
  /// one has other measurements.
  bool take(const nuclei::NucleusList& batch);
  const std::vector<std::string>& names() const { return names_; }

 private:
  bool decided_ = false;
  std::vector<std::string> names_;
};

/// The name of a measurement in QuPath ("Nucleus: Hematoxylin OD mean"): those of its own cell detection where it has
/// such a measurement (qupath-core-processing, `WatershedCellDetection.java`, `ObjectMeasurements.java`). Unknown
/// columns keep their name.
std::string qupath_name(std::string_view column);

}  // namespace histojet::writers
