#include "base/error.hpp"
#include "tokens/mamba_mixer.hpp"

namespace histojet::tokens {
namespace {

std::size_t at(std::int64_t index) {
  return static_cast<std::size_t>(index);
}

void expect_size(const char* name, std::size_t found, std::int64_t inner, std::int64_t columns) {
  if (found == at(inner * columns)) return;
  throw Error(ErrorCode::kShapeMismatch, std::string("mamba state: ") + name + " holds " + std::to_string(found) +
                                             " values, expected " + std::to_string(inner) + " x " +
                                             std::to_string(columns));
}

}  // namespace

std::vector<float> MambaState::conv_state() const {
  std::vector<float> out(at(inner * d_conv));
  for (std::int64_t c = 0; c < inner; ++c) {
    for (std::int64_t k = 0; k < d_conv; ++k) {
      out[at(c * d_conv + k)] = tail[at((tail_rows() - d_conv + k) * channel_stride + c)];
    }
  }
  return out;
}

std::vector<float> MambaState::ssm_state() const {
  std::vector<float> out(at(inner * d_state));
  for (std::int64_t c = 0; c < inner; ++c) {
    for (std::int64_t n = 0; n < d_state; ++n) out[at(c * d_state + n)] = ssm[at(n * channel_stride + c)];
  }
  return out;
}

void MambaState::set(const std::vector<float>& conv_state, const std::vector<float>& ssm_state) {
  expect_size("conv_state", conv_state.size(), inner, d_conv);
  expect_size("ssm_state", ssm_state.size(), inner, d_state);
  for (std::int64_t c = 0; c < inner; ++c) {
    for (std::int64_t k = 0; k < d_conv; ++k) {
      tail[at((tail_rows() - d_conv + k) * channel_stride + c)] = conv_state[at(c * d_conv + k)];
    }
    for (std::int64_t n = 0; n < d_state; ++n) ssm[at(n * channel_stride + c)] = ssm_state[at(c * d_state + n)];
  }
}

}  // namespace histojet::tokens
