#pragma once

#include <functional>
#include <memory>

#include "binding/convert.hpp"
#include "binding/progress.hpp"

namespace histojet::binding {

/// What a Pixel-Mamba looks at: a picture, or a part of a slide.
struct PixelMambaInput {
  std::shared_ptr<const Slide> slide;  ///< null: `picture`
  pipeline::SlideRegionsOptions part;
  Image picture;
};

/// { image } | { slide, region?, findTissue?, tissueMask?, minTissue? }
PixelMambaInput pixel_mamba_input(const convert::Options& options);

/// The callback that the core takes: empty for a null channel.
std::function<void(const models::PixelMambaProgress&)> stage_progress(const std::shared_ptr<ProgressChannel>& channel);

/// { threads, storeBytes?, spillDir? }
models::PixelMambaRunOptions run_options(const convert::Options& given,
                                         const std::shared_ptr<ProgressChannel>& channel);

Napi::Value prediction_to_js(Napi::Env env, PixelMambaPrediction prediction);

}  // namespace histojet::binding
