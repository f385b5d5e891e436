#pragma once

/// What every part of the public face speaks: errors with codes, cancelling, the executor, pictures.

#include "base/byte_pool.hpp"
#include "base/cancel.hpp"
#include "base/error.hpp"
#include "base/executor.hpp"
#include "histojet/image.hpp"
