#pragma once

#include <string>
#include <vector>

#include "models/formula_dict.hpp"
#include "tokens/token_fixtures.hpp"

namespace histojet::test {

/// A fixture's weights in memory, without their prefix, so that tests can change them.
inline std::shared_ptr<MemoryDict> fixture_weights(const TokenFixture& fixture, const std::string& prefix = "") {
  auto dict = std::make_shared<MemoryDict>();
  const std::string weights = "weights.";
  for (const std::string& name : fixture.dict()->names()) {
    if (name.starts_with(weights)) dict->set(prefix + name.substr(weights.size()), fixture.dict()->get(name));
  }
  return dict;
}

/// Computed weights for a matrix or vector; matrices as large as their fan-in asks for.
inline void set_formula(MemoryDict& dict, const std::string& key, const Shape& shape, double scale, double offset = 0) {
  Tensor tensor = formula_tensor(key + "?", shape);  // values in [-0.25, 0.25): no rule of its own for this key
  for (float& value : tensor.values<float>()) value = static_cast<float>(offset + 4 * scale * value);
  dict.set(key, tensor);
}

/// The keys of one mixer with computed weights.
inline void set_mixer(MemoryDict& dict, const std::string& prefix, std::int64_t dim, std::int64_t states, bool two) {
  const std::int64_t inner = 2 * dim, rank = (dim + 15) / 16;
  set_formula(dict, prefix + "in_proj.weight", {2 * inner, dim}, 1.7 / std::sqrt(dim));
  for (const std::string end : {"", "_b"}) {
    if (!end.empty() && !two) continue;
    set_formula(dict, prefix + "conv1d" + end + ".weight", {inner, 1, 4}, 0.8);
    set_formula(dict, prefix + "conv1d" + end + ".bias", {inner}, 0.2);
    set_formula(dict, prefix + "x_proj" + end + ".weight", {rank + 2 * states, inner}, 1.7 / std::sqrt(inner));
    set_formula(dict, prefix + "dt_proj" + end + ".weight", {inner, rank}, 1);
    set_formula(dict, prefix + "dt_proj" + end + ".bias", {inner}, 1, -3);
    set_formula(dict, prefix + "D" + end, {inner}, 0.3, 1);
    set_formula(dict, prefix + (end.empty() ? "A_log" : "A_b_log"), {inner, states}, 1, 1);
  }
  set_formula(dict, prefix + "out_proj.weight", {dim, inner}, 1.7 / std::sqrt(inner));
}

inline std::vector<float> picture_values(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(1.5 * formula_unit(17, static_cast<std::uint32_t>(i)));
  }
  return values;
}

/// The code and text of the Error that `work` throws.
template <class Work>
std::pair<ErrorCode, std::string> failure_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ErrorCode::kInternal, "nothing was thrown"};
}

}  // namespace histojet::test
