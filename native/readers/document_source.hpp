#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/byte_source.hpp"

namespace histojet::readers {

/// The bytes of a document from its beginning to its end, unpacked when it is packed.
class DocumentSource {
 public:
  virtual ~DocumentSource() = default;
  /// Fills the front of `out`, which is not empty; 0 only at the end. @throws Error kCorruptFile for a damaged or cut
  /// gzip stream, with its place in the file; kIo.
  virtual std::size_t read(std::span<std::uint8_t> out) = 0;
  /// What messages call it.
  virtual const std::string& name() const = 0;
};

/// A document that may be packed with gzip (RFC 1952), which its content tells; any number of members follow one
/// another. Needs about 2 MiB, however long the members are.
std::unique_ptr<DocumentSource> open_document(std::shared_ptr<const ByteSource> bytes);

}  // namespace histojet::readers
