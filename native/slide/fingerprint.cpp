#include "slide/fingerprint.hpp"

#include <algorithm>

#include "base/digest.hpp"

namespace histojet::slide {

std::string fingerprint_of(const std::vector<std::shared_ptr<const ByteSource>>& files) {
  Sha256 digest;
  for (const auto& file : files) {
    const std::uint64_t size = file->size();
    const std::uint64_t part = std::min<std::uint64_t>(size, 1 << 20);
    std::uint8_t length[8];
    for (int i = 0; i < 8; ++i) length[i] = static_cast<std::uint8_t>(size >> (8 * i));
    digest.update(std::span<const std::uint8_t>(length));
    digest.update(file->read(0, part));
    digest.update(file->read(size - part, part));
  }
  return "sha256:" + hex(digest.finish());
}

}  // namespace histojet::slide
