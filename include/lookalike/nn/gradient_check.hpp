#pragma once

/// \file
/// Are the gradients right? `check_gradients` compares those of a network, with respect to its inputs and its
/// parameters, with central differences in double precision. `check_layer` does so for one layer, ours or
/// yours, in all the surroundings that a layer may find itself in:
///
///     const gradient_report report = check_layer(layer(channel_gate{.gain = 2}), {{3, dynamic, dynamic}});
///     if (!report) std::cout << report.text();

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/random.hpp>
#include <lookalike/nn/detail/gradient_checker.hpp>
#include <lookalike/nn/detail/layer_surroundings.hpp>
#include <lookalike/nn/dynamic_model.hpp>

namespace lookalike {

/// Compares the gradients of all inputs and parameters of `net` with central differences of step
/// h = step * max(1, |x|), in evaluation and in training mode (with a fixed seed, so that what is left to
/// chance repeats itself), at inputs and for a linear function of all outputs that are drawn at random unless
/// `options` gives others. At most `samples` numbers of each array are varied.
///
/// A difference that is off although the two one-sided differences are apart by as much is not an error: the
/// point is within h of a kink (of a rectifier, of a maximum). Such points are counted, and too many of them
/// are an error. Besides, gradients must be added to what the caller's block holds, must not depend on which
/// other gradients are wanted, and nothing may be read from memory that nobody has written.
///
/// The values of `net` are as before when it returns. Complexity: two runs of the network for each number
/// that is varied.
inline gradient_report check_gradients(network<double>& net, const gradient_check_options& options = {}) {
  gradient_report report;
  for (const bool training : {false, true}) {
    if (training ? !options.training : !options.evaluation) continue;
    gradient_report part;
    detail::gradient_checker(net, options, training, part).run();
    report.append(training ? "training" : "evaluation", part);
  }
  return report;
}

/// The same for an architecture, with parameters drawn at random around their initial values.
inline gradient_report check_gradients(const architecture& a, const gradient_check_options& options = {}) {
  dynamic_model<double> net(a);
  detail::draw_parameters(net, options.seed, "");
  return check_gradients(net, options);
}

/// Tries one layer out (or any architecture that reads inputs of the shapes `given`, and yields one map; a
/// layer without inputs has none), as `check_gradients` does: on its own; as the only reader of what it
/// reads, whose place it may take; twice over the same inputs with the same parameters; reading slices of
/// wider maps and writing one; and, where all its inputs have the same shape, with one map as all of them.
/// What it yields must be the same everywhere, in inference too. Heights and widths that are `dynamic` are
/// drawn.
inline gradient_report check_layer(const architecture& body, const std::vector<shape>& given,
                                   const gradient_check_options& options = {}) {
  gradient_report report;
  gradient_check_options common = options;
  random_sequence random(options.seed, 1);
  const int height = 5 + static_cast<int>(random.integer(3));
  const int width = 5 + static_cast<int>(random.integer(3));
  if (common.height == dynamic) common.height = height;
  if (common.width == dynamic) common.width = width;
  if (common.batch == dynamic) common.batch = 2 + static_cast<int>(random.integer(2));

  tensor<double> expected;
  for (const detail::layer_surrounding& around :
       detail::surroundings_of(body, given, options.constant_inputs)) {
    if (around.one_input && !(options.inputs.empty() && options.constant_inputs.empty())) continue;
    dynamic_model<double> net(around.network);
    detail::draw_parameters(net, options.seed, "checked");
    gradient_report part;
    if (around.output >= 0) {
      const std::vector<tensor<double>> inputs = detail::draw_inputs(net, common);
      detail::compare_values(net, inputs, static_cast<std::size_t>(around.output), expected, part);
    }
    part.append("", check_gradients(net, common));
    report.append(around.text, part);
  }
  return report;
}

}  // namespace lookalike
