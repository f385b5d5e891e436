#pragma once

#include <optional>

#include "binding/convert.hpp"

namespace histojet::binding {

/// { variant, compat, minAreaPx, simplify } as lib/nuclei/postprocess-options.ts makes it.
nuclei::PostprocessOptions postprocess_options(const convert::Options& options);

/// A handle to nuclei; labels may be empty.
Napi::Value nuclei_handle(Napi::Env env, NucleiResult result);

/// The same from one window of `height` x `width`.
NucleiResult window_result(nuclei::PostprocessResult result, std::int64_t height, std::int64_t width);

/// What an array of handles holds.
std::vector<std::shared_ptr<const NucleiResult>> nuclei_of(const Napi::Value& handles);

}  // namespace histojet::binding
