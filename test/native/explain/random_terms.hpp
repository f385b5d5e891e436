#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "explain/hidden_attention.hpp"
#include "explain/scan_terms.hpp"

namespace histojet::test {

/// A block with made-up scan terms in one or two directions, which counts the tokens that it was asked for.
class RandomTerms final : public explain::BlockTerms {
 public:
  struct Size {
    std::int64_t tokens;
    std::int64_t channels;
    std::int64_t states;
    bool backward = true;
    bool importance = false;
    double factor = 1;
    bool values = false;  ///< and a skip
  };

  RandomTerms(const Size& size, std::uint32_t seed) : size_(size) {
    std::mt19937 engine(seed);
    std::uniform_real_distribution<float> noise(-1, 1);
    for (Branch& branch : branches_) {
      branch.delta.resize(at(size.tokens * size.channels));
      branch.b.resize(at(size.tokens * size.states));
      branch.c.resize(at(size.tokens * size.states));
      branch.importance.resize(at(size.tokens * size.channels));
      branch.value.resize(at(size.tokens * size.channels));
      branch.d.resize(at(size.channels));
      branch.a2.resize(at(size.states * stride()));
      branch.bias.resize(at(size.channels));
      for (auto* values : {&branch.delta, &branch.b, &branch.c, &branch.bias}) {
        for (float& value : *values) value = noise(engine);
      }
      for (auto* values : {&branch.importance, &branch.value, &branch.d}) {
        for (float& value : *values) value = 1 + noise(engine);
      }
      for (float& value : branch.a2) value = -0.3F - 0.25F * noise(engine);
    }
  }

  std::int64_t tokens() const override { return size_.tokens; }
  bool has(explain::Direction direction) const override {
    return direction == explain::Direction::kForward || size_.backward;
  }
  explain::ScanConstants constants(explain::Direction direction) const override {
    const Branch& branch = of(direction);
    return {.a2 = branch.a2.data(),
            .delta_bias = branch.bias.data(),
            .d = size_.values ? branch.d.data() : nullptr,
            .channel_stride = stride(),
            .channels = size_.channels,
            .states = size_.states};
  }
  explain::ScanTerms terms(explain::Direction direction, std::int64_t first, std::int64_t count) override {
    requested_[direction == explain::Direction::kForward ? 0 : 1] += count;
    return view(direction, first);
  }
  double factor() const override { return size_.factor; }

  std::int64_t requested() const { return requested_[0] + requested_[1]; }

  /// The block's matrix, from its definition.
  explain::TokenMatrix matrix(explain::Sign sign, std::int64_t backward_segment) const {
    explain::TokenMatrix sum{size_.tokens, std::vector<double>(at(size_.tokens * size_.tokens))};
    for (const auto direction : {explain::Direction::kForward, explain::Direction::kBackward}) {
      if (!has(direction)) continue;
      const explain::ScanTerms terms = view(direction, 0);
      const auto attention =
          explain::hidden_attention(terms, constants(direction), size_.tokens, direction, sign,
                                    direction == explain::Direction::kBackward ? backward_segment : 0);
      const explain::TokenMatrix mean = explain::channel_mean(attention, terms, constants(direction));
      for (std::size_t i = 0; i < sum.values.size(); ++i) sum.values[i] += size_.factor * mean.values[i];
    }
    return sum;
  }

 private:
  struct Branch {
    std::vector<float> delta, b, c, importance, value, a2, bias, d;
  };
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
  std::int64_t stride() const { return (size_.channels + 15) / 16 * 16; }
  const Branch& of(explain::Direction direction) const {
    return branches_[direction == explain::Direction::kForward ? 0 : 1];
  }
  explain::ScanTerms view(explain::Direction direction, std::int64_t first) const {
    const Branch& branch = of(direction);
    return {.delta = branch.delta.data() + first * size_.channels,
            .b = branch.b.data() + first * size_.states,
            .c = branch.c.data() + first * size_.states,
            .importance = size_.importance ? branch.importance.data() + first * size_.channels : nullptr,
            .delta_step = size_.channels,
            .b_step = size_.states,
            .c_step = size_.states,
            .importance_step = size_.channels,
            .value = size_.values ? branch.value.data() + first * size_.channels : nullptr,
            .value_step = size_.channels};
  }

  Size size_;
  Branch branches_[2];
  std::int64_t requested_[2] = {0, 0};
};

}  // namespace histojet::test
