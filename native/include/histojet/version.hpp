#pragma once

/// The version of the library.

#include "base/version.hpp"
