#include "codecs/jpeg_2000_stream.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace histojet::codecs {
namespace {

using Bytes = std::span<const std::uint8_t>;

// Marker codes of ISO/IEC 15444-1, table A.2, and of part 2 (the four of component collections and transforms).
constexpr std::uint32_t kSoc = 0xFF4F;
constexpr std::uint32_t kSiz = 0xFF51;
constexpr std::uint32_t kCod = 0xFF52;
constexpr std::uint32_t kCoc = 0xFF53;
constexpr std::uint32_t kSot = 0xFF90;
constexpr std::uint32_t kSod = 0xFF93;
constexpr std::uint32_t kPart2[] = {0xFF74, 0xFF75, 0xFF77, 0xFF78};

constexpr std::uint64_t kMaxTiles = 4096;
constexpr std::uint64_t kMaxComponents = 4;
// Encoders make about ten; each costs a packet per precinct.
constexpr std::uint64_t kMaxLayers = 1024;
constexpr std::uint64_t kMaxBookBytes = 64 << 20;
// What OpenJPEG 2.5 keeps for one precinct of all sub-bands and for one code-block, rounded up.
constexpr std::uint64_t kPrecinctBytes = 600;
constexpr std::uint64_t kCodeBlockBytes = 700;

[[noreturn]] void damaged(const std::string& reason) {
  throw Error(ErrorCode::kCorruptFile, "JPEG 2000: " + reason);
}
[[noreturn]] void refused(const std::string& what) {
  throw Error(ErrorCode::kUnsupportedFormat, "JPEG 2000: " + what + " not supported");
}

/// Big-endian integer of `size` bytes; a read beyond the end is damage.
std::uint64_t number(Bytes bytes, std::size_t at, std::size_t size) {
  if (at > bytes.size() || size > bytes.size() - at) damaged("the header ends early");
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}

struct Box {
  std::uint64_t type = 0;
  Bytes content;
};

/// The box at `at`, which moves behind it; nothing at the end or where a box leaves `bytes`.
std::optional<Box> next_box(Bytes bytes, std::size_t& at) {
  if (bytes.size() - at < 8) return std::nullopt;
  std::uint64_t length = number(bytes, at, 4);
  const std::uint64_t type = number(bytes, at + 4, 4);
  std::size_t head = 8;
  if (length == 1 && bytes.size() - at >= 16) {
    length = number(bytes, at + 8, 8);
    head = 16;
  }
  if (length == 0 || length > bytes.size() - at) length = bytes.size() - at;
  if (length < head) return std::nullopt;
  const Box box{type, bytes.subspan(at + head, static_cast<std::size_t>(length) - head)};
  at += static_cast<std::size_t>(length);
  return box;
}

constexpr std::uint64_t four(const char (&name)[5]) {
  std::uint64_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(name[i]);
  return value;
}

/// Palettes change what the codestream means; the enumerated colour space 18 is sYCC.
void read_image_header_box(Bytes content, Jpeg2000Stream& out) {
  std::size_t at = 0;
  while (const auto box = next_box(content, at)) {
    if (box->type == four("pclr")) refused("JP2 files with a palette are");
    const bool enumerated = box->type == four("colr") && box->content.size() >= 7 && box->content[0] == 1;
    if (enumerated) out.sycc = number(box->content, 3, 4) == 18;
  }
}

void find_codestream(Bytes stream, Jpeg2000Stream& out) {
  constexpr std::uint8_t kSignature[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  if (stream.size() < 8 || !std::equal(std::begin(kSignature), std::end(kSignature), stream.begin())) {
    out.bytes = stream;
    return;
  }
  std::size_t at = 0;
  while (const auto box = next_box(stream, at)) {
    if (box->type == four("jp2h")) read_image_header_box(box->content, out);
    if (box->type == four("jp2c")) {
      out.bytes = box->content;
      return;
    }
  }
  damaged("the JP2 file holds no codestream");
}

/// Walks the marker segments of the main header and of all tile-part headers.
class HeaderWalk {
 public:
  HeaderWalk(Jpeg2000Stream& stream, bool tolerant) : out_(stream), bytes_(stream.bytes), tolerant_(tolerant) {}

  void run() {
    if (bytes_.size() < 4 || number(bytes_, 0, 2) != kSoc || number(bytes_, 2, 2) != kSiz) {
      damaged("no codestream (SOC and SIZ markers)");
    }
    std::size_t at = segments(2, kSot);
    if (!coded_) damaged("no coding style (COD marker) in the main header");
    while (bytes_.size() - at >= 12 && number(bytes_, at, 2) == kSot) {
      const std::uint64_t length = number(bytes_, at + 6, 4);
      segments(at + 12, kSod);
      if (length > bytes_.size() - at) return overlong(at);
      // 0: the last tile-part, up to the end.
      if (length < 14) break;
      at += static_cast<std::size_t>(length);
    }
  }

 private:
  /// The tile-part at `at` claims more bytes than there are.
  void overlong(std::size_t at) {
    if (!tolerant_) damaged("a tile-part ends after the stream");
    out_.repaired.assign(bytes_.begin(), bytes_.end());
    const std::uint64_t length = std::min<std::uint64_t>(bytes_.size() - at, UINT32_MAX);
    for (std::size_t i = 0; i < 4; ++i) out_.repaired[at + 6 + i] = static_cast<std::uint8_t>(length >> (24 - 8 * i));
    out_.bytes = out_.repaired;
  }

  /// Reads segments from `at` to the marker `end` and returns where that is.
  std::size_t segments(std::size_t at, std::uint32_t end) {
    for (;;) {
      const std::uint64_t marker = number(bytes_, at, 2);
      if (marker == end) return at;
      if (marker < 0xFF01) damaged("no marker at byte " + std::to_string(at));
      const std::uint64_t length = number(bytes_, at + 2, 2);
      if (length < 2 || length > bytes_.size() - at - 2) damaged("a marker segment leaves the header");
      segment(marker, bytes_.subspan(at + 4, static_cast<std::size_t>(length) - 2));
      at += 2 + static_cast<std::size_t>(length);
    }
  }

  void segment(std::uint64_t marker, Bytes content) {
    if (std::ranges::find(kPart2, marker) != std::end(kPart2)) refused("component transforms of part 2 are");
    if (marker == kSiz) {
      if (sized_) damaged("two SIZ segments");
      read_size(content);
    } else if (marker == kCod) {
      const std::uint64_t layers = number(content, 2, 2);
      if (!coded_) out_.header.component_transform = number(content, 4, 1) != 0;
      coded_ = true;
      check_style(content.subspan(5), (content[0] & 1) != 0, layers, static_cast<std::uint64_t>(components_));
    } else if (marker == kCoc) {
      const bool precincts = (number(content, 1, 1) & 1) != 0;
      check_style(content.subspan(2), precincts, 1, 1);
    }
  }

  void read_size(Bytes content) {
    const std::uint64_t x1 = number(content, 2, 4);
    const std::uint64_t y1 = number(content, 6, 4);
    const std::uint64_t x0 = number(content, 10, 4);
    const std::uint64_t y0 = number(content, 14, 4);
    const std::uint64_t tile_width = number(content, 18, 4);
    const std::uint64_t tile_height = number(content, 22, 4);
    const std::uint64_t tile_x0 = number(content, 26, 4);
    const std::uint64_t tile_y0 = number(content, 30, 4);
    components_ = number(content, 34, 2);
    if (x1 <= x0 || y1 <= y0 || tile_width == 0 || tile_height == 0 || tile_x0 > x0 || tile_y0 > y0 ||
        components_ == 0) {
      damaged("impossible sizes in SIZ");
    }
    out_.header.width = static_cast<std::int64_t>(x1 - x0);
    out_.header.height = static_cast<std::int64_t>(y1 - y0);
    out_.header.components = static_cast<int>(components_);
    if ((number(content, 0, 2) & 0x8000) != 0) refused("extensions of part 2 are");
    if (components_ > kMaxComponents) refused(std::to_string(components_) + " components are");
    const std::uint64_t tiles =
        ((x1 - tile_x0 + tile_width - 1) / tile_width) * ((y1 - tile_y0 + tile_height - 1) / tile_height);
    if (tiles > kMaxTiles) refused(std::to_string(tiles) + " tiles in one codestream are");
    tile_width_ = std::min(tile_width, x1 - x0);
    tile_height_ = std::min(tile_height, y1 - y0);
    for (std::uint64_t c = 0; c < components_; ++c) read_component(content, c, x0 != 0 || y0 != 0);
    sized_ = true;
  }

  void read_component(Bytes content, std::uint64_t index, bool shifted) {
    const std::size_t at = 36 + static_cast<std::size_t>(index) * 3;
    const std::uint64_t depth = number(content, at, 1);
    const std::uint64_t dx = number(content, at + 1, 1);
    const std::uint64_t dy = number(content, at + 2, 1);
    if (dx == 0 || dy == 0) damaged("a component without a sampling step");
    if ((depth & 0x80) != 0) refused("signed components are");
    if (depth > 15) refused("components of " + std::to_string(depth + 1) + " bits are");
    if (index == 0 && (dx != 1 || dy != 1)) refused("a subsampled first component is");
    if (shifted && (dx != 1 || dy != 1)) refused("subsampled components of a shifted image are");
    if (index == 0) out_.header.bits = static_cast<int>(depth) + 1;
  }

  /// `style`: from the number of decomposition levels on (SPcod, SPcoc).
  void check_style(Bytes style, bool precincts, std::uint64_t layers, std::uint64_t components) const {
    if (!sized_) damaged("a coding style before the sizes");
    const std::uint64_t levels = number(style, 0, 1);
    const std::uint64_t block_x = (number(style, 1, 1) & 15) + 2;
    const std::uint64_t block_y = (number(style, 2, 1) & 15) + 2;
    if (layers > kMaxLayers) refused(std::to_string(layers) + " layers are");
    if (levels > 32 || block_x > 10 || block_y > 10 || block_x + block_y > 12) damaged("impossible coding style");
    std::uint64_t most_precincts = 0;
    std::uint64_t book = 0;
    for (std::uint64_t r = 0; r <= levels; ++r) {
      const std::uint64_t size = precincts ? number(style, 5 + static_cast<std::size_t>(r), 1) : 0xFF;
      const std::uint64_t precinct_x = size & 15;
      const std::uint64_t precinct_y = size >> 4;
      if (r > 0 && (precinct_x == 0 || precinct_y == 0)) damaged("impossible precincts");
      const std::uint64_t down = levels - r;
      const std::uint64_t count = steps(tile_width_, down + precinct_x) * steps(tile_height_, down + precinct_y);
      // From the second resolution on, code-blocks tile sub-bands of half the size, where precincts are half as large.
      const std::uint64_t half = r > 0 ? 1 : 0;
      const std::uint64_t blocks = steps(tile_width_, down + half + std::min(block_x, precinct_x - half)) *
                                   steps(tile_height_, down + half + std::min(block_y, precinct_y - half)) *
                                   (1 + 2 * half);
      most_precincts = std::max(most_precincts, count);
      book += count * kPrecinctBytes + blocks * kCodeBlockBytes;
    }
    const std::uint64_t samples = tile_width_ * tile_height_;
    const std::uint64_t packets = (layers + 1) * most_precincts * (levels + 1);
    if (book > kMaxBookBytes / components + 8 * samples || packets * 2 > kMaxBookBytes / components) {
      refused("this many precincts, code-blocks or layers are");
    }
  }

  /// Steps of 2^bits that `size` may touch wherever it begins.
  static std::uint64_t steps(std::uint64_t size, std::uint64_t bits) { return bits > 32 ? 2 : (size >> bits) + 2; }

  Jpeg2000Stream& out_;
  Bytes bytes_;
  bool tolerant_;
  std::uint64_t components_ = 0;
  std::uint64_t tile_width_ = 0;
  std::uint64_t tile_height_ = 0;
  bool sized_ = false;
  bool coded_ = false;
};

}  // namespace

Jpeg2000Stream parse_jpeg_2000(std::span<const std::uint8_t> stream, bool tolerant) {
  Jpeg2000Stream out;
  find_codestream(stream, out);
  HeaderWalk(out, tolerant).run();
  return out;
}

Jpeg2000Header read_jpeg_2000_header(std::span<const std::uint8_t> stream) {
  return parse_jpeg_2000(stream, true).header;
}

}  // namespace histojet::codecs
