#pragma once

/// Nuclei files read back.

#include "readers/nucleus_reader.hpp"
