#pragma once

#include <optional>
#include <utility>

#include "binding/convert.hpp"

namespace histojet::binding {

/// A heat map as a picture, and the value of its last colour.
struct RenderedMap {
  Image image;
  double max = 0;
};

/// { image, max }
inline Napi::Value rendered_to_js(Napi::Env env, RenderedMap rendered) {
  auto object = Napi::Object::New(env);
  object.Set("image", convert::to_js(env, std::move(rendered.image)));
  object.Set("max", rendered.max);
  return object;
}

/// The member `max`, if it is there.
inline std::optional<double> scale_end(const convert::Options& options) {
  if (!options.has("max")) return std::nullopt;
  return options.number("max");
}

}  // namespace histojet::binding
