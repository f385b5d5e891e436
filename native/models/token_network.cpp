#include "models/token_network.hpp"

namespace histojet::models {

TokenNetworkInfo token_network_info(const std::string& architecture, const tokens::LayerOptions& options) {
  TokenNetworkInfo info{.architecture = architecture};
  info.isa = isa_name(options.isa);
  info.precision = engine::precision_name(tokens::used_precision(options));
  return info;
}

}  // namespace histojet::models
