#include <optional>

#include "binding/convert.hpp"
#include "binding/errors.hpp"
#include "binding/functions.hpp"
#include "binding/task.hpp"
#include "histojet/merging.hpp"

namespace histojet::binding {

/// A step of merging and the share of the executor that its matching was given.
struct MergingState {
  merging::TokenMerging merging;
  int threads;
};

template <>
struct HandleKind<const MergingState> {
  static constexpr const char* kName = "step of token merging";
  static constexpr napi_type_tag kTag{0x2f7ac90be1d6483e, 0x9d14b6f8c3507a29};
};

namespace {

using Match = std::function<merging::MergeMap(const merging::Metric&, const merging::Run&)>;

Match match_function(const convert::Options& options) {
  const std::string kind = options.text("kind");
  if (kind == "kth") {
    return [k = options.integer("k")](const merging::Metric& metric, const merging::Run& run) {
      return merging::kth_bipartite_matching(metric, k, run);
    };
  }
  if (kind == "partition") {
    const merging::PartitionOptions partition{.height = options.integer("height"),
                                              .width = options.integer("width"),
                                              .stride_y = options.integer("strideY"),
                                              .stride_x = options.integer("strideX"),
                                              .r = options.integer("r"),
                                              .keep_order = options.boolean("keepOrder")};
    return [partition](const merging::Metric& metric, const merging::Run& run) {
      return merging::partition_matching_2d(metric, partition, run);
    };
  }
  if (kind == "adjacent") {
    const merging::AdjacentOptions adjacent{.threshold = options.number("threshold"),
                                            .longest = options.integer("longest"),
                                            .class_token = options.boolean("classToken")};
    return [adjacent](const merging::Metric& metric, const merging::Run& run) {
      return merging::adjacent_matching(metric, adjacent, run);
    };
  }
  const merging::BipartiteOptions bipartite{.r = options.integer("r"),
                                            .class_token = options.boolean("classToken"),
                                            .distill_token = options.boolean("distillToken"),
                                            .keep_order = options.boolean("keepOrder"),
                                            .window = options.integer("window")};
  return [bipartite](const merging::Metric& metric, const merging::Run& run) {
    return merging::bipartite_matching(metric, bipartite, run);
  };
}

/// What is known of the tokens before a step: what the step before it left, or sizes that the caller gives, or nothing.
struct Before {
  std::shared_ptr<const MergingState> previous;
  std::optional<std::vector<float>> sizes;

  merging::TokenState state(const merging::Metric& metric) const {
    if (previous) return previous->merging.state();
    if (sizes) return merging::TokenState::initial(metric.batch, metric.tokens, *sizes);
    return merging::TokenState::initial(metric.batch, metric.tokens);
  }
};

Before before_of(const Napi::Value& previous, const Napi::Value& sizes) {
  Before before;
  if (!previous.IsUndefined()) before.previous = get<const MergingState>(previous);
  if (!sizes.IsUndefined()) before.sizes = convert::values<float>(sizes);
  return before;
}

Napi::Value handle_of(Napi::Env env, MergingState state) {
  const merging::MergeMap& map = state.merging.map();
  const auto bytes = map.batch() * (map.tokens() + map.merged_tokens()) * 16;
  return make_handle(env, std::make_shared<const MergingState>(std::move(state)), bytes);
}

Napi::Value tensor_to_js(Napi::Env env, Tensor tensor) {
  const auto bytes = static_cast<std::int64_t>(tensor.byte_size());
  return make_handle(env, std::make_shared<const Tensor>(std::move(tensor)), bytes);
}

/// (metric, { kind, threads, … }, previous step | undefined, sizes | undefined, cancel) → handle
Napi::Value match_tokens(const Napi::CallbackInfo& info) {
  const convert::Options options(info[1]);
  return spawn(
      info, cancel_flag(info[4]),
      [metric = get<const Tensor>(info[0]), match = match_function(options), before = before_of(info[2], info[3]),
       threads = static_cast<int>(options.integer("threads"))](const CancelToken& cancel) {
        const Tensor values = merging::token_values("metric", *metric);
        const merging::Metric features = merging::metric_of(values);
        const merging::TokenState state = before.state(features);
        return MergingState{{match(features, {.threads = threads, .cancel = cancel}), state}, threads};
      },
      handle_of);
}

merging::MergeMode mode_named(const std::string& name) {
  if (name == "sum") return merging::MergeMode::kSum;
  if (name == "max") return merging::MergeMode::kMax;
  return name == "weighted" ? merging::MergeMode::kWeighted : merging::MergeMode::kMean;
}

/// (step, x, mode, cancel) → tensor
Napi::Value merge_tokens(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[3]),
      [step = get<const MergingState>(info[0]), x = get<const Tensor>(info[1]),
       mode = mode_named(convert::text(info[2]))](const CancelToken& cancel) {
        return step->merging.merge(*x, mode, {.threads = step->threads, .cancel = cancel});
      },
      tensor_to_js);
}

/// (step, x, cancel) → tensor
Napi::Value unmerge_tokens(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[2]),
      [step = get<const MergingState>(info[0]), x = get<const Tensor>(info[1])](const CancelToken& cancel) {
        return step->merging.unmerge(*x, {.threads = step->threads, .cancel = cancel});
      },
      tensor_to_js);
}

/// (step, cancel) → tensor
Napi::Value dense_source(const Napi::CallbackInfo& info) {
  return spawn(
      info, cancel_flag(info[1]),
      [step = get<const MergingState>(info[0])](const CancelToken&) { return step->merging.dense_source(); },
      tensor_to_js);
}

/// (step) → { batch, tokens, mergedTokens, originalTokens }
Napi::Value describe_step(const Napi::CallbackInfo& info) {
  const auto step = get<const MergingState>(info[0]);
  const merging::MergeMap& map = step->merging.map();
  auto object = Napi::Object::New(info.Env());
  object.Set("batch", static_cast<double>(map.batch()));
  object.Set("tokens", static_cast<double>(map.tokens()));
  object.Set("mergedTokens", static_cast<double>(map.merged_tokens()));
  object.Set("originalTokens", static_cast<double>(step->merging.state().original_tokens));
  return object;
}

/// (step, 'sizes' | 'source' | 'bias') → typed array with a copy
Napi::Value step_array(const Napi::CallbackInfo& info) {
  const auto step = get<const MergingState>(info[0]);
  const merging::TokenState& state = step->merging.state();
  const std::string name = convert::text(info[1]);
  if (name == "source") return convert::typed_array(info.Env(), state.owner);
  return convert::typed_array(info.Env(), name == "bias" ? state.attention_bias() : state.sizes);
}

}  // namespace

void export_merging(Napi::Env env, Napi::Object exports) {
  export_function<match_tokens>(env, exports, "mergingMatch");
  export_function<merge_tokens>(env, exports, "mergingMerge");
  export_function<unmerge_tokens>(env, exports, "mergingUnmerge");
  export_function<dense_source>(env, exports, "mergingDenseSource");
  export_function<describe_step>(env, exports, "mergingInfo");
  export_function<step_array>(env, exports, "mergingArray");
}

}  // namespace histojet::binding
