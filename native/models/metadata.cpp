#include "models/metadata.hpp"

#include <algorithm>
#include <cctype>

namespace histojet::models {

std::string plain_text(std::string text) {
  const auto quote = [](char c) { return c == '"' || c == '\'' || std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && quote(text.back())) text.pop_back();
  while (!text.empty() && quote(text.front())) text.erase(text.begin());
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace histojet::models
