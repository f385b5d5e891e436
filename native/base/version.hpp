#pragma once

#include <string_view>

namespace histojet {

/// The version of the library, that of package.json.
inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace histojet
