#pragma once

#include <memory>

#include "readers/document_source.hpp"

namespace histojet::readers {

/// The members of a gzip file as one document; zeros behind the last one are padding.
std::unique_ptr<DocumentSource> open_gzip(std::shared_ptr<const ByteSource> bytes);

}  // namespace histojet::readers
