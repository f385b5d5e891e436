#include "writers/measurement_columns.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace histojet::writers {
namespace {

constexpr std::pair<std::string_view, std::string_view> kQuPathNames[] = {
    {"perimeter_um", "Nucleus: Perimeter µm"},
    {"perimeter_px", "Nucleus: Perimeter px"},
    {"circularity", "Nucleus: Circularity"},
    {"major_axis_um", "Nucleus: Major axis µm"},
    {"major_axis_px", "Nucleus: Major axis px"},
    {"minor_axis_um", "Nucleus: Minor axis µm"},
    {"minor_axis_px", "Nucleus: Minor axis px"},
    {"eccentricity", "Nucleus: Eccentricity"},
    {"solidity", "Nucleus: Solidity"},
    {"hematoxylin_od_mean", "Nucleus: Hematoxylin OD mean"},
    {"hematoxylin_od_std", "Nucleus: Hematoxylin OD std dev"},
    {"eosin_od_mean", "Nucleus: Eosin OD mean"},
    {"eosin_od_std", "Nucleus: Eosin OD std dev"},
    {"dab_od_mean", "Nucleus: DAB OD mean"},
    {"dab_od_std", "Nucleus: DAB OD std dev"},
};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

}  // namespace

bool MeasurementColumns::take(const nuclei::NucleusList& batch) {
  if (batch.size() == 0) return false;
  if (decided_) {
    if (std::ranges::equal(batch.measurements, names_, {}, &nuclei::MeasurementColumn::name)) return false;
    std::vector<std::string> found;
    for (const nuclei::MeasurementColumn& column : batch.measurements) found.push_back(column.name);
    throw Error(ErrorCode::kInvalidArgument, "the nuclei of one file must have the same measurements; expected " +
                                                 listed(names_) + ", got " + listed(found));
  }
  decided_ = true;
  for (const nuclei::MeasurementColumn& column : batch.measurements) names_.push_back(column.name);
  return true;
}

std::string qupath_name(std::string_view column) {
  for (const auto& [name, text] : kQuPathNames) {
    if (name == column) return std::string(text);
  }
  return std::string(column);
}

}  // namespace histojet::writers
