#include "readers/file_provenance.hpp"

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "readers/json_color.hpp"
#include "readers/json_scanner.hpp"

namespace histojet::readers {
namespace {

double read_mpp(JsonScanner& json) {
  double product = 1;
  int count = 0;
  if (json.peek() != '[') {
    json.skip();
    return 0;
  }
  for (bool more = json.begin_array(); more; more = json.next_element(), ++count) product *= json.number();
  return count == 2 && product > 0 && std::isfinite(product) ? std::sqrt(product) : 0;
}

double read_slide(JsonScanner& json) {
  double mpp = 0;
  if (json.peek() != '{') {
    json.skip();
    return 0;
  }
  for (bool more = json.begin_object(); more; more = json.next_member()) {
    if (json.key() == "mpp") {
      mpp = read_mpp(json);
    } else {
      json.skip();
    }
  }
  return mpp;
}

nuclei::NucleusClass read_class(JsonScanner& json) {
  nuclei::NucleusClass entry;
  for (bool more = json.begin_object(); more; more = json.next_member()) {
    const std::string key(json.key());
    if (key == "name") {
      entry.name = json.string();
    } else if (key == "color") {
      entry.color = read_color(json).value_or(entry.color);
    } else {
      json.skip();
    }
  }
  if (!is_utf8(entry.name)) json.fail("the name of a class is no UTF-8");
  return entry;
}

std::vector<nuclei::NucleusClass> read_classes(JsonScanner& json) {
  std::vector<nuclei::NucleusClass> classes;
  for (bool more = json.begin_array(); more; more = json.next_element()) {
    classes.push_back(read_class(json));
    if (classes.size() > 256) json.fail("more classes than types");
  }
  return classes;
}

}  // namespace

FileProvenance parse_provenance(const std::string& text) {
  FileProvenance found;
  try {
    JsonScanner json(open_document(memory_source({text.begin(), text.end()}, "provenance")));
    FileProvenance read;
    for (bool more = json.begin_object(); more; more = json.next_member()) {
      const std::string key(json.key());
      if (key == "slide") {
        read.mpp = read_slide(json);
      } else if (key == "classes") {
        read.classes = read_classes(json);
      } else {
        json.skip();
      }
    }
    found = std::move(read);
  } catch (const Error&) {  // NOLINT: it is not ours, then
  }
  return found;
}

}  // namespace histojet::readers
