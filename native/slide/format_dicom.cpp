// DICOM whole-slide images (PS3.3, A.32.8): the files of one series in one folder are one slide. Roles, names and
// properties as in OpenSlide 4.0.1 (src/openslide-vendor-dicom.c).

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "slide/dicom_instance.hpp"
#include "slide/dicom_level.hpp"
#include "slide/formats.hpp"
#include "slide/text.hpp"
#include "slide/tiff_properties.hpp"
#include "slide/tiled_slide.hpp"

namespace histojet::slide {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEntries = 10000;
constexpr std::size_t kMaxFiles = 1000;
constexpr std::uint64_t kMaxProfileBytes = 16 << 20;

bool has_mark(const ByteSource& source) {
  if (!source.contains(128, 4)) return false;
  const auto mark = source.read(128, 4);
  return std::string_view(reinterpret_cast<const char*>(mark.data()), 4) == "DICM";
}

/// A file of a folder that may belong to the slide.
struct Member {
  std::shared_ptr<const ByteSource> source;
  DicomIdentity identity;
};

/// The DICOM files of a folder in name order.
std::vector<Member> scan_folder(const fs::path& folder, std::vector<std::string>& warnings) {
  std::vector<std::string> paths;
  std::error_code status;
  for (fs::directory_iterator entry(folder, status), end; !status && entry != end; entry.increment(status)) {
    if (paths.size() == kMaxEntries) {
      warnings.push_back(folder.string() + ": more than " + std::to_string(kMaxEntries) +
                         " files, some may belong to the slide and be missing");
      break;
    }
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) paths.push_back(entry->path().string());
  }
  std::ranges::sort(paths);
  std::vector<Member> members;
  for (const std::string& path : paths) {
    try {
      auto source = open_file(path);
      if (!has_mark(*source)) continue;
      if (members.size() == kMaxFiles) {
        warnings.push_back(folder.string() + ": only the first " + std::to_string(kMaxFiles) +
                           " DICOM files were looked at");
        break;
      }
      DicomIdentity identity = read_dicom_identity(*source);
      if (identity.sop_class == kWholeSlideSopClass) members.push_back({std::move(source), std::move(identity)});
    } catch (const Error& error) {
      warnings.push_back(std::string(error.what()) + "; this file is ignored");
    }
  }
  return members;
}

bool is_local_file(const ByteSource& source) {
  std::error_code status;
  return !source.remote() && fs::is_regular_file(source.name(), status);
}

/// The files of one series sorted into levels and associated images.
class DicomReader {
 public:
  DicomReader(std::shared_ptr<const ByteSource> main, const OpenOptions& options)
      : main_(std::move(main)), options_(options) {
    parts_.format = "dicom";
  }

  std::vector<std::string>& warnings() { return parts_.warnings; }

  /// `opened`: the file that the caller named; what is wrong with it is an error, elsewhere a warning.
  void add(std::shared_ptr<const ByteSource> source, bool opened) {
    try {
      DicomInstance instance = read_dicom_instance(std::move(source));
      const std::string key = instance.sop_instance.empty() ? instance.name() : instance.sop_instance;
      if (!seen_.insert(key).second) return;
      const std::string group = instance.concatenation.empty() ? "=" + key : instance.concatenation;
      groups_[group].push_back(std::move(instance));
    } catch (const Error& error) {
      if (opened || error.code() == ErrorCode::kIo) throw;
      parts_.warnings.push_back(std::string(error.what()) + "; this file is ignored");
    }
  }

  std::shared_ptr<const Slide> open() {
    for (auto& [key, group] : groups_) {
      std::ranges::stable_sort(group, {}, &DicomInstance::concatenation_offset);
      add_level(std::move(group));
    }
    if (levels_.empty()) corrupt(main_->name(), first_failure_.empty() ? "no VOLUME image" : first_failure_);
    sort_levels();
    describe(*levels_.front());
    for (auto& level : levels_) parts_.grids.push_back(std::move(level));
    std::ranges::sort(parts_.files, {}, [](const auto& file) { return file->name(); });
    return std::make_shared<const TiledSlide>(main_, options_, std::move(parts_));
  }

 private:
  void add_level(std::vector<DicomInstance> group) {
    const std::string kind = group.front().kind;
    const std::string name = group.front().name();
    const std::string role = kind == "LABEL" ? "label" : kind == "OVERVIEW" ? "macro" : "thumbnail";
    const bool volume = kind == "VOLUME";
    if (!volume && role == "thumbnail" && kind != "THUMBNAIL") {
      parts_.warnings.push_back(name + ": an image of the kind " + quote(kind) + " is ignored");
      return;
    }
    try {
      auto level = std::make_unique<const DicomLevel>(std::move(group));
      if (!level->unreadable().empty()) parts_.warnings.push_back(name + ": " + level->unreadable());
      for (auto& source : level->sources()) parts_.files.push_back(std::move(source));
      if (volume) {
        levels_.push_back(std::move(level));
      } else if (!parts_.associated.emplace(role, std::move(level)).second) {
        parts_.warnings.push_back(name + ": a second " + role + " is ignored");
      }
    } catch (const Error& error) {
      // Where nothing else can be shown, this is what is wrong with the slide.
      if (error.code() == ErrorCode::kIo || (volume && groups_.size() == 1)) throw;
      if (first_failure_.empty()) first_failure_ = error.what();
      parts_.warnings.push_back(std::string(error.what()) + "; this image is ignored");
    }
  }

  void sort_levels() {
    std::ranges::stable_sort(levels_, std::greater(), [](const auto& level) { return level->width(); });
    for (std::size_t i = 1; i < levels_.size();) {
      if (levels_[i]->width() == levels_[i - 1]->width() || levels_[i]->height() > levels_[i - 1]->height()) {
        parts_.warnings.push_back(levels_[i]->instance().name() + ": a second image of " +
                                  std::to_string(levels_[i]->width()) + " x " + std::to_string(levels_[i]->height()) +
                                  " pixels is ignored");
        levels_.erase(levels_.begin() + static_cast<std::ptrdiff_t>(i));
      } else {
        ++i;
      }
    }
  }

  void describe(const DicomLevel& base) {
    const DicomInstance& first = base.instance();
    Properties& properties = parts_.properties;
    add_dicom_properties(*first.source, properties);
    properties["openslide.vendor"] = "dicom";
    Sha256 digest;
    digest.update(first.series);
    digest.update(std::string_view("\0", 1));
    properties["openslide.quickhash-1"] = hex(digest.finish());
    std::optional<Mpp> vendor;
    if (first.spacing_x_mm && first.spacing_y_mm && *first.spacing_x_mm > 0 && *first.spacing_y_mm > 0) {
      vendor = Mpp{*first.spacing_x_mm * 1000, *first.spacing_y_mm * 1000, MppSource::kVendor};
      properties["openslide.mpp-x"] = format_number(vendor->x);
      properties["openslide.mpp-y"] = format_number(vendor->y);
    }
    parts_.objective_power = first.objective_power;
    if (first.objective_power) properties["openslide.objective-power"] = format_number(*first.objective_power);
    if (!first.barcode.empty()) properties["openslide.barcode"] = to_utf8(first.barcode);
    parts_.mpp = choose_mpp(options_, vendor, std::nullopt, parts_.objective_power, parts_.warnings);
    if (first.icc_profile && first.icc_profile->length <= kMaxProfileBytes) {
      properties["openslide.icc-size"] = std::to_string(first.icc_profile->length);
      parts_.icc_profile = [source = first.source, range = *first.icc_profile] {
        return std::optional(source->read(range.offset, range.length));
      };
    }
  }

  std::shared_ptr<const ByteSource> main_;
  const OpenOptions& options_;
  SlideParts parts_;
  std::set<std::string> seen_;
  std::map<std::string, std::vector<DicomInstance>> groups_;
  std::vector<std::unique_ptr<const DicomLevel>> levels_;
  std::string first_failure_;
};

}  // namespace

bool is_dicom(const OpenContext& context) {
  return context.starts_with("DICM", 128);
}

std::shared_ptr<const Slide> open_dicom(const OpenContext& context) {
  DicomReader reader(context.source(), context.options());
  if (!is_local_file(*context.source())) {
    reader.add(context.source(), true);
    return reader.open();
  }
  const DicomInstance opened = read_dicom_instance(context.source());
  const fs::path path(context.path());
  const auto members = scan_folder(path.has_parent_path() ? path.parent_path() : fs::path("."), reader.warnings());
  // First, so that of two copies the one that the caller named is read.
  reader.add(context.source(), true);
  for (const Member& member : members) {
    if (member.identity.series == opened.series) reader.add(member.source, false);
  }
  return reader.open();
}

std::shared_ptr<const Slide> open_dicom_folder(const std::string& path, const OpenOptions& options) {
  DicomReader reader(memory_source({}, path), options);
  const auto members = scan_folder(path, reader.warnings());
  if (members.empty()) return nullptr;
  std::map<std::string, std::string> first_of_series;
  for (const Member& member : members) first_of_series.emplace(member.identity.series, member.source->name());
  if (first_of_series.size() > 1) {
    std::string names;
    for (const auto& [series, name] : first_of_series) names += (names.empty() ? "" : ", ") + name;
    throw Error(ErrorCode::kInvalidArgument, path + ": holds " + std::to_string(first_of_series.size()) +
                                                 " DICOM slides, expected one; open a file of one of them: " + names);
  }
  for (const Member& member : members) reader.add(member.source, false);
  return reader.open();
}

}  // namespace histojet::slide
