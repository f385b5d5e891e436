#include "writers/class_table.hpp"

#include <string>

namespace histojet::writers {

ClassTable::ClassTable(const std::vector<NucleusClass>& classes) : classes_(classes) {
  if (classes_.empty()) classes_.push_back({"Nucleus", {0, 230, 118}});
}

std::size_t ClassTable::row(const nuclei::NucleusList& batch, std::size_t i) {
  const std::size_t row = batch.typed() && classes_.size() > 1 ? batch.types[i] : 0;
  while (row >= classes_.size()) {
    classes_.push_back({"Class " + std::to_string(classes_.size()), {128, 128, 128}});
  }
  return row;
}

}  // namespace histojet::writers
