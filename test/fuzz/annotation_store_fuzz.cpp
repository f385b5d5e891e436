// A database is read to its end; anything else is one geometry in well-known binary. Both give nuclei or throw Error.

#include <cstdint>
#include <span>

#include "base/error.hpp"
#include "readers/annotation_store_reader.hpp"
#include "readers/outline_collector.hpp"
#include "readers/wkb.hpp"

namespace {

using namespace histojet;

void check(const nuclei::NucleusList& list) {
  const bool fits = list.contour_starts.size() == list.size() + 1 &&
                    list.contour_points.size() == 2 * list.contour_starts.back() &&
                    (list.types.empty() || list.types.size() == list.size()) &&
                    (list.type_probabilities.empty() || list.type_probabilities.size() == list.size());
  if (!fits) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  try {
    if (readers::looks_like_annotation_store(bytes)) {
      const auto reader = readers::open_annotation_store(bytes, "it");
      while (const auto list = reader->next({})) check(*list);
    } else {
      readers::OutlineCollector outlines;
      readers::append_wkb(bytes, outlines, "it");
      outlines.give_type(0);
      check(outlines.take());
    }
  } catch (const Error&) {
  }
  return 0;
}
