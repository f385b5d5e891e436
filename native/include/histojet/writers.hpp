#pragma once

/// Files of nuclei and pictures of them.

#include "codecs/png.hpp"
#include "histojet/nuclei.hpp"
#include "writers/heat_map.hpp"
#include "writers/heat_overlay.hpp"
#include "writers/nucleus_columns.hpp"
#include "writers/nucleus_writer.hpp"
#include "writers/overlay.hpp"
