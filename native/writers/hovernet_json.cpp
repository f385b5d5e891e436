#include <algorithm>
#include <cmath>

#include "writers/document_file.hpp"
#include "writers/json_text.hpp"
#include "writers/writer_format.hpp"

namespace histojet::writers {
namespace {

struct Pixel {
  std::int64_t x = 0;
  std::int64_t y = 0;
  bool operator==(const Pixel&) const = default;
};

std::string header(const WriterOptions& options) {
  const double mpp = options.processing_mpp > 0 ? options.processing_mpp : options.mpp;
  std::string text = "{\"mag\":" + (mpp > 0 ? std::to_string(std::llround(10 / mpp)) : "null");
  if (!options.provenance.empty()) text += ",\"histojet\":" + provenance_json(options, Origin::kLevel0);
  return text + ",\"nuc\":{\n";
}

/// HoVer-Net's JSON (interop-formats 2.1): integer pixel centres at the processing resolution, open rings, bbox as
/// (row, column) with exclusive maximum. As in the reference, rings of fewer than three points are left out.
class HoverNetJsonWriter final : public NucleusWriter {
 public:
  explicit HoverNetJsonWriter(const WriterOptions& options)
      : file_(options.path, false, header(options), "\n}}\n"), corner_(origin_of(options, Origin::kLevel0)) {
    if (options.processing_mpp > 0 && options.mpp > 0) scale_ = options.processing_mpp / options.mpp;
  }

  void write(const nuclei::NucleusList& batch) override {
    text_.clear();
    std::int64_t written = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      make_ring(batch, i);
      if (ring_.size() < 3) continue;
      if (count_ + written > 0) text_.put(",\n");
      ++written;
      append_nucleus(batch, i, count_ + written);
    }
    if (written == 0) return;
    file_.append(text_.view());
    count_ += written;
  }

  void close() override { file_.close(); }
  std::int64_t count() const override { return count_; }

 private:
  double centre_x(double x) const { return (x - corner_.x) / scale_ - 0.5; }
  double centre_y(double y) const { return (y - corner_.y) / scale_ - 0.5; }

  /// Nearest integer; a vertex on a pixel's edge goes to the pixel on the nucleus' side.
  static std::int64_t nearest(double value, double inside) {
    const double below = std::floor(value);
    const double part = value - below;
    if (std::abs(part - 0.5) < 0.01) return static_cast<std::int64_t>(below) + (inside > value ? 1 : 0);
    return nearest_integer(value);
  }

  void make_ring(const nuclei::NucleusList& batch, std::size_t i) {
    ring_.clear();
    if (!writable(batch.centroids[2 * i]) || !writable(batch.centroids[2 * i + 1])) return;
    const double inside_x = centre_x(batch.centroids[2 * i]);
    const double inside_y = centre_y(batch.centroids[2 * i + 1]);
    const auto contour = batch.contour(i);
    for (std::size_t k = 0; k + 1 < contour.size(); k += 2) {
      const double x = centre_x(contour[k]);
      const double y = centre_y(contour[k + 1]);
      if (!writable(x) || !writable(y)) return ring_.clear();
      const Pixel pixel{nearest(x, inside_x), nearest(y, inside_y)};
      if (ring_.empty() || ring_.back() != pixel) ring_.push_back(pixel);
    }
    while (ring_.size() > 1 && ring_.front() == ring_.back()) ring_.pop_back();
  }

  void append_pair(std::int64_t first, std::int64_t second) {
    text_.put('[');
    text_.integer(first);
    text_.put(',');
    text_.integer(second);
    text_.put(']');
  }

  void append_box() {
    const auto [left, right] = std::ranges::minmax(ring_, {}, &Pixel::x);
    const auto [top, bottom] = std::ranges::minmax(ring_, {}, &Pixel::y);
    text_.put("\"bbox\":[");
    append_pair(top.y, left.x);
    text_.put(',');
    append_pair(bottom.y + 1, right.x + 1);
    text_.put(']');
  }

  void append_nucleus(const nuclei::NucleusList& batch, std::size_t i, std::int64_t id) {
    text_.put('"');
    text_.integer(id);
    text_.put("\":{");
    append_box();
    text_.put(",\"centroid\":[");
    text_.decimal(centre_x(batch.centroids[2 * i]));
    text_.put(',');
    text_.decimal(centre_y(batch.centroids[2 * i + 1]));
    text_.put("],\"contour\":[");
    for (std::size_t k = 0; k < ring_.size(); ++k) {
      if (k > 0) text_.put(',');
      append_pair(ring_[k].x, ring_[k].y);
    }
    text_.put("],\"type_prob\":");
    if (i < batch.type_probabilities.size() && writable(batch.type_probabilities[i])) {
      text_.decimal(batch.type_probabilities[i]);
    } else {
      text_.put("null");
    }
    text_.put(",\"type\":");
    if (batch.typed()) {
      text_.integer(batch.types[i]);
    } else {
      text_.put("null");
    }
    text_.put('}');
  }

  DocumentFile file_;
  Corner corner_;
  double scale_ = 1;
  JsonText text_;
  std::vector<Pixel> ring_;
  std::int64_t count_ = 0;
};

}  // namespace

std::unique_ptr<NucleusWriter> make_hovernet_json(const WriterOptions& options) {
  return std::make_unique<HoverNetJsonWriter>(options);
}

}  // namespace histojet::writers
