#pragma once

// What the tests of the models share: pictures drawn at random, and runs in all modes.

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/nn/gradient_check.hpp>

namespace lookalike {

template <class Scalar = float>
tensor<Scalar> random_pictures(int batch, int channels, int height, int width, std::uint64_t seed,
                               double lowest = 0, double highest = 1) {
  tensor<Scalar> x(batch, channels, height, width);
  random_sequence random(seed);
  for (Scalar& v : x) v = static_cast<Scalar>(random.uniform(lowest, highest));
  return x;
}

template <class Range>
bool all_finite(const Range& values) {
  return std::all_of(values.begin(), values.end(), [](auto v) { return std::isfinite(v); });
}

template <class Scalar>
double largest_difference(tensor_view<const Scalar> a, tensor_view<const Scalar> b) {
  REQUIRE(a.extents == b.extents);
  const tensor<Scalar> x(a), y(b);
  double most = 0;
  for (std::int64_t i = 0; i < x.size(); ++i)
    most = std::max(most, static_cast<double>(std::abs(x.data()[i] - y.data()[i])));
  return most;
}

// Runs a network forward in inference and in training, and back with a gradient of ones: everything must be
// finite, of the promised extents, and gradients must reach the parameters and the inputs. Returns what
// inference yields.
inline tensor<float> run_in_all_modes(dynamic_model<float>& net, const std::vector<tensor<float>>& inputs,
                                      std::array<std::int64_t, 4> expected) {
  const thread_scope one(1);
  const std::vector<named_tensor<float>> given(inputs.begin(), inputs.end());
  tensor<float> y(std::as_const(net).forward(given).output());
  CHECK(y.extents() == expected);
  CHECK(all_finite(y));

  auto pass = net.forward(given, {.training = true, .seed = 3});
  const tensor<float> trained(pass.output());
  CHECK(trained.extents() == expected);
  CHECK(all_finite(trained));
  tensor<float> ones(expected[0], expected[1], expected[2], expected[3]);
  std::fill(ones.begin(), ones.end(), 1.0f);
  auto gradients = net.make_gradients();
  const auto back = pass.backward({ones}, gradients);
  CHECK(all_finite(gradients));
  CHECK(std::any_of(gradients.begin(), gradients.end(), [](float g) { return g != 0; }));
  REQUIRE(back.size() == inputs.size());
  for (const auto& gradient : back) {
    const tensor<float> copy(gradient);
    CHECK(all_finite(copy));
    CHECK(std::any_of(copy.begin(), copy.end(), [](float g) { return g != 0; }));
  }
  CHECK(all_finite(net.values()));
  return y;
}

// Draws weights that keep signals as strong as they are through rectifiers (He et al., 2015). As they are
// drawn at first, in PyTorch as here, the input of a deep network hardly reaches its output.
template <class Scalar>
void strengthen(network<Scalar>& net, std::uint64_t seed = 1) {
  random_sequence random(seed);
  for (const parameter& p : net.parameters()) {
    if (p.rank < 2) continue;
    const double deviation = std::sqrt(2.0 / static_cast<double>(fans_of(p).in));
    for (Scalar& w : net.values(p.name)) w = static_cast<Scalar>(random.normal(0, deviation));
  }
}

// What check_some_gradients tries.
struct trial {
  int samples = 4;  // of each array
  int batch = 2;
  int height = dynamic;
  int width = dynamic;
  // A bias in front of a batch normalization changes nothing in training: its gradient and the difference are
  // rounding errors, which cannot be compared. With this such faults do not count.
  bool idle_biases = false;
  double most_skipped = 0.05;  // share of points near a kink
};

// The gradients of a network against finite differences.
inline void check_some_gradients(const architecture& a, const trial& t = {}) {
  const thread_scope one(1);  // maps of a few pixels are not worth waking a thread for
  gradient_check_options options;
  options.samples = t.samples;
  options.batch = t.batch;
  options.height = t.height;
  options.width = t.width;
  options.most_skipped = t.most_skipped;
  gradient_report report = check_gradients(a, options);
  INFO(report.text());
  if (t.idle_biases) {
    std::erase_if(report.problems, [](const std::string& problem) {
      return problem.starts_with("training: ") && problem.find("conv") != std::string::npos &&
             problem.find(".bias[") != std::string::npos && problem.find("e-1") != std::string::npos;
    });
  }
  CHECK(report.ok());
}

}  // namespace lookalike
