#include "kernels/head/head.hpp"

namespace histojet::kernels {

const KernelTable<ClassProbabilityArgs> kClassProbability{.scalar = scalar::class_probability,
                                                          .avx2 = avx2::class_probability};
const KernelTable<ClassIndexArgs> kClassIndex{.scalar = scalar::class_index, .avx2 = avx2::class_index};
const KernelTable<PlanarRowArgs> kPlanarRow{.scalar = scalar::planar_row};

}  // namespace histojet::kernels
