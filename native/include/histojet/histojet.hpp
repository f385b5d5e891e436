#pragma once

/// The whole public C++ face.

#include "histojet/base.hpp"
#include "histojet/merging.hpp"
#include "histojet/model.hpp"
#include "histojet/nuclei.hpp"
#include "histojet/pixel_mamba.hpp"
#include "histojet/readers.hpp"
#include "histojet/scan.hpp"
#include "histojet/slide.hpp"
#include "histojet/system.hpp"
#include "histojet/tensor.hpp"
#include "histojet/token_models.hpp"
#include "histojet/weights.hpp"
#include "histojet/writers.hpp"
