/// \file
/// Ours in bench/convolution.py: one convolution of a network, timed where it runs. Layers on both sides of
/// it, in place, read the clock, so that what is timed is the convolution as every network runs it, from a
/// map that lies there in our order into a map that stays there. Commands and answers are lines of JSON
/// (bench/_contestants.py).

#include <chrono>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/nn.hpp>
#include <lookalike/simd/layout.hpp>

namespace {

using namespace lookalike;
using nlohmann::json;
using seconds = std::chrono::duration<double>;

std::chrono::steady_clock::time_point readings[2];

/// Hands on what comes in, and notes the time: 0 before the layer, 1 after it. Where it has to copy, the copy
/// lies outside of what is timed.
struct clock_reading {
  static constexpr std::string_view kind = "clock_reading";
  static constexpr bool in_place = true;
  int at = 0;
  static constexpr auto attributes = std::tuple(attribute("at", &clock_reading::at));

  constexpr shape infer_shape(std::span<const shape> inputs, diagnosis&) const { return inputs[0]; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const bool copies = call.inputs[0].data != call.output.data;
    if (at == 1) readings[1] = std::chrono::steady_clock::now();
    if (copies) simd::copy(call.inputs[0], call.output);
    if (at == 0) readings[0] = std::chrono::steady_clock::now();
  }
};

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
  std::unique_ptr<dynamic_model<float>> net;
  tensor<float> x;
  json load(const json& given) {
    const json& l = given.at("case").at("layer");
    const std::string folder = given.at("case").at("folder");
    const auto number = [&](const char* name) { return l.at(name).get<int>(); };
    const auto pair = [&](const char* name) {
      return extent_2d(l.at(name)[0].get<int>(), l.at(name)[1].get<int>());
    };
    const auto sides = [&](const char* name) {
      return padding_2d(l.at(name)[0].get<int>(), l.at(name)[1].get<int>());
    };
    const bool bias = l.at("bias").get<bool>();
    const int outputs = number("outputs"), height = number("height"), width = number("width");
    const architecture body = l.at("transposed").get<bool>()
                                  ? transposed_conv(outputs, {.kernel = pair("kernel"),
                                                              .stride = pair("stride"),
                                                              .padding = sides("padding"),
                                                              .bias = bias})
                                  : conv(outputs, {.kernel = pair("kernel"),
                                                   .stride = pair("stride"),
                                                   .padding = sides("padding"),
                                                   .dilation = pair("dilation"),
                                                   .groups = number("groups"),
                                                   .bias = bias});
    net = std::make_unique<dynamic_model<float>>(input(number("inputs")) | layer(clock_reading{.at = 0}) |
                                                     named("layer", body) | layer(clock_reading{.at = 1}),
                                                 height, width);
    const auto fill = [&](const std::string& name, const std::string& file) {
      const std::string kind = l.at("transposed").get<bool>() ? "transposed_conv0" : "conv0";
      const auto numbers = read_numbers(folder + "/" + file);
      const auto to = net->values("layer." + kind + "." + name);
      require(numbers.size() == to.size(), name, ": given ", numbers.size(), " numbers, wanted ", to.size());
      std::copy(numbers.begin(), numbers.end(), to.begin());
    };
    const auto start = std::chrono::steady_clock::now();
    fill("weight", "weight.bin");
    if (bias) fill("bias", "bias.bin");
    const std::string algorithm = given.at("algorithm");
    net->prepare({.algorithm = algorithm_called(algorithm)});
    x = tensor<float>(1, number("inputs"), height, width);
    const auto before = std::chrono::steady_clock::now();
    run();  // the first run packs
    const auto between = std::chrono::steady_clock::now();
    run();
    const auto after = std::chrono::steady_clock::now();
    const double spent =
        seconds(before - start + std::max((between - before) - (after - between), {})).count();
    const auto numbers = read_numbers(folder + "/input0.bin");
    std::copy(numbers.begin(), numbers.end(), x.data());
    return {{"load_seconds", spent}, {"settings", algorithm + ", packed once"}};
  }
  double run() {
    const auto pass = std::as_const(*net).forward(x.view());
    return seconds(readings[1] - readings[0]).count();
  }
};

json answer(const json& command, contestant& ours, std::vector<double>& bursts) {
  const std::string what = command.at("do");
  if (what == "load") {
    bursts.clear();
    return ours.load(command);
  }
  if (what == "output") {
    const tensor<float> y = (*ours.net)(ours.x.view());
    write_numbers(command.at("file").get<std::string>() + ".0.bin",
                  {y.data(), static_cast<std::size_t>(y.size())});
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
