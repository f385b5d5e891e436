#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tokens/layer_options.hpp"

namespace histojet::models {

/// What a network over tokens is and uses, for `model.info`.
struct TokenNetworkInfo {
  std::string architecture;                   ///< "vision-mamba", …
  std::map<std::string, std::string> config;  ///< hyper-parameters as JSON values
  std::string isa;                            ///< "avx512", …
  std::string precision;                      ///< "float32", …: what is really computed
  std::int64_t parameters = 0;
  std::int64_t memory_bytes = 0;  ///< packed weights
};

/// The fields that follow from the options.
TokenNetworkInfo token_network_info(const std::string& architecture, const tokens::LayerOptions& options);

}  // namespace histojet::models
