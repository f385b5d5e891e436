#include "readers/file_classes.hpp"

#include <utility>

#include "base/text.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kMostClasses = 256;  // types are bytes
constexpr Color kGrey{128, 128, 128};

}  // namespace

void FileClasses::preset(std::vector<nuclei::NucleusClass> classes) {
  classes_ = std::move(classes);
  several_ = classes_.size() > 1;
}

std::uint8_t FileClasses::add(std::string_view name, const std::optional<Color>& color, const std::string& file) {
  if (classes_.empty() && name != kUnclassified) classes_.push_back({std::string(kUnclassified), kGrey});
  if (classes_.size() == kMostClasses) unsupported(file, "the file has more than 255 classes of nuclei");
  if (!is_utf8(name)) corrupt(file, "the name of a class is no UTF-8: " + quote(name));
  classes_.push_back({std::string(name), color.value_or(kGrey)});
  if (name != kOnly && name != kUnclassified) several_ = true;
  return static_cast<std::uint8_t>(classes_.size() - 1);
}

std::uint8_t FileClasses::type_of(std::string_view name, const std::optional<Color>& color, const std::string& file) {
  if (latest_ < classes_.size() && classes_[latest_].name == name) return static_cast<std::uint8_t>(latest_);
  for (latest_ = 0; latest_ < classes_.size(); ++latest_) {
    if (classes_[latest_].name == name) return static_cast<std::uint8_t>(latest_);
  }
  return add(name, color, file);
}

std::uint8_t FileClasses::unclassified(const std::string& file) {
  return type_of(kUnclassified, std::nullopt, file);
}

}  // namespace histojet::readers
