#pragma once

/// \file
/// The work of a gradient check for one network in one mode.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/hash.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/nn/gradient_report.hpp>
#include <lookalike/nn/network.hpp>

namespace lookalike::detail {

/// Draws the parameters under `scope` around their initial values, each array by what follows the scope in
/// its name. The others stay as they are.
inline void draw_parameters(network<double>& net, std::uint64_t seed, std::string_view scope) {
  for (const parameter& p : net.parameters()) {
    if (!std::string_view(p.name).starts_with(scope)) continue;
    const std::string_view rest = std::string_view(p.name).substr(scope.size());
    random_sequence random(seed, hash64(rest));
    const double center = p.initial == initial_value::ones ? 1 : 0;
    for (double& value : net.values(p.name)) value = center + random.uniform(-0.5, 0.5);
  }
}

/// Inputs for `net`: those of the options, or random ones.
inline std::vector<tensor<double>> draw_inputs(const network<double>& net,
                                               const gradient_check_options& options) {
  if (!options.inputs.empty()) return options.inputs;
  constexpr int some_height = 6, some_width = 5, some_pictures = 2;
  const auto known = [](int a, int b) { return a != dynamic ? a : b; };
  std::vector<tensor<double>> inputs;
  for (std::size_t i = 0; i < net.input_count(); ++i) {
    const shape s = net.input_shape(i);
    inputs.emplace_back(known(options.batch, some_pictures), s.channels,
                        known(s.height, known(options.height, some_height)),
                        known(s.width, known(options.width, some_width)));
    random_sequence random(options.seed, 100 + i);
    for (double& value : inputs.back()) value = random.normal();
  }
  return inputs;
}

inline std::vector<named_tensor<double>> as_arguments(const std::vector<tensor<double>>& values) {
  return {values.begin(), values.end()};
}

/// Fills the memory that passes have given back with something that nobody can overlook.
inline void poison(const workspace<double>& memory) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  for (const auto& waiting : memory.pool()->waiting) {
    for (auto* part : {&waiting->block, &waiting->scratch, &waiting->saved})
      std::fill(part->begin(), part->end(), nothing);
  }
}

/// Compares output `i` (its last channels) with `expected`, or sets that if it is empty; with and without
/// the memory plan and fusion of inference.
inline void compare_values(const network<double>& net, const std::vector<tensor<double>>& inputs,
                           std::size_t i, tensor<double>& expected, gradient_report& report) {
  constexpr double tolerance = 1e-9;  // fusion rounds differently
  const workspace<double> memory;
  for (const bool differentiable : {true, false}) {
    for (int run = 0; run < 2; ++run) {
      poison(memory);
      const pass<double> p = net.forward(as_arguments(inputs), {.differentiable = differentiable}, &memory);
      const tensor<double> given(p.output(i));
      if (expected.empty()) expected = given;
      const std::int64_t first = given.channels() - expected.channels();
      double largest = 0, difference = 0;
      for (std::int64_t n = 0; n < expected.batch(); ++n)
        for (std::int64_t c = 0; c < expected.channels(); ++c)
          for (std::int64_t y = 0; y < expected.height(); ++y)
            for (std::int64_t x = 0; x < expected.width(); ++x) {
              const double apart = std::abs(given(n, first + c, y, x) - expected(n, c, y, x));
              largest = std::max(largest, std::abs(expected(n, c, y, x)));
              if (!(apart <= difference)) difference = apart;
            }
      if (difference <= tolerance * std::max(1.0, largest)) continue;
      report.problems.push_back(sentence("values ", differentiable ? "" : "in inference ", "differ by ",
                                         difference, " from those on its own (memory ",
                                         run == 0 ? "fresh" : "used before", ")"));
      return;
    }
  }
}

class gradient_checker {
 public:
  gradient_checker(network<double>& net, const gradient_check_options& options, bool training,
                   gradient_report& report)
      : net_(net),
        options_(options),
        training_(training),
        report_(report),
        inputs_(draw_inputs(net, options)) {}

  void run() {
    const gradients found = differentiate(true, true);
    check_unwanted(found);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto& constant = options_.constant_inputs;
      if (std::find(constant.begin(), constant.end(), i) != constant.end()) continue;
      compare(std::string(net_.input_name(i)),
              {inputs_[i].data(), static_cast<std::size_t>(inputs_[i].size())},
              {found.inputs[i].data(), static_cast<std::size_t>(found.inputs[i].size())}, i);
    }
    for (const parameter& p : net_.parameters()) {
      const auto offset = static_cast<std::size_t>(p.offset);
      const std::span<const double> analytic(found.parameters.data() + offset,
                                             static_cast<std::size_t>(p.size));
      if (p.trainable) {
        compare(p.name, net_.values(p.name), analytic, inputs_.size() + offset);
      } else if (std::any_of(analytic.begin(), analytic.end(), [](double g) { return g != 0; })) {
        report_.problems.push_back(sentence(p.name, ": a gradient, although it is not trained"));
      }
    }
    const std::int64_t total = report_.skipped + report_.compared;
    constexpr std::int64_t few = 2;
    if (report_.skipped > few &&
        static_cast<double>(report_.skipped) > options_.most_skipped * static_cast<double>(total))
      report_.problems.push_back(sentence(report_.skipped, " of ", total, " points are near kinks, wanted ",
                                          100 * options_.most_skipped, " % at most"));
  }

 private:
  struct gradients {
    std::vector<tensor<double>> inputs;
    std::vector<double> parameters;
  };
  struct difference {
    double value = 0;
    double rounding = 0;  ///< that may be in it
  };

  pass<double> forward() const {
    const network<double>& constant = net_;  // running averages stay
    return constant.forward(as_arguments(inputs_),
                            {.training = training_, .seed = options_.seed, .differentiable = true}, &memory_);
  }

  /// What the outputs are, and the value of the loss if there is one.
  struct outcome {
    std::vector<tensor<double>> outputs;
    double loss = 0;
  };
  static std::vector<tensor_view<const double>> outputs_of(const pass<double>& p) {
    std::vector<tensor_view<const double>> outputs;
    for (std::size_t i = 0; i < p.output_count(); ++i) outputs.push_back(p.output(i));
    return outputs;
  }
  static std::vector<tensor<double>> copies(std::span<const tensor_view<const double>> views) {
    return {views.begin(), views.end()};
  }
  outcome evaluate() const {
    const pass<double> p = forward();
    outcome result;
    const auto outputs = outputs_of(p);
    if (options_.loss) {
      result.loss = options_.loss(outputs).value;
    } else {
      result.outputs = copies(outputs);
    }
    return result;
  }

  /// What is sent into the outputs.
  std::vector<tensor<double>> output_gradients(const pass<double>& p) const {
    const auto outputs = outputs_of(p);
    if (options_.loss) {
      std::vector<tensor<double>> result = options_.loss(outputs).gradients;
      for (std::size_t i = 0; i < result.size(); ++i) {
        const auto& e = outputs[i].extents;
        if (result[i].empty()) result[i] = tensor<double>(e[0], e[1], e[2], e[3]);
      }
      return result;
    }
    std::vector<tensor<double>> result;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto& e = outputs[i].extents;
      result.emplace_back(e[0], e[1], e[2], e[3]);
      random_sequence random(options_.seed, 1000 + i);
      for (double& value : result.back()) value = random.normal();
    }
    return result;
  }

  gradients differentiate(bool of_inputs, bool of_parameters) {
    gradients result;
    for (int run = 0; run < 2; ++run) {  // the first sets the memory aside
      poison(memory_);
      pass<double> p = forward();
      coefficients_ = output_gradients(p);
      // Gradients are added to what is there.
      aligned_vector<double> block = net_.make_gradients();
      random_sequence random(options_.seed, 2);
      for (double& value : block) value = random.uniform();
      const aligned_vector<double> before = block;
      const std::span<double> wanted = of_parameters ? std::span<double>(block) : std::span<double>();
      const auto of_input = p.backward(as_arguments(coefficients_), wanted, {.input_gradients = of_inputs});
      result.inputs = copies(of_input);
      result.parameters.resize(block.size());
      for (std::size_t i = 0; i < block.size(); ++i) result.parameters[i] = block[i] - before[i];
    }
    base_ = evaluate();
    return result;
  }

  /// Gradients may not depend on which others are wanted.
  void check_unwanted(const gradients& all) {
    if (net_.parameter_count() > 0) {
      if (differentiate(false, true).parameters != all.parameters)
        report_.problems.push_back(
            "gradients of parameters differ when those of inputs are not wanted, or are not finite");
    }
    if (differentiate(true, false).inputs != all.inputs)
      report_.problems.push_back(
          "gradients of inputs differ when those of parameters are not wanted, or are not finite");
  }

  difference between(const outcome& a, const outcome& b) const {
    constexpr double precision = 32 * std::numeric_limits<double>::epsilon();
    difference d;
    if (options_.loss) {
      d.value = a.loss - b.loss;
      d.rounding = precision * (std::abs(a.loss) + std::abs(b.loss));
      return d;
    }
    for (std::size_t i = 0; i < a.outputs.size(); ++i) {
      const double* coefficient = coefficients_[i].data();
      const double* q = b.outputs[i].data();
      for (const double v : a.outputs[i]) {
        if (!(v == *q)) {  // outputs that stay are exact
          d.value += *coefficient * (v - *q);
          d.rounding += precision * std::abs(*coefficient) * (std::abs(v) + std::abs(*q));
        }
        ++coefficient;
        ++q;
      }
    }
    return d;
  }

  void compare(const std::string& name, std::span<double> values, std::span<const double> analytic,
               std::uint64_t stream) {
    double usual = 0;
    for (double g : analytic) usual += g * g;
    usual = std::sqrt(usual / static_cast<double>(std::max<std::size_t>(1, analytic.size())));
    const auto all = static_cast<std::int64_t>(values.size());
    random_sequence random(options_.seed, 10000 + stream);
    const bool some = options_.samples > 0 && all > options_.samples;
    const std::int64_t count = some ? options_.samples : all;
    for (std::int64_t k = 0; k < count; ++k) {
      const std::int64_t i = some ? random.integer(all) : k;
      checked_derivative d;
      d.where = name;
      d.index = i;
      d.analytic = analytic[static_cast<std::size_t>(i)];
      measure(values[static_cast<std::size_t>(i)], usual, d);
    }
  }

  void measure(double& x, double usual, checked_derivative& d) {
    const double at = x;
    const double h = options_.step * std::max(1.0, std::abs(at));
    x = at + h;
    const double above = x - at;
    const outcome after = evaluate();
    x = at - h;
    const double below = at - x;
    const outcome before = evaluate();
    x = at;
    const difference both = between(after, before);
    d.numeric = both.value / (above + below);
    const double scale = std::max({std::abs(d.analytic), std::abs(d.numeric), usual,
                                   both.rounding / (above + below) / options_.tolerance});
    const double apart = std::abs(d.analytic - d.numeric);
    d.error = apart == 0 ? 0 : apart / scale;
    if (std::isnan(d.error)) d.error = std::numeric_limits<double>::infinity();
    if (d.error <= options_.tolerance) {
      ++report_.compared;
      if (d.error >= report_.worst.error) report_.worst = d;
      return;
    }
    const double right = between(after, base_).value / above;
    const double left = between(base_, before).value / below;
    if (std::abs(right - left) >= apart) {
      ++report_.skipped;
      return;
    }
    ++report_.compared;
    if (d.error > report_.worst.error) report_.worst = d;
    report_.problems.push_back(sentence(d.where, "[", d.index, "]: gradient ", d.analytic,
                                        ", wanted the difference ", d.numeric, " (relative error ", d.error,
                                        ")"));
  }

  network<double>& net_;
  const gradient_check_options& options_;
  bool training_;
  gradient_report& report_;
  std::vector<tensor<double>> inputs_;
  workspace<double> memory_;
  std::vector<tensor<double>> coefficients_;
  outcome base_;
};

}  // namespace lookalike::detail
