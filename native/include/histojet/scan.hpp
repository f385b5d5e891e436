#pragma once

/// Selective scans, the operators of Mamba networks.

#include "histojet/base.hpp"
#include "histojet/tensor.hpp"
#include "scan/causal_conv.hpp"
#include "scan/scan_tensors.hpp"
#include "scan/ssd_tensors.hpp"
