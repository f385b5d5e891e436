#include "nuclei/nucleus_bytes.hpp"

#include <cstring>
#include <string>

#include "base/error.hpp"

namespace histojet::nuclei {
namespace {

template <typename Value>
void append(const std::vector<Value>& values, std::vector<std::uint8_t>& bytes) {
  const std::uint64_t count = values.size();
  const auto* head = reinterpret_cast<const std::uint8_t*>(&count);
  const auto* data = reinterpret_cast<const std::uint8_t*>(values.data());
  bytes.insert(bytes.end(), head, head + sizeof count);
  bytes.insert(bytes.end(), data, data + values.size() * sizeof(Value));
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kCorruptFile, std::string("a stored list of nuclei is damaged: ") + what);
}

template <typename Value>
void take(std::span<const std::uint8_t>& bytes, std::vector<Value>& values) {
  std::uint64_t count = 0;
  if (bytes.size() < sizeof count) fail("it ends early");
  std::memcpy(&count, bytes.data(), sizeof count);
  bytes = bytes.subspan(sizeof count);
  if (count > bytes.size() / sizeof(Value)) fail("it ends early");
  values.resize(count);
  if (count > 0) std::memcpy(values.data(), bytes.data(), count * sizeof(Value));
  bytes = bytes.subspan(count * sizeof(Value));
}

void append(const std::vector<MeasurementColumn>& columns, std::vector<std::uint8_t>& bytes) {
  append(std::vector<std::uint8_t>{static_cast<std::uint8_t>(columns.size())}, bytes);
  for (const MeasurementColumn& column : columns) {
    append(std::vector<std::uint8_t>(column.name.begin(), column.name.end()), bytes);
    append(column.values, bytes);
  }
}

void take(std::span<const std::uint8_t>& bytes, std::vector<MeasurementColumn>& columns) {
  std::vector<std::uint8_t> count, name;
  take(bytes, count);
  if (count.size() != 1) fail("it ends early");
  columns.resize(count[0]);
  for (MeasurementColumn& column : columns) {
    take(bytes, name);
    column.name.assign(name.begin(), name.end());
    take(bytes, column.values);
  }
}

/// Do the arrays fit together?
bool consistent(const NucleusList& list) {
  const std::size_t n = list.size();
  if (list.centroids.size() != 2 * n || list.boxes.size() != 4 * n || list.contour_starts.size() != n + 1) return false;
  if (!list.types.empty() && list.types.size() != n) return false;
  if (!list.type_probabilities.empty() && list.type_probabilities.size() != n) return false;
  for (const MeasurementColumn& column : list.measurements) {
    if (column.values.size() != n) return false;
  }
  std::uint64_t last = 0;
  for (const std::uint64_t start : list.contour_starts) {
    if (start < last) return false;
    last = start;
  }
  return list.contour_starts.front() == 0 && list.contour_points.size() % 2 == 0 &&
         last == list.contour_points.size() / 2;
}

}  // namespace

void append_bytes(const NucleusList& list, std::vector<std::uint8_t>& bytes) {
  append(list.centroids, bytes);
  append(list.boxes, bytes);
  append(list.areas, bytes);
  append(list.types, bytes);
  append(list.type_probabilities, bytes);
  append(list.contour_starts, bytes);
  append(list.contour_points, bytes);
  append(list.measurements, bytes);
}

NucleusList take_list(std::span<const std::uint8_t>& bytes) {
  NucleusList list;
  take(bytes, list.centroids);
  take(bytes, list.boxes);
  take(bytes, list.areas);
  take(bytes, list.types);
  take(bytes, list.type_probabilities);
  take(bytes, list.contour_starts);
  take(bytes, list.contour_points);
  take(bytes, list.measurements);
  if (list.contour_starts.empty() || !consistent(list)) fail("its arrays do not fit together");
  return list;
}

}  // namespace histojet::nuclei
