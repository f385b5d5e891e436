#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "readers/nucleus_reader.hpp"

namespace histojet::readers {

/// One input format: a reader's file makes it known with one line in the table of nucleus_reader.cpp.
struct ReaderFormat {
  std::string name;
  /// Could a file that begins with these bytes be of the format? The first format of the table that says so is taken.
  bool (*recognise)(std::span<const std::uint8_t> head);
  std::unique_ptr<NucleusReader> (*open)(const std::string& path);
};

}  // namespace histojet::readers
