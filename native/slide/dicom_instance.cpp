#include "slide/dicom_instance.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/dicom_dictionary.hpp"
#include "slide/dicom_elements.hpp"

namespace histojet::slide {
namespace {

constexpr std::uint64_t kMaxSide = 0x7FFFFFFF;
constexpr std::uint64_t kMaxFrameSide = 16384;
constexpr std::uint64_t kMaxFrames = 1 << 26;

/// Collects the attributes of one file while its elements go by.
class InstanceReader {
 public:
  explicit InstanceReader(std::shared_ptr<const ByteSource> source) : source_(std::move(source)), elements_(*source_) {}

  DicomInstance read() {
    instance_.source = source_;
    instance_.transfer_syntax = elements_.transfer_syntax();
    for (DicomElement element; elements_.next(element);) {
      if (elements_.top_level()) {
        take_identity(element);
        take_pixels(element);
      } else {
        take_group(element);
      }
    }
    check();
    return std::move(instance_);
  }

 private:
  void take_identity(const DicomElement& element) {
    switch (element.tag) {
      case dicom_tag::kSopClass:
        sop_class_ = elements_.text(element);
        break;
      case dicom_tag::kSopInstance:
        instance_.sop_instance = elements_.text(element);
        break;
      case dicom_tag::kSeriesInstance:
        instance_.series = elements_.text(element);
        break;
      case dicom_tag::kConcatenation:
        instance_.concatenation = elements_.text(element);
        break;
      case dicom_tag::kConcatenationFrameOffset:
        instance_.concatenation_offset = elements_.integer(element, kMaxFrames);
        break;
      case dicom_tag::kImageType:
        if (const auto types = elements_.texts(element); types.size() > 2) instance_.kind = types[2];
        break;
      case dicom_tag::kOrganizationType:
        instance_.tiled_full = elements_.text(element) == "TILED_FULL";
        break;
      case dicom_tag::kBarcode:
        instance_.barcode = elements_.text(element);
        break;
      default:
        break;
    }
  }

  void take_pixels(const DicomElement& element) {
    const auto side = [&] { return static_cast<std::int64_t>(elements_.integer(element, kMaxSide)); };
    switch (element.tag) {
      case dicom_tag::kSamples:
        instance_.samples = static_cast<int>(elements_.integer(element, 65535));
        break;
      case dicom_tag::kPhotometric:
        instance_.photometric = elements_.text(element);
        break;
      case dicom_tag::kPlanarConfiguration:
        instance_.separate_planes = elements_.integer(element) != 0;
        break;
      case dicom_tag::kFrames:
        instance_.frames = elements_.integer(element, kMaxFrames);
        break;
      case dicom_tag::kRows:
        instance_.rows = side();
        break;
      case dicom_tag::kColumns:
        instance_.columns = side();
        break;
      case dicom_tag::kBitsAllocated:
        instance_.bits_allocated = static_cast<int>(elements_.integer(element, 65535));
        break;
      case dicom_tag::kPixelRepresentation:
        instance_.is_signed = elements_.integer(element) != 0;
        break;
      case dicom_tag::kTotalColumns:
        instance_.total_columns = side();
        break;
      case dicom_tag::kTotalRows:
        instance_.total_rows = side();
        break;
      case dicom_tag::kExtendedOffsets:
        instance_.extended_offsets = {element.offset, element.length};
        break;
      case dicom_tag::kExtendedLengths:
        instance_.extended_lengths = {element.offset, element.length};
        break;
      case dicom_tag::kPixelData:
        has_pixels_ = true;
        instance_.encapsulated = element.length == kUndefinedLength;
        instance_.pixel_data = {element.offset,
                                instance_.encapsulated ? source_->size() - element.offset : element.length};
        break;
      default:
        break;
    }
  }

  void take_group(const DicomElement& element) {
    const std::uint32_t outermost = elements_.path().front().tag;
    if (outermost == dicom_tag::kPerFrameGroups) {
      take_position(element);
    } else if (outermost == dicom_tag::kOpticalPaths && elements_.path().size() == 1) {
      if (element.tag == dicom_tag::kObjectivePower && !instance_.objective_power) {
        instance_.objective_power = elements_.number(element);
      } else if (element.tag == dicom_tag::kIccProfile && !instance_.icc_profile && element.length > 0) {
        instance_.icc_profile = ByteRange{element.offset, element.length};
      }
    } else if (element.tag == dicom_tag::kPixelSpacing &&
               elements_.inside({dicom_tag::kSharedGroups, dicom_tag::kPixelMeasures})) {
      instance_.spacing_y_mm = elements_.number(element, 0);
      instance_.spacing_x_mm = elements_.number(element, 1);
    }
  }

  void take_position(const DicomElement& element) {
    const bool column = element.tag == dicom_tag::kColumnPosition;
    if (!column && element.tag != dicom_tag::kRowPosition) return;
    if (!elements_.inside({dicom_tag::kPerFrameGroups, dicom_tag::kPlanePosition})) return;
    const std::uint64_t frame = elements_.path().front().item;
    if (frame >= kMaxFrames) corrupt(instance_.name(), "describes more than 67 million frames");
    if (frame >= instance_.positions.size()) instance_.positions.resize(frame + 1);
    const auto from_one = static_cast<std::int64_t>(elements_.number(element).value_or(0));
    (column ? instance_.positions[frame].x : instance_.positions[frame].y) = from_one - 1;
  }

  void check() {
    const std::string& name = instance_.name();
    if (sop_class_ != kWholeSlideSopClass) {
      unsupported(name, "a DICOM object of the class " + quote(sop_class_) +
                            ", expected a whole-slide microscopy image (" + kWholeSlideSopClass + ")");
    }
    if (instance_.columns < 1 || instance_.rows < 1) corrupt(name, "Rows or Columns is missing or zero");
    if (std::max(instance_.columns, instance_.rows) > static_cast<std::int64_t>(kMaxFrameSide)) {
      corrupt(name, "impossible frame size " + std::to_string(instance_.columns) + " x " +
                        std::to_string(instance_.rows) + ", expected sides of 1..16384");
    }
    if (instance_.total_columns == 0) instance_.total_columns = instance_.columns;
    if (instance_.total_rows == 0) instance_.total_rows = instance_.rows;
    if (!has_pixels_) corrupt(name, "no pixel data");
    if (instance_.frames == 0) corrupt(name, "NumberOfFrames is zero");
  }

  std::shared_ptr<const ByteSource> source_;
  DicomElements elements_;
  DicomInstance instance_;
  std::string sop_class_;
  bool has_pixels_ = false;
};

}  // namespace

DicomIdentity read_dicom_identity(const ByteSource& source) {
  DicomElements elements(source);
  DicomIdentity identity;
  for (DicomElement element; elements.next(element) && element.tag <= dicom_tag::kSeriesInstance;) {
    if (!elements.top_level()) continue;
    if (element.tag == dicom_tag::kSopClass) identity.sop_class = elements.text(element);
    if (element.tag == dicom_tag::kSeriesInstance) identity.series = elements.text(element);
  }
  return identity;
}

DicomInstance read_dicom_instance(std::shared_ptr<const ByteSource> source) {
  return InstanceReader(std::move(source)).read();
}

}  // namespace histojet::slide
