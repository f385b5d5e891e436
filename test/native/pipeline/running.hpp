#pragma once

#include <future>
#include <memory>
#include <utility>

#include "pipeline/segment_slide.hpp"

namespace histojet::test {

/// The next step of a run, waited for.
inline pipeline::Step next(pipeline::SlideRun& run) {
  std::promise<pipeline::Step> promise;
  auto future = promise.get_future();
  run.next([&](pipeline::Step step) { promise.set_value(std::move(step)); });
  return future.get();
}

/// What a whole run gave.
struct Outcome {
  nuclei::NucleusList nuclei;
  std::exception_ptr failure;
  pipeline::RunProgress progress;
};

inline Outcome run_all(std::shared_ptr<const slide::Slide> slide, std::shared_ptr<const models::NucleiNetwork> network,
                       const pipeline::SegmentSlideOptions& options, CancelToken cancel = {}) {
  const auto run = pipeline::SlideRun::start(std::move(slide), std::move(network), options, cancel);
  Outcome outcome;
  for (;;) {
    pipeline::Step step = next(*run);
    outcome.progress = step.progress;
    outcome.failure = step.failure;
    if (!step.batch) return outcome;
    for (std::size_t i = 0; i < step.batch->size(); ++i) outcome.nuclei.append(*step.batch, i);
  }
}

inline pipeline::SegmentSlideOptions whole_slide() {
  pipeline::SegmentSlideOptions options;
  options.find_tissue = false;
  return options;
}

}  // namespace histojet::test
