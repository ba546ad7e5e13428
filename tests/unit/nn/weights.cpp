#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include <lookalike/core/files.hpp>
#include <lookalike/nn/weights.hpp>

#include "../full_disk.hpp"
#include "../scratch_folder.hpp"

namespace weights_test {

namespace {

namespace fs = std::filesystem;
using namespace lookalike;
using test::message_of;
using test::scratch_folder;

/// A block of parameters; the k-th number of row r is 100 r + k, and three numbers lie in front of all rows.
template <class Scalar>
struct block {
  std::vector<parameter> table;
  std::vector<Scalar> values{-1, -2, -3};

  void add(std::string name, std::vector<std::int64_t> dimensions) {
    parameter p;
    p.name = std::move(name);
    p.rank = static_cast<int>(dimensions.size());
    p.size = 1;
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
      p.dimensions[i] = dimensions[i];
      p.size *= dimensions[i];
    }
    p.offset = static_cast<std::int64_t>(values.size());
    for (std::int64_t k = 0; k < p.size; ++k) {
      values.push_back(static_cast<Scalar>(100 * static_cast<std::int64_t>(table.size()) + k));
    }
    table.push_back(p);
  }
  std::span<const parameter> rows() const { return table; }
  std::span<Scalar> numbers() { return values; }
};

/// A small network by our names.
template <class Scalar = float>
block<Scalar> network() {
  block<Scalar> b;
  b.add("stem.conv0.weight", {2, 3, 1, 2});
  b.add("stem.batch_norm0.weight", {2});
  b.add("stem.batch_norm0.running_variance", {2});
  b.add("layer1.block0.conv0.weight", {1, 2, 1, 1});
  b.add("linear0.weight", {2, 3});
  return b;
}

name_map pytorch_names() {
  return {{"^conv1", "^stem.conv0"}, {"^bn1", "^stem.batch_norm0"}, {"layer{i}.{j}", "layer{i}.block{j}"},
          {"conv{n+1}", "conv{n}"},  {"^fc", "^linear0"},           {"running_var", "running_variance"}};
}

/// The same numbers, all zero.
template <class Scalar>
std::vector<Scalar> zeros(const block<Scalar>& b) {
  return std::vector<Scalar>(b.values.size());
}

std::vector<std::string> names_in(const safetensors_file& file) {
  std::vector<std::string> names;
  for (const safetensor& tensor : file.tensors()) names.push_back(tensor.name);
  return names;
}

}  // namespace

TEST_CASE("parameters that were saved are loaded, bit for bit") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "w.safetensors";
  auto b = network();
  save_weights(path, b.rows(), b.numbers(), {{"epoch", "7"}});
  CHECK(safetensors_file::open(path).metadata() == safetensors_metadata{{"epoch", "7"}});
  auto loaded = zeros(b);
  const auto report = load_weights(path, b.rows(), std::span<float>(loaded));
  CHECK(report.complete());
  CHECK(report.loaded.size() == 5);
  CHECK(std::vector<float>(loaded.begin(), loaded.begin() + 3) == std::vector<float>(3));  // no row's numbers
  CHECK(std::equal(loaded.begin() + 3, loaded.end(), b.values.begin() + 3));
}

TEST_CASE("constant values are saved as well") {
  const scratch_folder scratch;
  auto b = network();
  save_weights(scratch.path / "a", b.rows(), b.numbers());
  save_weights(scratch.path / "b", b.rows(), std::span<const float>(b.values));
  CHECK(read_file(scratch.path / "a") == read_file(scratch.path / "b"));
}

TEST_CASE("files carry their own names and shapes, translated both ways") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "w.safetensors";
  auto b = network();
  save_weights(path, b.rows(), b.numbers(), {}, pytorch_names());
  const auto file = safetensors_file::open(path);
  CHECK(names_in(file) == std::vector<std::string>{"bn1.running_var", "bn1.weight", "conv1.weight",
                                                   "fc.weight", "layer1.0.conv1.weight"});
  CHECK(file.at("conv1.weight").shape == std::vector<std::int64_t>{2, 3, 1, 2});
  CHECK(file.at("fc.weight").shape == std::vector<std::int64_t>{2, 3});
  CHECK(file.at("bn1.weight").shape == std::vector<std::int64_t>{2});
  CHECK(file.read<float>("layer1.0.conv1.weight") == std::vector<float>{300, 301});
  auto loaded = zeros(b);
  load_weights(file, b.rows(), std::span<float>(loaded), pytorch_names());
  CHECK(std::equal(loaded.begin() + 3, loaded.end(), b.values.begin() + 3));
}

TEST_CASE("double, single and 16-bit weights convert on load") {
  auto doubles = network<double>();
  for (double& x : doubles.values) x /= 7;
  const auto from_double = safetensors_bytes(weights_as_tensors(doubles.rows(), doubles.numbers()));
  auto singles = network<float>();
  load_weights(safetensors_file::from_bytes(from_double), singles.rows(), singles.numbers());
  for (std::size_t i = 3; i < singles.values.size(); ++i) {
    CHECK(singles.values[i] == static_cast<float>(doubles.values[i]));
  }
  const auto from_single = safetensors_bytes(weights_as_tensors(singles.rows(), singles.numbers()));
  load_weights(safetensors_file::from_bytes(from_single), doubles.rows(), doubles.numbers());
  for (std::size_t i = 3; i < singles.values.size(); ++i) {
    CHECK(doubles.values[i] == static_cast<double>(singles.values[i]));
  }
  block<float> two;
  two.add("half", {2});
  two.add("brain", {2});
  const std::vector<std::uint16_t> half{0x3C00, 0xC500};   // 1, -5
  const std::vector<std::uint16_t> brain{0x4049, 0x8000};  // 3.140625, -0
  const std::vector<safetensor> tensors{
      {"half", safetensor_type::float16, {2}, std::as_bytes(std::span(half))},
      {"brain", safetensor_type::bfloat16, {2}, std::as_bytes(std::span(brain))}};
  const auto narrow = safetensors_bytes(tensors);
  load_weights(safetensors_file::from_bytes(narrow), two.rows(), two.numbers());
  CHECK(two.values == std::vector<float>{-1, -2, -3, 1, -5, 3.140625F, -0.0F});
}

TEST_CASE("PyTorch's counters of batches are ignored on load, and written when asked for") {
  auto b = network();
  const auto with = safetensors_bytes(
      weights_as_tensors(b.rows(), b.numbers(), pytorch_names(), {.num_batches_tracked = true}));
  const auto file = safetensors_file::from_bytes(with);
  CHECK(file.tensors().size() == 6);
  CHECK(file.at("bn1.num_batches_tracked").shape.empty());
  CHECK(file.read<std::int64_t>("bn1.num_batches_tracked") == std::vector<std::int64_t>{0});
  auto loaded = zeros(b);
  CHECK(load_weights(file, b.rows(), std::span<float>(loaded), pytorch_names()).complete());
  const auto without = safetensors_bytes(weights_as_tensors(b.rows(), b.numbers(), pytorch_names()));
  CHECK(safetensors_file::from_bytes(without).tensors().size() == 5);
}

TEST_CASE("all mismatches are reported at once, and nothing is loaded") {
  auto b = network();
  const std::vector<float> six(6, 9);
  const std::vector<std::int64_t> integers{1, 2};
  const auto one = std::span<const float>(six);
  const std::vector<float> conv(12);
  const std::vector<safetensor> tensors{
      make_safetensor("conv1.weight", {2, 3, 2, 1}, std::span<const float>(conv)),
      make_safetensor("bn1.weight", {2}, std::span<const std::int64_t>(integers)),
      make_safetensor("fc.weight", {2, 3}, one),
      make_safetensor("fc.bias", {2}, one.first(2)),
      make_safetensor("tracked.num_batches_tracked", {}, std::span<const std::int64_t>(integers).first(1)),
      make_safetensor("layer1.0.conv1.weight", {1, 2}, one.first(2))};
  const auto content = safetensors_bytes(tensors);
  const auto file = safetensors_file::from_bytes(content, "w.safetensors");
  auto loaded = zeros(b);
  const auto load = [&](const load_weights_options& options) {
    return message_of<file_error>(
        [&] { load_weights(file, b.rows(), std::span<float>(loaded), pytorch_names(), options); });
  };
  CHECK(
      load({}) ==
      "'w.safetensors': 5 mismatches between its 6 tensors and 5 parameters:"
      "\n  wrong shape: 'stem.conv0.weight' (in the file 'conv1.weight') is 2x3x2x1, wanted 2x3x1x2"
      "\n  wrong type: 'stem.batch_norm0.weight' (in the file 'bn1.weight') is I64, wanted F64, F32, F16 or "
      "BF16"
      "\n  missing: 'stem.batch_norm0.running_variance' (in the file 'bn1.running_var')"
      "\n  wrong shape: 'layer1.block0.conv0.weight' (in the file 'layer1.0.conv1.weight') is 1x2, wanted "
      "1x2x1x1"
      "\n  unexpected: 'fc.bias'");
  CHECK(loaded == zeros(b));
  CHECK(load({.strict = false}).find("'w.safetensors': 3 mismatches") == 0);
  CHECK(loaded == zeros(b));
}

TEST_CASE("without strictness what is missing keeps its values, and the report says so") {
  auto b = network();
  std::vector<safetensor> tensors = weights_as_tensors(b.rows(), b.numbers());
  tensors.erase(tensors.begin() + 1);
  tensors.push_back(make_safetensor("head.weight", {2}, std::span<const float>(b.values).first(2)));
  const auto content = safetensors_bytes(tensors);
  const auto file = safetensors_file::from_bytes(content);
  std::vector<float> loaded(b.values.size(), 5);
  CHECK_THROWS_AS(load_weights(file, b.rows(), std::span<float>(loaded)), file_error);
  CHECK(loaded == std::vector<float>(b.values.size(), 5));
  const auto report = load_weights(file, b.rows(), std::span<float>(loaded), {}, {.strict = false});
  CHECK(!report.complete());
  CHECK(report.missing == std::vector<std::string>{"stem.batch_norm0.weight"});
  CHECK(report.unexpected == std::vector<std::string>{"head.weight"});
  CHECK(report.loaded.size() == 4);
  CHECK(loaded[3] == 0);
  CHECK(loaded[14] == 11);
  CHECK(loaded[15] == 5);
  CHECK(loaded[16] == 5);
  CHECK(loaded[17] == 200);
}

TEST_CASE("a long list of mismatches is cut after twenty") {
  block<float> b;
  for (int i = 0; i < 50; ++i) b.add("p" + std::to_string(i), {1});
  const auto empty = safetensors_bytes({});
  const std::string message = message_of<file_error>(
      [&] { load_weights(safetensors_file::from_bytes(empty), b.rows(), b.numbers()); });
  CHECK(message.find("50 mismatches") != std::string::npos);
  CHECK(message.find("'p19'") != std::string::npos);
  CHECK(message.find("'p20'") == std::string::npos);
  CHECK(message.find("\n  and 30 more") != std::string::npos);
}

TEST_CASE("two parameters may be read from one tensor, but not written to one") {
  block<float> b;
  b.add("a.weight", {2});
  b.add("b.weight", {2});
  const name_map same([](std::string_view) { return std::string("tied"); });
  CHECK(message_of<value_error>([&] { weights_as_tensors(b.rows(), b.numbers(), same); }) ==
        "save_weights: 'a.weight' and 'b.weight' would both be called 'tied'");
  const std::vector<float> numbers{7, 8};
  const std::vector<safetensor> tensors{make_safetensor("tied", {2}, std::span<const float>(numbers))};
  const auto content = safetensors_bytes(tensors);
  load_weights(safetensors_file::from_bytes(content), b.rows(), b.numbers(), same);
  CHECK(b.values == std::vector<float>{-1, -2, -3, 7, 8, 7, 8});
}

TEST_CASE("a table that does not fit its block is refused") {
  const scratch_folder scratch;
  auto b = network();
  const auto content = safetensors_bytes(weights_as_tensors(b.rows(), b.numbers()));
  const auto file = safetensors_file::from_bytes(content);
  const auto fewer = b.numbers().first(b.values.size() - 1);
  CHECK(message_of<value_error>([&] { load_weights(file, b.rows(), fewer); }) ==
        "load_weights: 'linear0.weight' takes 6 numbers from 21 on, given a block of 26");
  CHECK_THROWS_AS(save_weights(scratch.path / "w", b.rows(), fewer), value_error);
  CHECK(fs::is_empty(scratch.path));
  b.table[0].size = 3;
  CHECK(message_of<value_error>([&] { load_weights(file, b.rows(), b.numbers()); }) ==
        "load_weights: 'stem.conv0.weight' of shape 2x3x1x2 takes 12 numbers, given a row of 3");
}

TEST_CASE("a full disk leaves the weights that were there") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "w.safetensors";
  auto b = network();
  save_weights(path, b.rows(), b.numbers());
  const auto before = read_file(path);
  b.add("large", {100000});
  {
    const full_disk disk(4096);
    CHECK_THROWS_AS(save_weights(path, b.rows(), b.numbers()), file_error);
  }
  CHECK(read_file(path) == before);
}

}  // namespace weights_test
