#include "kernels/pointwise/pointwise.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "kernels/conv_reference.hpp"
#include "kernels/stored_row.hpp"

using namespace histojet;
using namespace histojet::kernels;
using histojet::test::available_isas;
using histojet::test::Noise;
using histojet::test::StoredRow;

namespace {

struct PointwiseCase {
  std::int64_t width, channels;
  Storage storage;
  bool add, scale, enlarge, relu;
};

/// Every combination of storage and parts on odd sizes.
std::vector<PointwiseCase> all_cases() {
  std::vector<PointwiseCase> cases;
  for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
    for (int parts = 0; parts < 16; ++parts) {
      for (const auto& [width, channels] : std::vector<std::pair<std::int64_t, std::int64_t>>{
               {1, 16}, {2, 16}, {7, 16}, {1, 32}, {5, 32}, {6, 48}, {3, 80}, {5, 128}}) {
        cases.push_back(
            {width, channels, storage, (parts & 1) != 0, (parts & 2) != 0, (parts & 4) != 0, (parts & 8) != 0});
      }
    }
  }
  return cases;
}

std::string name(const PointwiseCase& item) {
  return "storage " + std::to_string(static_cast<int>(item.storage)) + " width " + std::to_string(item.width) +
         " channels " + std::to_string(item.channels) + (item.add ? " add" : "") + (item.scale ? " scale" : "") +
         (item.enlarge ? " enlarge" : "") + (item.relu ? " relu" : "");
}

/// The inputs of a case, with a few special values among them.
struct Inputs {
  std::vector<float> a, b;
  AlignedBuffer<float> scale, shift;

  Inputs(const PointwiseCase& item, const std::vector<float>& special) {
    Noise noise(static_cast<std::uint32_t>(item.width * 31 + item.channels));
    a = noise.vector((item.enlarge ? (item.width + 1) / 2 : item.width) * item.channels);
    b = noise.vector(item.width * item.channels);
    for (std::size_t i = 0; i < special.size(); ++i) {
      a[(i * 37 + 3) % a.size()] = special[i];
      b[(i * 23 + 3) % b.size()] = special[special.size() - 1 - i];
    }
    scale = make_aligned<float>(static_cast<std::size_t>(item.channels));
    shift = make_aligned<float>(static_cast<std::size_t>(item.channels));
    for (std::int64_t c = 0; c < item.channels; ++c) {
      scale[c] = noise.next() * 2;
      shift[c] = noise.next();
    }
  }
};

StoredRow run(const PointwiseCase& item, const Inputs& inputs, Isa isa) {
  const StoredRow a(item.storage, inputs.a);
  const StoredRow b(item.storage, inputs.b);
  StoredRow out(item.storage, item.width * item.channels);
  kPointwise.pick(isa)({.a = {a.pixels(), a.plane_bytes()},
                        .b = {item.add ? b.pixels() : nullptr, b.plane_bytes()},
                        .out = {out.pixels(), out.plane_bytes()},
                        .scale = item.scale ? inputs.scale.get() : nullptr,
                        .shift = item.scale ? inputs.shift.get() : nullptr,
                        .width = item.width,
                        .channels = item.channels,
                        .enlarge = item.enlarge,
                        .relu = item.relu,
                        .storage = item.storage,
                        .stream = item.width % 2 == 0});
  return out;
}

}  // namespace

TEST(Pointwise, TheReferenceFollowsTheFormula) {
  for (const PointwiseCase& item : all_cases()) {
    SCOPED_TRACE(name(item));
    const Inputs inputs(item, {});
    const StoredRow out = run(item, inputs, Isa::kScalar);
    const double bound = item.storage == Storage::kFloat32 ? 1e-6 : item.storage == Storage::kSplit ? 3e-5 : 2.5e-2;
    for (std::int64_t x = 0; x < item.width; ++x) {
      for (std::int64_t c = 0; c < item.channels; ++c) {
        double wanted = inputs.a[static_cast<std::size_t>((item.enlarge ? x / 2 : x) * item.channels + c)];
        if (item.add) wanted += inputs.b[static_cast<std::size_t>(x * item.channels + c)];
        if (item.scale) wanted = inputs.scale[c] * wanted + inputs.shift[c];
        if (item.relu) wanted = std::max(wanted, 0.0);
        ASSERT_NEAR(out.value(x * item.channels + c), wanted, bound) << "pixel " << x << " channel " << c;
      }
    }
  }
}

TEST(Pointwise, EveryVariantGivesTheBitsOfTheReference) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {0.0f, -0.0f, inf, -inf, std::nanf(""), 3.4e38f, -3.4e38f, 1.00390625f, 1e-30f};
  for (const PointwiseCase& item : all_cases()) {
    SCOPED_TRACE(name(item));
    const Inputs inputs(item, special);
    const StoredRow wanted = run(item, inputs, Isa::kScalar);
    EXPECT_TRUE(wanted.is_poison_intact());
    for (const Isa isa : available_isas()) {
      EXPECT_TRUE(run(item, inputs, isa).bytes() == wanted.bytes()) << isa_name(isa);
    }
  }
}

TEST(Pointwise, NaNPassesThroughTheRelu) {
  for (const Storage storage : {Storage::kFloat32, Storage::kBfloat16, Storage::kSplit}) {
    for (const Isa isa : available_isas()) {
      const PointwiseCase item{3, 16, storage, true, true, false, true};
      Inputs inputs(item, {});
      inputs.a[5] = std::nanf("");
      inputs.b[20] = std::nanf("");
      const StoredRow out = run(item, inputs, isa);
      for (std::int64_t i = 0; i < out.count(); ++i) {
        EXPECT_EQ(std::isnan(out.value(i)), i == 5 || i == 20) << isa_name(isa) << " element " << i;
      }
    }
  }
}

TEST(Pointwise, ScaleAndShiftAreOneRounding) {
  // 1 + 2^-12 squared is 1 + 2^-11 + 2^-24: the last term survives only in a fused multiply-add.
  const float value = 1.0f + 0x1p-12f;
  for (const Isa isa : available_isas()) {
    const PointwiseCase item{1, 16, Storage::kFloat32, false, true, false, false};
    Inputs inputs(item, {});
    inputs.a.assign(16, value);
    for (int c = 0; c < 16; ++c) {
      inputs.scale[c] = value;
      inputs.shift[c] = -(1.0f + 0x1p-11f);
    }
    EXPECT_EQ(run(item, inputs, isa).value(7), 0x1p-24f) << isa_name(isa);
  }
}
