#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "slide/dicom_instance.hpp"

namespace histojet::slide {

/// Where the frames of one file lie (DICOM PS3.5, A.4): by the extended offset table, else by the basic one, else by a
/// walk over the fragments. Tables are read at the first use; one that does not lead to fragments is ignored and the
/// fragments are walked. Safe from any number of threads.
class DicomFrames {
 public:
  /// `instance` must outlive this object. `frame_bytes`: size of an uncompressed frame.
  DicomFrames(const DicomInstance& instance, std::uint64_t frame_bytes);

  /// The pieces of a frame in order. @throws Error kCorruptFile when the frame is not in the file.
  std::vector<ByteRange> pieces(std::uint64_t frame) const;

 private:
  struct Item {
    std::uint64_t offset = 0;  ///< of the value
    std::uint32_t length = 0;
  };
  void load_table() const;
  void load_extended_table() const;
  void load_basic_table(const Item& table) const;
  std::optional<std::vector<ByteRange>> by_table(std::uint64_t frame) const;
  void walk() const;
  /// The item whose header stands at `at`; nothing behind the last one.
  std::optional<Item> item(std::uint64_t at) const;
  bool starts_image(const Item& item) const;

  const DicomInstance& instance_;
  std::uint64_t frame_bytes_;
  mutable std::once_flag table_once_;
  mutable std::once_flag walk_once_;
  mutable std::uint64_t first_item_ = 0;           ///< what the tables count from
  mutable std::vector<std::uint64_t> offsets_;     ///< by frame, of the item header; empty without a table
  mutable std::vector<std::uint64_t> lengths_;     ///< of the extended table
  mutable std::vector<ByteRange> fragments_;       ///< filled by `walk`
  mutable std::vector<std::uint32_t> beginnings_;  ///< first fragment of each frame
};

}  // namespace histojet::slide
