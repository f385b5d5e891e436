#include <algorithm>

#include "kernels/avg_pool/avg_pool.hpp"
#include "kernels/vector/stored.hpp"

namespace histojet::kernels::scalar {

void avg_pool(const AvgPoolArgs& args) {
  for (std::int64_t x = 0; x < args.out_width; ++x) {
    const std::int64_t left = x * args.stride - args.padding;
    const std::int64_t begin = std::max<std::int64_t>(left, 0);
    const std::int64_t end = std::min(left + args.window, args.in_width);
    const std::int64_t count = std::max<std::int64_t>(end - begin, 0) * args.row_count;
    const std::int64_t divisor = args.divisor == 0 ? std::max<std::int64_t>(count, 1) : args.divisor;
    for (std::int64_t c = 0; c < args.channels; ++c) {
      double sum = 0;
      for (std::int64_t y = 0; y < args.row_count; ++y) {
        for (std::int64_t i = begin; i < end; ++i) sum += load(args.rows[y], args.in_storage, i * args.channels + c);
      }
      store(args.out, args.out_storage, x * args.channels + c, static_cast<float>(sum / static_cast<double>(divisor)));
    }
  }
}

}  // namespace histojet::kernels::scalar
