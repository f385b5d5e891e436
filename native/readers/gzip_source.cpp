#include "readers/gzip_source.hpp"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace histojet::readers {
namespace {

/// Holds one whole member of the files that histojet and other block-wise writers make (256 KiB of text each).
constexpr std::size_t kPackedBytes = 512 << 10;
constexpr std::size_t kUnpackedBytes = 1 << 20;
/// Members too long for the buffers before the quick way is given up: it costs at most this many vain attempts.
constexpr int kMostVainAttempts = 3;

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* codec) const { libdeflate_free_decompressor(codec); }
};

/// Short members are unpacked at once by libdeflate, more than twice as fast as zlib, which unpacks all others piece by
/// piece.
class GzipDocument final : public DocumentSource {
 public:
  explicit GzipDocument(std::shared_ptr<const ByteSource> bytes)
      : bytes_(std::move(bytes)),
        whole_(libdeflate_alloc_decompressor()),
        packed_(kPackedBytes),
        unpacked_(kUnpackedBytes) {
    if (!whole_ || inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) {
      throw Error(ErrorCode::kOutOfMemory, "gzip: no memory for a decompressor");
    }
  }
  ~GzipDocument() override { inflateEnd(&stream_); }
  GzipDocument(const GzipDocument&) = delete;
  GzipDocument& operator=(const GzipDocument&) = delete;

  std::size_t read(std::span<std::uint8_t> out) override {
    while (true) {
      if (given_ < ready_) {
        const std::size_t count = std::min(out.size(), ready_ - given_);
        std::memcpy(out.data(), unpacked_.data() + given_, count);
        given_ += count;
        return count;
      }
      if (!inside_ && !next_member()) return 0;
      if (!inside_) continue;
      const std::size_t count = inflate_piece(out);
      if (count > 0) return count;
    }
  }
  const std::string& name() const override { return bytes_->name(); }

 private:
  std::uint64_t place() const { return file_at_ - (packed_end_ - packed_at_); }

  /// Moves what is left to the front and fills the rest of the buffer.
  void fill() {
    std::memmove(packed_.data(), packed_.data() + packed_at_, packed_end_ - packed_at_);
    packed_end_ -= packed_at_;
    packed_at_ = 0;
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(packed_.size() - packed_end_, bytes_->size() - file_at_));
    if (count > 0) bytes_->read_at(file_at_, std::span(packed_).subspan(packed_end_, count));
    packed_end_ += count;
    file_at_ += count;
  }

  /// Unpacks the next member or begins to; false at the end of the file.
  bool next_member() {
    if (packed_end_ - packed_at_ < packed_.size() / 2) fill();
    if (first_) {
      first_ = false;
    } else {
      skip_padding();
      if (packed_at_ == packed_end_) return false;
    }
    if (vain_attempts_ < kMostVainAttempts && unpack_whole()) return true;
    inflateReset(&stream_);
    inside_ = true;
    return true;
  }

  void skip_padding() {
    while (packed_at_ < packed_end_ && packed_[packed_at_] == 0) {
      if (++packed_at_ == packed_end_) fill();
    }
  }

  bool unpack_whole() {
    std::size_t consumed = 0;
    std::size_t produced = 0;
    const libdeflate_result result =
        libdeflate_gzip_decompress_ex(whole_.get(), packed_.data() + packed_at_, packed_end_ - packed_at_,
                                      unpacked_.data(), unpacked_.size(), &consumed, &produced);
    if (result != LIBDEFLATE_SUCCESS) {  // too long, cut or damaged: zlib finds out which, and where
      ++vain_attempts_;
      return false;
    }
    packed_at_ += consumed;
    given_ = 0;
    ready_ = produced;
    return true;
  }

  std::size_t inflate_piece(std::span<std::uint8_t> out) {
    if (packed_at_ == packed_end_) fill();
    stream_.next_in = packed_.data() + packed_at_;
    stream_.avail_in = static_cast<uInt>(packed_end_ - packed_at_);
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(out.size(), 1 << 30));
    const uInt room = stream_.avail_out;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    packed_at_ = packed_end_ - stream_.avail_in;
    const std::size_t count = room - stream_.avail_out;
    if (status == Z_STREAM_END) {
      inside_ = false;
    } else if (status == Z_MEM_ERROR) {
      throw Error(ErrorCode::kOutOfMemory, "gzip: no memory for a decompressor");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      corrupt_at(name(), place(),
                 std::string("the gzip stream is damaged: ") + (stream_.msg != nullptr ? stream_.msg : "unknown data"));
    } else if (count == 0 && packed_at_ == packed_end_ && file_at_ == bytes_->size()) {
      corrupt_at(name(), place(), "the gzip stream is damaged: it ends too early");
    }
    return count;
  }

  std::shared_ptr<const ByteSource> bytes_;
  std::unique_ptr<libdeflate_decompressor, FreeDecompressor> whole_;
  z_stream stream_{};
  std::vector<std::uint8_t> packed_;
  std::size_t packed_at_ = 0;
  std::size_t packed_end_ = 0;
  std::uint64_t file_at_ = 0;  ///< what the packed buffer has not read yet begins here
  std::vector<std::uint8_t> unpacked_;
  std::size_t given_ = 0;
  std::size_t ready_ = 0;
  bool first_ = true;
  bool inside_ = false;  ///< a member that zlib unpacks
  int vain_attempts_ = 0;
};

}  // namespace

std::unique_ptr<DocumentSource> open_gzip(std::shared_ptr<const ByteSource> bytes) {
  return std::make_unique<GzipDocument>(std::move(bytes));
}

}  // namespace histojet::readers
