#pragma once

/// Dense tensors and the maps of nuclei networks.

#include "tensor/dtype.hpp"
#include "tensor/maps.hpp"
#include "tensor/tensor.hpp"
