#pragma once

/// \file
/// The choice of each convolution's algorithm by trying them out, on the machine, the threads and the
/// extents at hand, where the default (simd/convolution_algorithm.hpp) only looks at extents.
///
///     for (const tuned_layer& layer : tune(net, {x})) std::cout << layer.name << '\n';
///
/// What is fastest depends on what else the machine does, so that two runs may choose differently and then
/// agree to the algorithms' errors, not to the bit. To repeat a choice, hand what `tune` returned to
/// `network::set_algorithm`.

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/network.hpp>
#include <lookalike/nn/profile.hpp>

namespace lookalike {

struct tune_options {
  int repetitions = 5;  ///< passes for each algorithm; the fastest counts
  /// Whether F(6x6), whose error may be 5e-5 of a layer's largest output, may be chosen.
  bool winograd_6x6 = false;
  /// The part of a layer's time that another algorithm than the default must save to be chosen.
  double least_gain = 0.05;
};

/// A layer for which another algorithm than the default's is faster.
struct tuned_layer {
  std::string name;
  simd::convolution_algorithm algorithm = simd::convolution_algorithm::automatic;
  double seconds = 0;          ///< with this algorithm
  double default_seconds = 0;  ///< with the one that it replaces
};

/// Chooses for each convolution the algorithm that is fastest for inference on inputs like these, and
/// prepares the network. Returns the layers where that is not what `execution()` says. Forgets what
/// `set_algorithm` said before.
///
/// Takes `repetitions` + 2 passes for each of four or five algorithms, and the memory of one set of packed
/// weights. Throws `value_error` for less than one repetition, a gain outside [0, 1), and as
/// `network::forward` does; then the network is as before, but for what `set_algorithm` had said.
template <class Scalar>
std::vector<tuned_layer> tune(network<Scalar>& net,
                              std::type_identity_t<std::span<const named_tensor<Scalar>>> inputs,
                              const tune_options& options = {}) {
  using enum simd::convolution_algorithm;
  require(options.repetitions >= 1, "tune: given ", options.repetitions, " repetitions, wanted at least 1");
  require(options.least_gain >= 0 && options.least_gain < 1, "tune: given a least gain of ",
          options.least_gain, ", wanted 0 or more and less than 1");
  const execution_options usual = net.execution();
  const auto name_of = [&](std::size_t i) { return net.program().name(static_cast<int>(i)); };
  const auto layers = static_cast<std::size_t>(net.program().graph.size());
  for (std::size_t i = 0; i < net.algorithms().size(); ++i) {
    if (net.algorithms()[i] != automatic) net.set_algorithm(name_of(i), automatic);
  }
  const auto fastest_pass = [&] {
    net.prepare();
    return detail::layer_seconds(net, inputs, options.repetitions,
                                 [](const std::vector<double>& times) { return times.front(); });
  };
  const std::vector<weight_packing> usual_forms = net.packings(inputs);
  const std::vector<double> usual_seconds = fastest_pass();
  std::vector<tuned_layer> best(layers);
  try {
    for (const simd::convolution_algorithm tried : {direct, winograd_2x2, winograd_4x4, winograd_6x6}) {
      if (tried == winograd_6x6 && !options.winograd_6x6) continue;
      net.set_execution({.algorithm = tried, .low_memory = usual.low_memory});
      const std::vector<weight_packing> forms = net.packings(inputs);
      if (forms == usual_forms) continue;
      const std::vector<double> seconds = fastest_pass();
      for (std::size_t i = 0; i < layers; ++i) {
        const double limit =
            best[i].algorithm == automatic ? (1 - options.least_gain) * usual_seconds[i] : best[i].seconds;
        if (forms[i] != usual_forms[i] && seconds[i] < limit)
          best[i] = {std::string(name_of(i)), tried, seconds[i], usual_seconds[i]};
      }
    }
  } catch (...) {
    net.set_execution(usual);
    throw;
  }
  net.set_execution(usual);
  std::erase_if(best, [](const tuned_layer& layer) { return layer.algorithm == automatic; });
  for (const tuned_layer& layer : best) net.set_algorithm(layer.name, layer.algorithm);
  net.prepare();
  return best;
}

template <class Scalar>
std::vector<tuned_layer> tune(network<Scalar>& net,
                              std::initializer_list<std::type_identity_t<named_tensor<Scalar>>> inputs,
                              const tune_options& options = {}) {
  return tune<Scalar>(net, std::span<const named_tensor<Scalar>>(inputs.begin(), inputs.size()), options);
}

}  // namespace lookalike
