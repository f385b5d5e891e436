#pragma once

#include <optional>
#include <pugixml.hpp>
#include <string>
#include <string_view>

namespace histojet::slide {

/// Parses XML out of a slide file: at most 16 MiB, no DTDs, no entities beyond the five of XML, nothing fetched. Bytes
/// that are no UTF-8 are replaced. Namespace prefixes stay in the names; compare with `local_name`.
/// Nothing when the text is no well-formed XML within these limits.
std::optional<pugi::xml_document> parse_xml(std::string_view text);

/// The name of an element without its namespace prefix.
std::string_view local_name(const pugi::xml_node& node);

/// The first child element of that local name; an empty node when there is none.
pugi::xml_node child(const pugi::xml_node& node, std::string_view name);

/// An attribute as a number (decimal comma allowed); nothing when it is missing or no finite number.
std::optional<double> number_attribute(const pugi::xml_node& node, const char* name);

}  // namespace histojet::slide
