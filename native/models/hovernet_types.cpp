#include <array>
#include <charconv>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "models/hovernet.hpp"

namespace histojet::models {

namespace {

using Color = std::array<std::uint8_t, 3>;

/// Colours of hover_net's type_info.json, continued by two that differ from them.
constexpr std::array<Color, 7> kColors = {
    {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}, {255, 165, 0}, {255, 0, 255}, {0, 255, 255}}};

/// PanNuke's classes as hover_net's type_info.json names them.
const std::array<const char*, 6> kPanNuke = {"background", "neoplastic", "inflammatory",
                                             "connective", "dead",       "non-neoplastic epithelial"};

std::vector<NucleusType> numbered_types(std::int64_t nr_types) {
  std::vector<NucleusType> types;
  for (std::size_t i = 0; i < static_cast<std::size_t>(nr_types); ++i) {
    types.push_back(
        {i == 0 ? "background" : "type " + std::to_string(i), i == 0 ? Color{} : kColors[(i - 1) % kColors.size()]});
  }
  return types;
}

Color read_color(JsonReader& json) {
  Color color{};
  std::size_t count = 0;
  json.begin_array("colour of a type");
  while (json.next_element()) {
    const std::uint64_t value = json.unsigned_integer("part of a colour");
    if (value > 255 || count == color.size()) json.fail("a colour must be three numbers from 0 to 255");
    color[count++] = static_cast<std::uint8_t>(value);
  }
  if (count != color.size()) json.fail("a colour must be three numbers from 0 to 255");
  return color;
}

/// [name, [red, green, blue]]
NucleusType read_type(JsonReader& json) {
  NucleusType type;
  json.begin_array("type");
  if (!json.next_element()) json.fail("a type must be [name, [red, green, blue]]");
  type.name = json.string("name of a type");
  if (!json.next_element()) json.fail("a type must be [name, [red, green, blue]]");
  type.color = read_color(json);
  if (json.next_element()) json.fail("a type must be [name, [red, green, blue]]");
  return type;
}

std::size_t type_id(const std::string& text, std::int64_t nr_types) {
  std::int64_t id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size() && id >= 0 && id < nr_types) {
    return static_cast<std::size_t>(id);
  }
  throw Error(ErrorCode::kInvalidArgument,
              "hovernet: type_info names the type \"" + text + "\", expected 0 to " + std::to_string(nr_types - 1));
}

}  // namespace

std::vector<NucleusType> hovernet_types(std::int64_t nr_types, const std::map<std::string, std::string>& metadata) {
  std::vector<NucleusType> types = numbered_types(nr_types);
  const auto found = metadata.find("type_info");
  if (types.empty()) return types;
  if (found == metadata.end()) {
    if (types.size() != kPanNuke.size()) return types;
    for (std::size_t i = 0; i < types.size(); ++i) types[i].name = kPanNuke[i];
    return types;
  }
  // Types that the table leaves out keep their numbers.
  JsonReader json(found->second, "hovernet: type_info", 0);
  json.begin_object("type_info");
  std::string key;
  while (json.next_member(key)) types[type_id(key, nr_types)] = read_type(json);
  json.finish();
  return types;
}

}  // namespace histojet::models
