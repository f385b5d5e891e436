#include "nuclei/gaussian3.hpp"

#include "kernels/nuclei_maps/relief_box.hpp"

namespace histojet::nuclei {

void relief(const EdgeStrength& strength, const Box& box, ReliefType type, double* out, std::int64_t stride,
            std::vector<float>& scratch) {
  strength.copy_framed(box, scratch);
  const std::int64_t columns = box.x1 - box.x0, framed = columns + 2;
  kernels::kRelief.pick(active_isa())(
      {scratch.data() + framed + 1, framed, box.y1 - box.y0, columns, type == ReliefType::kDouble, out, stride});
}

}  // namespace histojet::nuclei
