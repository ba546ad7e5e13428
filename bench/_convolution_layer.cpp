/// \file
/// Ours in bench/convolution.py: one convolution of a network, with weights packed once, from a map that lies
/// there in our order into a map that stays there: what the layer of a network calls, and what the rivals are
/// timed at. Commands and answers are lines of JSON (bench/_contestants.py).

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/convolution.hpp>
#include <lookalike/simd/layout.hpp>
#include <lookalike/simd/transposed_convolution.hpp>

namespace {

using namespace lookalike;
using nlohmann::json;
using seconds = std::chrono::duration<double>;

std::vector<float> read_numbers(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  require(file.good(), "cannot read ", path);
  std::vector<float> numbers(static_cast<std::size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(numbers.data()),
            static_cast<std::streamsize>(numbers.size() * sizeof(float)));
  return numbers;
}

void write_numbers(const std::string& path, std::span<const float> numbers) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(numbers.data()),
             static_cast<std::streamsize>(numbers.size_bytes()));
}

simd::convolution_algorithm algorithm_called(const std::string& name) {
  if (name == "automatic") return simd::convolution_algorithm::automatic;
  if (name == "direct") return simd::convolution_algorithm::direct;
  if (name == "winograd_6x6") return simd::convolution_algorithm::winograd_6x6;
  throw value_error("no algorithm is called '" + name + "'");
}

/// One layer with its weights and its input.
struct contestant {
  aligned_vector<float> inputs, outputs, packed, scratch;
  std::vector<float> bias;
  simd::feature_map<float> x, y;
  simd::window window;
  simd::convolution_algorithm algorithm = simd::convolution_algorithm::direct;
  int groups = 1;
  bool is_transposed = false;

  json load(const json& given) {
    const json& l = given.at("case").at("layer");
    const std::string folder = given.at("case").at("folder");
    const auto number = [&](const char* name) { return l.at(name).get<int>(); };
    const auto side = [&](const char* name, int which) { return l.at(name)[which].get<int>(); };
    is_transposed = l.at("transposed").get<bool>();
    const int padding_height = side("padding", 0), padding_width = side("padding", 1);
    window = {side("kernel", 0), side("kernel", 1), side("stride", 0), side("stride", 1), 1, 1,
              padding_height,    padding_width,     padding_height,    padding_width};
    const int channels = number("inputs"), height = number("height"), width = number("width");
    const int out_channels = number("outputs");
    int out_height = (height - 1) * window.stride_height + window.kernel_height - 2 * padding_height;
    int out_width = (width - 1) * window.stride_width + window.kernel_width - 2 * padding_width;
    groups = 1;
    if (!is_transposed) {
      groups = number("groups");
      window.dilation_height = side("dilation", 0);
      window.dilation_width = side("dilation", 1);
      out_height = simd::window_positions(height, window.kernel_height, window.stride_height,
                                          window.dilation_height, padding_height, padding_height);
      out_width = simd::window_positions(width, window.kernel_width, window.stride_width,
                                         window.dilation_width, padding_width, padding_width);
    }
    const auto lay_out = [](aligned_vector<float>& values, int rows, int columns, int depth) {
      values.assign(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns * depth), 0.0f);
      return simd::feature_map<float>{values.data(), 1, rows, columns, depth, depth};
    };
    x = lay_out(inputs, height, width, channels);
    y = lay_out(outputs, out_height, out_width, out_channels);
    std::vector<float> numbers = read_numbers(folder + "/input0.bin");
    tensor<float> planes(1, channels, height, width);
    require(std::ssize(numbers) == planes.size(), "input: given ", numbers.size(), " numbers, wanted ",
            planes.size());
    std::copy(numbers.begin(), numbers.end(), planes.data());
    simd::copy<float>(planes.view(), x);
    const std::vector<float> weights = read_numbers(folder + "/weight.bin");
    bias = l.at("bias").get<bool>() ? read_numbers(folder + "/bias.bin") : std::vector<float>();

    const auto start = std::chrono::steady_clock::now();
    const std::string name = given.at("algorithm");
    const auto choose =
        is_transposed ? simd::choose_transposed_convolution_algorithm : simd::choose_convolution_algorithm;
    algorithm = choose(algorithm_called(name), channels, out_channels, window, groups, out_height, out_width);
    if (is_transposed) {
      packed.resize(static_cast<std::size_t>(simd::packed_transposed_convolution_size<float>(
          channels, out_channels, window, groups, algorithm)));
      simd::pack_transposed_convolution(weights.data(), channels, out_channels, window, groups, packed.data(),
                                        algorithm);
      scratch.resize(static_cast<std::size_t>(
          simd::convolve_transposed_packed_scratch<float>(x, window, groups, y, threads(), algorithm)));
    } else {
      packed.resize(static_cast<std::size_t>(
          simd::packed_convolution_size<float>(channels, out_channels, window, groups, algorithm)));
      simd::pack_convolution(weights.data(), channels, out_channels, window, groups, packed.data(),
                             algorithm);
      scratch.resize(static_cast<std::size_t>(simd::convolve_packed_scratch<float>(
          x, window, simd::padding_mode::zeros, groups, y, threads(), algorithm)));
    }
    const double spent = seconds(std::chrono::steady_clock::now() - start).count();
    return {{"load_seconds", spent}, {"settings", name + ", packed once"}};
  }
  double run() {
    simd::epilogue<float> store;
    if (!bias.empty()) store.bias = bias.data();
    const auto start = std::chrono::steady_clock::now();
    if (is_transposed) {
      simd::convolve_transposed_packed<float>(x, packed.data(), window, groups, store, y, scratch, algorithm);
    } else {
      simd::convolve_packed<float>(x, packed.data(), window, simd::padding_mode::zeros, groups, store, y,
                                   scratch, algorithm);
    }
    return seconds(std::chrono::steady_clock::now() - start).count();
  }
};

json answer(const json& command, contestant& ours, std::vector<double>& bursts) {
  const std::string what = command.at("do");
  if (what == "load") {
    bursts.clear();
    return ours.load(command);
  }
  if (what == "output") {
    ours.run();
    const auto& y = ours.y;
    tensor<float> planes(1, y.channels, y.height, y.width);
    simd::copy<float>(y, planes.view());
    write_numbers(command.at("file").get<std::string>() + ".0.bin",
                  {planes.data(), static_cast<std::size_t>(planes.size())});
    return {{"outputs", 1}};
  }
  if (what == "burst") {
    const int untimed = command.at("untimed"), runs = command.at("runs");
    double sum = 0;
    for (int i = 0; i < untimed; ++i) ours.run();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < runs; ++i) sum += ours.run();
    const double wall = seconds(std::chrono::steady_clock::now() - start).count();
    if (command.at("keep").get<bool>()) bursts.push_back(sum / runs);
    return {{"seconds", wall / runs}};
  }
  if (what == "finish") return {{"seconds", bursts}};
  throw value_error("no command is called '" + what + "'");
}

}  // namespace

int main() {
  contestant ours;
  std::vector<double> bursts;
  std::string line;
  while (std::getline(std::cin, line)) {
    json said;
    try {
      said = answer(json::parse(line), ours, bursts);
    } catch (const std::exception& failure) {
      said = {{"skip", failure.what()}};
    }
    std::cout << said.dump() << std::endl;
  }
}
