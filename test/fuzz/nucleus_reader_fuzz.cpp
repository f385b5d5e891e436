// Any bytes as a file of nuclei, packed or not: reading must end or throw Error, and what comes must fit together.
#include <cstdint>
#include <memory>

#include "base/byte_source.hpp"
#include "base/error.hpp"
#include "readers/geojson_reader.hpp"
#include "readers/hovernet_json_reader.hpp"

namespace {

using namespace histojet;

/// A few packed bytes make megabytes; the sums stay quick all the same.
constexpr std::size_t kMostNuclei = 200000;

void check(const nuclei::NucleusList& list, std::size_t classes) {
  const std::size_t count = list.size();
  const bool fits = list.centroids.size() == 2 * count && list.boxes.size() == 4 * count &&
                    list.contour_starts.size() == count + 1 &&
                    list.contour_points.size() == 2 * list.contour_starts.back() &&
                    (list.types.empty() || list.types.size() == count) &&
                    (list.type_probabilities.empty() || list.type_probabilities.size() == count);
  if (!fits || count == 0) __builtin_trap();
  for (std::size_t i = 0; i < count; ++i) {
    if (list.contour(i).size() < 6) __builtin_trap();
    if (classes > 0 && list.typed() && list.types[i] >= classes) __builtin_trap();
  }
}

void read_all(readers::NucleusReader& reader, bool table) {
  std::size_t count = 0;
  while (const auto list = reader.next({})) {
    check(*list, table ? reader.classes().size() : 0);
    count += list->size();
    if (count > kMostNuclei) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  readers::looks_like_hovernet_json(bytes);
  readers::looks_like_geojson(bytes);
  try {
    read_all(*readers::open_geojson(memory_source({data, data + size}, "fuzz.geojson")), true);
  } catch (const Error&) {
  }
  try {
    read_all(*readers::open_hovernet_json(memory_source({data, data + size}, "fuzz.json")), false);
  } catch (const Error&) {
  }
  return 0;
}
