#pragma once

#include <string>

namespace histojet::models {

/// A metadata value without surrounding quotes and white space, in lower case: it comes from torch scalars or from
/// strings that people wrote, such as 'True', "unet" in quotes, or 1.
std::string plain_text(std::string text);

}  // namespace histojet::models
