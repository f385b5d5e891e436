#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nuclei/nucleus_class.hpp"

namespace histojet::readers {

using Color = std::array<std::uint8_t, 3>;

/// The class table of a file that names classes: the table of its provenance, or the names in the order in which its
/// nuclei bring them, from 1 on; 0 then is "unclassified", the type of nuclei without a class.
class FileClasses {
 public:
  static constexpr std::string_view kUnclassified = "unclassified";
  /// What histojet and others call nuclei of networks without classes.
  static constexpr std::string_view kOnly = "Nucleus";

  /// Takes over a table whose rows are the types. Names that it does not have are added behind it.
  void preset(std::vector<nuclei::NucleusClass> classes);
  /// The type of a class, which is added when it is new; `color` is what it gets then (grey without one).
  /// @throws Error kUnsupportedFormat naming `file` beyond 255 classes, kCorruptFile for a name that is no UTF-8.
  std::uint8_t type_of(std::string_view name, const std::optional<Color>& color, const std::string& file);
  /// The type of a nucleus without a class.
  std::uint8_t unclassified(const std::string& file);

  const std::vector<nuclei::NucleusClass>& classes() const { return classes_; }
  /// Has a class other than kOnly and kUnclassified occurred?
  bool several() const { return several_; }

 private:
  std::uint8_t add(std::string_view name, const std::optional<Color>& color, const std::string& file);

  std::vector<nuclei::NucleusClass> classes_;
  std::size_t latest_ = 0;
  bool several_ = false;
};

}  // namespace histojet::readers
