#include "readers/hovernet_json_reader.hpp"

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "readers/file_provenance.hpp"
#include "readers/json_scanner.hpp"
#include "readers/outline_collector.hpp"

namespace histojet::readers {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::size_t kMostPoints = std::size_t{8} << 20;

enum class Member { kContour, kType, kProbability, kOther };

Member member_named(std::string_view key) {
  if (key == "contour") return Member::kContour;
  if (key == "type") return Member::kType;
  if (key == "type_prob") return Member::kProbability;
  return Member::kOther;
}

class HoverNetJsonReader final : public NucleusReader {
 public:
  explicit HoverNetJsonReader(std::shared_ptr<const ByteSource> bytes)
      : name_(bytes->name()), json_(open_document(std::move(bytes))) {
    if (json_.peek() != '{') json_.fail("expected a HoVer-Net document, an object with a member \"nuc\"");
    read_head();
    classes_ = parse_provenance(provenance_).classes;
  }

  std::optional<nuclei::NucleusList> next(const CancelToken& cancel) override {
    if (broken_) throw Error(ErrorCode::kDisposed, "cannot read on in " + name_ + ": reading failed before");
    if (ended_) return std::nullopt;
    broken_ = true;
    const CancelScope scope(cancel);
    while (more_ && outlines_.size() < kBatch) {
      read_nucleus();
      more_ = json_.next_member();
    }
    if (!more_) finish();
    broken_ = false;
    if (outlines_.size() == 0) return std::nullopt;
    nuclei::NucleusList list = outlines_.take();
    if (typed_ == false) {
      list.types.clear();
    } else if (probabilities_.size() == list.size()) {
      list.type_probabilities = probabilities_;
    }
    probabilities_.clear();
    return list;
  }

  const std::vector<nuclei::NucleusClass>& classes() const override { return classes_; }
  const std::string& provenance() const override { return provenance_; }
  std::optional<double> magnification() const override { return magnification_; }
  const std::string& format() const override {
    static const std::string name = "hovernet-json";
    return name;
  }

 private:
  /// Reads up to the first nucleus.
  void read_head() {
    for (bool more = json_.begin_object(); more; more = json_.next_member()) {
      const std::string key(json_.key());
      if (key == "nuc" && json_.peek() == '{') {
        more_ = json_.begin_object();
        return;
      }
      if (key == "mag" && json_.at_number()) {
        const double value = json_.number();
        if (value > 0 && std::isfinite(value)) magnification_ = value;
      } else if (key == "histojet" && json_.peek() == '{') {
        std::string text = json_.raw(kLongestProvenance);
        if (is_utf8(text)) provenance_ = std::move(text);
      } else {
        json_.skip();
      }
    }
    json_.fail("expected a HoVer-Net document, got JSON without an object \"nuc\"");
  }

  /// Reads what follows the nuclei.
  void finish() {
    ended_ = true;
    while (json_.next_member()) {
      json_.key();
      json_.skip();
    }
    if (json_.peek() != 0) json_.fail("a second document follows the first one");
  }

  void read_nucleus() {
    id_ = json_.key().substr(0, 40);
    if (json_.peek() != '{') fail("expected an object");
    bool has_contour = false;
    std::optional<std::uint8_t> type;
    std::optional<float> probability;
    for (bool more = json_.begin_object(); more; more = json_.next_member()) {
      switch (member_named(json_.key())) {
        case Member::kContour:
          outlines_.discard_untyped();
          read_contour();
          has_contour = true;
          break;
        case Member::kType:
          type = read_type();
          break;
        case Member::kProbability:
          probability = read_probability();
          break;
        case Member::kOther:
          json_.skip();
          break;
      }
    }
    if (!has_contour) fail("expected a contour of at least 3 points, got none");
    if (!typed_) typed_ = type.has_value();
    if (type && !*typed_) fail("has a type, the nuclei before it have none");
    outlines_.give_type(type.value_or(0));
    if (probability) probabilities_.push_back(*probability);
  }

  void read_contour() {
    if (json_.peek() != '[') fail("expected a contour of at least 3 points, got another value");
    const std::size_t before = outlines_.point_count();
    for (bool more = json_.begin_array(); more; more = json_.next_element()) {
      if (json_.peek() != '[' || !json_.begin_array() || !json_.at_number()) fail_point();
      const double x = json_.number() + 0.5;
      if (!json_.next_element() || !json_.at_number()) fail_point();
      const double y = json_.number() + 0.5;
      if (json_.next_element() || !OutlineCollector::storable(x) || !OutlineCollector::storable(y)) fail_point();
      outlines_.add(x, y);
      if (outlines_.point_count() - before > kMostPoints)
        fail("has more than " + std::to_string(kMostPoints) + " points");
    }
    const std::size_t count = outlines_.point_count() - before;
    if (!outlines_.finish_ring()) {
      fail("expected a contour of at least 3 points, got " + std::to_string(count) + " points");
    }
  }

  std::optional<std::uint8_t> read_type() {
    if (!json_.at_number()) {
      if (json_.peek() != 'n' && json_.peek() != 'N') fail("expected a type from 0 to 255, got another value");
      json_.skip();
      return std::nullopt;
    }
    const double value = json_.number();
    if (!(value >= 0 && value <= 255) || value != std::floor(value)) fail("expected a type from 0 to 255");
    return static_cast<std::uint8_t>(value);
  }

  std::optional<float> read_probability() {
    if (!json_.at_number()) {
      json_.skip();
      return std::nullopt;
    }
    return static_cast<float>(json_.number());
  }

  [[noreturn]] void fail(const std::string& reason) const { json_.fail("nucleus " + quote(id_) + ": " + reason); }
  [[noreturn]] void fail_point() const { fail("a point of the contour is no pair of finite numbers"); }

  std::string name_;
  JsonScanner json_;
  OutlineCollector outlines_;
  std::vector<float> probabilities_;
  std::vector<nuclei::NucleusClass> classes_;
  std::string provenance_;
  std::string id_;
  std::optional<double> magnification_;
  std::optional<bool> typed_;  ///< the first nucleus decides
  bool more_ = false;          ///< a nucleus follows
  bool ended_ = false;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<NucleusReader> open_hovernet_json(std::shared_ptr<const ByteSource> bytes) {
  return std::make_unique<HoverNetJsonReader>(std::move(bytes));
}

std::unique_ptr<NucleusReader> open_hovernet_json_file(const std::string& path) {
  return open_hovernet_json(open_file(path));
}

bool looks_like_hovernet_json(std::span<const std::uint8_t> head) {
  // The end of the head may cut a member: then nothing after it is known, and what was seen decides.
  try {
    JsonScanner json(open_document(memory_source({head.begin(), head.end()}, "head")));
    if (json.peek() != '{') return false;
    for (bool more = json.begin_object(); more; more = json.next_member()) {
      const std::string key(json.key());
      if (key == "nuc") return json.peek() == '{';
      if (key == "features" || key == "geometry" || key == "coordinates") return false;
      json.skip();
    }
  } catch (const Error&) {  // NOLINT: no whole document is expected
  }
  return false;
}

}  // namespace histojet::readers
