#pragma once

/// Checkpoints: safetensors and torch files.

#include "weights/state_dict.hpp"
