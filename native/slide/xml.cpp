#include "slide/xml.hpp"

#include "slide/text.hpp"

namespace histojet::slide {
namespace {

constexpr std::size_t kMaxBytes = 16 << 20;
// Readers walk the tree with recursion bounded by the formats they expect; serialising and xpath are not used.
constexpr unsigned kOptions = pugi::parse_default & ~pugi::parse_doctype & ~pugi::parse_pi & ~pugi::parse_comments;

}  // namespace

std::optional<pugi::xml_document> parse_xml(std::string_view text) {
  if (text.size() > kMaxBytes || text.find("<!DOCTYPE") != std::string_view::npos) return std::nullopt;
  const std::string clean = to_utf8(text);
  pugi::xml_document document;
  const auto result = document.load_buffer(clean.data(), clean.size(), kOptions, pugi::encoding_utf8);
  if (!result || document.document_element().empty()) return std::nullopt;
  return document;
}

std::string_view local_name(const pugi::xml_node& node) {
  const std::string_view name = node.name();
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node child(const pugi::xml_node& node, std::string_view name) {
  for (const pugi::xml_node& item : node.children()) {
    if (item.type() == pugi::node_element && local_name(item) == name) return item;
  }
  return {};
}

std::optional<double> number_attribute(const pugi::xml_node& node, const char* name) {
  const pugi::xml_attribute attribute = node.attribute(name);
  return attribute.empty() ? std::nullopt : parse_number(trim(attribute.value()));
}

}  // namespace histojet::slide
