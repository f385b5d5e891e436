#pragma once

#include "base/image.hpp"

namespace histojet {

/// The picture as RGB: straight alpha is composited on white. @throws Error kInvalidArgument for other than 3 or 4
/// channels.
Image composite_on_white(Image image);

}  // namespace histojet
