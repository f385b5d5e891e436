// Every file of the format fixtures: the valid ones bit for bit, the invalid ones refused quickly with a message.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <set>

#include "base/error.hpp"
#include "fixtures.hpp"
#include "weights/state_dict.hpp"

using namespace histojet;
using namespace histojet::test;
using histojet::weights::StateDict;

namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> content(const Tensor& tensor) {
  return {tensor.bytes(), tensor.bytes() + tensor.byte_size()};
}

void expect_equal(const StateDict& actual, const StateDict& expected) {
  EXPECT_EQ(std::set<std::string>(actual.names().begin(), actual.names().end()),
            std::set<std::string>(expected.names().begin(), expected.names().end()));
  for (const std::string& name : expected.names()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(actual.contains(name));
    EXPECT_EQ(actual.entry(name).dtype, expected.entry(name).dtype);
    EXPECT_EQ(actual.entry(name).shape, expected.entry(name).shape);
    EXPECT_EQ(content(actual.get(name)), content(expected.get(name)));
  }
}

std::vector<std::string> checkpoints_below(const std::string& folder) {
  std::vector<std::string> paths;
  if (!fs::exists(folder)) return paths;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    // The shard of the case with a missing tensor is sound by itself; its index is the invalid file.
    const bool sound_part =
        entry.path().parent_path().filename() == "sharded_missing_tensor" && entry.path().extension() == ".safetensors";
    if (entry.is_regular_file() && !sound_part) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  const fs::path path(info.param);
  std::string name = path.parent_path().filename().string() + "_" + path.filename().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

long peak_kib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void refuse(const std::string& path) {
  const long before_kib = peak_kib();
  const std::clock_t start = std::clock();
  bool refused = false;
  std::string message;
  try {
    const auto dict = StateDict::open(path);
    for (const std::string& name : dict->names()) dict->get(name);
  } catch (const Error& error) {
    refused = error.code() == ErrorCode::kCorruptFile || error.code() == ErrorCode::kUnsupportedFormat ||
              error.code() == ErrorCode::kIo;
    message = error.what();
  }
  EXPECT_TRUE(refused) << path << ": " << message;
  EXPECT_NE(message.find(fs::path(path).parent_path().string()), std::string::npos) << message;
  EXPECT_EQ(message.find("E_"), std::string::npos) << message;
  EXPECT_LT(std::clock() - start, CLOCKS_PER_SEC);
  EXPECT_LT(peak_kib() - before_kib, 64 << 10);
}

class InvalidShared : public testing::TestWithParam<std::string> {};
class InvalidOwn : public testing::TestWithParam<std::string> {};

/// The same checks on the shared folder and on the copies in this repository.
class Valid : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !fs::exists(HISTOJET_SHARED_FIXTURES)) GTEST_SKIP() << "skipped: no shared fixtures";
  }
  static std::string file(const std::string& name) {
    return GetParam() ? shared_fixture("zoo/formats/valid/" + name) : own_fixture("weights/valid/" + name);
  }
};

}  // namespace

TEST_P(InvalidShared, IsRefused) {
  refuse(GetParam());
}
TEST_P(InvalidOwn, IsRefused) {
  refuse(GetParam());
}
INSTANTIATE_TEST_SUITE_P(Formats, InvalidShared,
                         testing::ValuesIn(checkpoints_below(shared_fixture("zoo/formats/invalid"))), test_name);
INSTANTIATE_TEST_SUITE_P(Formats, InvalidOwn, testing::ValuesIn(checkpoints_below(own_fixture("weights/invalid"))),
                         test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InvalidShared);

INSTANTIATE_TEST_SUITE_P(Formats, Valid, testing::Bool(),
                         [](const auto& info) { return info.param ? "Shared" : "Own"; });

TEST_P(Valid, Torch2LayoutAndTar) {
  expect_equal(*StateDict::open(file("torch2_layout.zip.pth")),
               *StateDict::open(file("torch2_layout.expected.safetensors")));
  expect_equal(*StateDict::open(file("tar_legacy.pt")), *StateDict::open(file("tar_legacy.expected.safetensors")));
  EXPECT_EQ(StateDict::open(file("tar_legacy.pt"))->format(), "torch-tar");
  const Tensor tar = StateDict::open(file("tar_legacy.pt"))->get("b");
  EXPECT_EQ(tar.values<float>()[0], 1.5f);
  EXPECT_EQ(tar.values<float>()[1], -2.0f);
}

TEST_P(Valid, EightBitFloatsConvertAsExpected) {
  const auto dict = StateDict::open(file("fp8.safetensors"));
  const auto expected = StateDict::open(file("fp8.expected.safetensors"));
  for (const std::string name : {"e4m3", "e5m2"}) {
    const Tensor converted = dict->get(name).to_f32();
    const Tensor wanted = expected->get(name);
    for (std::size_t i = 0; i < 256; ++i) {
      const float value = converted.values<float>()[i], golden = wanted.values<float>()[i];
      EXPECT_TRUE(value == golden || (std::isnan(value) && std::isnan(golden))) << name << " " << i;
    }
  }
  const Tensor torch = StateDict::open(file("float8_v3.zip.pth"))->get("x");
  EXPECT_EQ(torch.dtype(), DType::kF8E4M3);
  const std::vector<std::uint8_t> bytes = {0x38, 0xb8, 0x40, 0x00, 0x80, 0x7e, 0x01, 0x7f};
  EXPECT_EQ(content(torch), bytes);
}

TEST_P(Valid, AllSafetensorsTypes) {
  const auto dict = StateDict::open(file("all_types.safetensors"));
  EXPECT_EQ(dict->format(), "safetensors");
  EXPECT_EQ(dict->metadata().at("note"), "ü");
  EXPECT_EQ(dict->names().size(), 12u);
  EXPECT_TRUE(std::is_sorted(dict->names().begin(), dict->names().end()));
  EXPECT_EQ(dict->get("i").values<std::int64_t>()[0], std::int64_t{-0x4000000000000000});
  EXPECT_EQ(dict->get("j").values<std::int32_t>()[1], -1);
  EXPECT_EQ(dict->get("s").values<std::int16_t>()[0], -7);
  EXPECT_EQ(dict->get("c").values<std::int8_t>()[0], -7);
  EXPECT_EQ(dict->get("u").values<std::uint8_t>()[0], 255);
  EXPECT_EQ(dict->get("scalar").values<float>()[0], 2.5f);
  EXPECT_EQ(dict->entry("scalar").shape, Shape{});
  EXPECT_EQ(dict->entry("empty").shape, (Shape{2, 0, 3}));
  EXPECT_EQ(dict->get("empty").byte_size(), 0u);
  EXPECT_EQ(dict->get("m").to_f32().values<float>()[0], 1.0f);
}

TEST_P(Valid, OddSafetensorsLayouts) {
  const auto value = [&](const std::string& name, const std::string& key) {
    return StateDict::open(file(name + ".safetensors"))->get(key).values<float>()[0];
  };
  EXPECT_EQ(value("misaligned_tensor", "x"), 1.0f);
  EXPECT_EQ(value("header_order_differs", "x"), 1.0f);
  EXPECT_EQ(value("header_order_differs", "y"), 2.0f);
  EXPECT_EQ(value("empty_tensor_between", "y"), 2.0f);
  EXPECT_EQ(value("leading_whitespace", "x"), 1.0f);
  EXPECT_EQ(value("unpadded_header", "x"), 1.0f);
  EXPECT_EQ(value("escaped_names", "a.b"), 1.0f);
  EXPECT_EQ(value("escaped_names", "😀"), 2.0f);
  EXPECT_EQ(value("escaped_names", "__proto__"), 3.0f);
  EXPECT_TRUE(std::isnan(value("nan_inf", "x")));
  EXPECT_TRUE(StateDict::open(file("no_tensors.safetensors"))->names().empty());
  EXPECT_EQ(StateDict::open(file("only_metadata.safetensors"))->metadata().at("a"), "b");
}

TEST_P(Valid, ShardsByIndexAndByFolder) {
  const auto by_folder = StateDict::open(file("sharded"));
  const auto by_index = StateDict::open(file("sharded/model.safetensors.index.json"));
  expect_equal(*by_folder, *by_index);
  EXPECT_EQ(by_folder->names(), (std::vector<std::string>{"l.0.bias", "l.0.weight", "l.1.bias", "l.1.weight"}));
  const auto part = StateDict::open(file("sharded/model-00002-of-00002.safetensors"));
  EXPECT_EQ(content(by_folder->get("l.1.weight")), content(part->get("l.1.weight")));
  EXPECT_EQ(by_folder->sha256(), by_index->sha256());
}

TEST_P(Valid, SmallTorchFiles) {
  const Tensor minimal = StateDict::open(file("handmade_minimal.zip.pth"))->get("x");
  EXPECT_EQ(minimal.values<float>()[0], 1.0f);
  EXPECT_EQ(minimal.values<float>()[1], 2.0f);
  EXPECT_EQ(StateDict::open(file("parameter.zip.pth"))->get("p").values<float>()[1], 2.0f);
  const auto bare = StateDict::open(file("bare_tensor.zip.pt"));
  EXPECT_EQ(bare->entry("tensor").shape, (Shape{3, 4}));
  EXPECT_NEAR(bare->get("tensor").values<float>()[0], -1.3560243f, 1e-7f);
  const auto ddp = StateDict::open(file("ddp.zip.pth"));
  EXPECT_EQ(ddp->metadata().at("histojet.stripped_prefix"), "module.");
  EXPECT_EQ(ddp->names().front(), "conv.weight");
  EXPECT_NEAR(ddp->get("conv.bias").values<float>()[1], -1.3162174f, 1e-7f);
}

TEST(SharedCheckpoints, EveryTorchFormHoldsTheSameTensors) {
  HISTOJET_NEEDS_SHARED_FIXTURES();
  const auto file = [](const std::string& name) { return shared_fixture("zoo/formats/valid/" + name); };
  const auto expected = StateDict::open(file("state_dict.expected.safetensors"));
  for (const std::string name :
       {"state_dict.zip.pth", "state_dict.legacy.pth", "protocol4.zip.pth", "checkpoint.zip.pth"}) {
    SCOPED_TRACE(name);
    const auto dict = StateDict::open(file(name));
    EXPECT_EQ(dict->names().front(), "conv.weight");
    expect_equal(*dict, *expected);
  }
  const auto metadata = StateDict::open(file("checkpoint.zip.pth"))->metadata();
  EXPECT_EQ(metadata.at("epoch"), "37");
  EXPECT_EQ(std::stod(metadata.at("lr")), 1e-4);
  EXPECT_EQ(metadata.at("best"), "-0.5");
  EXPECT_EQ(metadata.count("optimizer"), 0u);
  const auto wrapped = StateDict::open(file("ddp.zip.pth"));
  for (const std::string& name : wrapped->names()) EXPECT_EQ(content(wrapped->get(name)), content(expected->get(name)));
}
