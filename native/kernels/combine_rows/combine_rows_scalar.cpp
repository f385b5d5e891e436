#include <algorithm>
#include <cmath>

#include "kernels/combine_rows/combine_rows.hpp"

namespace histojet::kernels::scalar {
namespace {

class Group {
 public:
  Group(const CombineRowsArgs& args, std::int64_t i)
      : args_(args), first_(args.members + args.starts[i]), end_(args.members + args.starts[i + 1]) {}

  float value(std::int64_t c) const {
    const bool weighted = args_.combination == Combination::kWeighted;
    float sum = at(*first_, c);
    float total = static_cast<float>(end_ - first_);
    if (weighted) {
      total = args_.weights[*first_];
      sum *= total;
    }
    for (const std::int32_t* member = first_ + 1; member != end_; ++member) {
      const float value = at(*member, c);
      if (weighted) {
        total += args_.weights[*member];
        sum = std::fma(args_.weights[*member], value, sum);
      } else if (args_.combination == Combination::kMax) {
        if (sum == sum && !(sum > value)) sum = value;
      } else {
        sum += value;
      }
    }
    return weighted || args_.combination == Combination::kMean ? sum / total : sum;
  }
  bool is_single() const { return end_ - first_ == 1; }
  const float* row() const { return args_.rows + *first_ * args_.row_floats; }

 private:
  float at(std::int32_t row, std::int64_t c) const { return args_.rows[row * args_.row_floats + c]; }

  const CombineRowsArgs& args_;
  const std::int32_t* first_;
  const std::int32_t* end_;
};

}  // namespace

void combine_rows(const CombineRowsArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    const Group group(args, i);
    float* out = args.out + i * args.channels;
    if (group.is_single()) {
      std::copy_n(group.row(), args.channels, out);
      continue;
    }
    for (std::int64_t c = 0; c < args.channels; ++c) out[c] = group.value(c);
  }
}

}  // namespace histojet::kernels::scalar
