#include "nuclei/gaussian3.hpp"

#include "nuclei/reflect.hpp"

namespace histojet::nuclei {
namespace {

/// The row pass of the columns [box.x0, box.x1).
template <class T>
void blur_row(const float* strength, std::int64_t width, const Box& box, T* out) {
  const auto energy = [&](std::int64_t x) { return T{1} - static_cast<T>(strength[x]); };
  const auto blurred = [&](std::int64_t x) {
    return (energy(reflect101(x - 1, width)) + energy(reflect101(x + 1, width))) * T{0.25} + energy(x) * T{0.5};
  };
  const std::int64_t start = box.x0 == 0 ? 1 : box.x0, end = box.x1 == width ? width - 1 : box.x1;
  if (box.x0 == 0) out[0] = blurred(0);
  for (std::int64_t x = start; x < end; ++x) {
    out[x - box.x0] = (energy(x - 1) + energy(x + 1)) * T{0.25} + energy(x) * T{0.5};
  }
  if (box.x1 == width) out[width - 1 - box.x0] = blurred(width - 1);
}

}  // namespace

template <class T>
void relief(const std::vector<float>& strength, std::int64_t height, std::int64_t width, const Box& box, double* out,
            std::int64_t stride) {
  const std::int64_t columns = box.x1 - box.x0, rows = box.y1 - box.y0;
  std::vector<T> blurred(static_cast<std::size_t>((rows + 2) * columns));
  for (std::int64_t i = 0; i < rows + 2; ++i) {
    const std::int64_t y = reflect101(box.y0 - 1 + i, height);
    blur_row(strength.data() + y * width, width, box, blurred.data() + i * columns);
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* above = blurred.data() + i * columns;
    const T* here = above + columns;
    const T* below = here + columns;
    for (std::int64_t x = 0; x < columns; ++x) {
      out[i * stride + x] = -((above[x] + below[x]) * T{0.25} + here[x] * T{0.5});
    }
  }
}

template void relief<float>(const std::vector<float>&, std::int64_t, std::int64_t, const Box&, double*, std::int64_t);
template void relief<double>(const std::vector<float>&, std::int64_t, std::int64_t, const Box&, double*, std::int64_t);

}  // namespace histojet::nuclei
