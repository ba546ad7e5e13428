#pragma once

/// \file
/// Normalization in double loops: every number belongs to a set, whose mean and variance it is normalized by,
/// and has a weight and a bias.

#include <cmath>
#include <vector>

#include "layer_run.hpp"

namespace layer_test {

struct reference_result {
  array4 y, gx;
  std::vector<double> weight_gradient, bias_gradient;
  std::vector<double> mean, variance, count;  ///< of each set
};

/// `set(n, c, y, x)` counts from 0 to sets - 1, `element(c, y, x)` is the index of weight and bias, of which
/// there are none if the vectors are empty. With `fixed`, mean and variance are given.
template <class Set, class Element>
reference_result reference_normalization(const array4& x, const array4& gy, int sets, const Set& set,
                                         const Element& element, double epsilon,
                                         const std::vector<double>& weight, const std::vector<double>& bias,
                                         const reference_result* fixed = nullptr) {
  const auto every = [&](const auto& visit) {
    for (int n = 0; n < x.batch; ++n)
      for (int c = 0; c < x.channels; ++c)
        for (int i = 0; i < x.height; ++i)
          for (int j = 0; j < x.width; ++j)
            visit(n, c, i, j, static_cast<std::size_t>(set(n, c, i, j)),
                  static_cast<std::size_t>(element(c, i, j)));
  };
  const auto total = static_cast<std::size_t>(sets);
  reference_result r;
  r.y = array4(x.batch, x.extents());
  r.gx = r.y;
  r.weight_gradient.resize(weight.size());
  r.bias_gradient.resize(bias.size());
  r.count.resize(total);
  r.mean.resize(total);
  r.variance.resize(total);
  every([&](int n, int c, int i, int j, std::size_t s, std::size_t) {
    r.mean[s] += x(n, c, i, j);
    r.count[s] += 1;
  });
  for (std::size_t s = 0; s < total; ++s) r.mean[s] /= r.count[s];
  every([&](int n, int c, int i, int j, std::size_t s, std::size_t) {
    r.variance[s] += std::pow(x(n, c, i, j) - r.mean[s], 2) / r.count[s];
  });
  if (fixed != nullptr) {
    r.mean = fixed->mean;
    r.variance = fixed->variance;
  }
  std::vector<double> sum(total), product(total);
  const auto normalized = [&](int n, int c, int i, int j, std::size_t s) {
    return (x(n, c, i, j) - r.mean[s]) / std::sqrt(r.variance[s] + epsilon);
  };
  const auto weighted = [&](int n, int c, int i, int j, std::size_t e) {
    return gy(n, c, i, j) * (weight.empty() ? 1 : weight[e]);
  };
  every([&](int n, int c, int i, int j, std::size_t s, std::size_t e) {
    const double hat = normalized(n, c, i, j, s);
    r.y(n, c, i, j) = weight.empty() ? hat : weight[e] * hat + bias[e];
    sum[s] += weighted(n, c, i, j, e) / r.count[s];
    product[s] += weighted(n, c, i, j, e) * hat / r.count[s];
    if (weight.empty()) return;
    r.weight_gradient[e] += gy(n, c, i, j) * hat;
    r.bias_gradient[e] += gy(n, c, i, j);
  });
  every([&](int n, int c, int i, int j, std::size_t s, std::size_t e) {
    const double through = fixed != nullptr ? 0 : sum[s] + normalized(n, c, i, j, s) * product[s];
    r.gx(n, c, i, j) = (weighted(n, c, i, j, e) - through) / std::sqrt(r.variance[s] + epsilon);
  });
  return r;
}

/// Random inputs whose channels have means and deviations of their own.
inline array4 random_features(std::mt19937& generator, int batch, const shape& extents) {
  array4 x = random_array(generator, batch, extents);
  for (int c = 0; c < x.channels; ++c) {
    const double mean = random_number(generator, -2, 2);
    const double deviation = random_number(generator, 0.5, 2);
    for (int n = 0; n < batch; ++n)
      for (int i = 0; i < x.height; ++i)
        for (int j = 0; j < x.width; ++j)
          x(n, c, i, j) = static_cast<double>(static_cast<float>(mean + deviation * x(n, c, i, j)));
  }
  return x;
}

/// Rounding is amplified by the division by deviations.
template <class Scalar>
inline constexpr double normalization_tolerance = std::is_same_v<Scalar, float> ? 2e-5 : 1e-11;

/// Runs a normalization with weight and bias as its first parameters, or without parameters, forward and
/// backward against the reference.
template <class Scalar, class Layer, class Set, class Element>
void compare_normalization(layer_run<Scalar, Layer>& run, const array4& x, int sets, const Set& set,
                           const Element& element, std::mt19937& generator) {
  const bool affine = run.declared.size() > 0;
  const array4 gy = random_array(generator, x.batch, x.extents());
  const reference_result expected = reference_normalization(
      x, gy, sets, set, element, run.layer.epsilon, affine ? run.parameter(0) : std::vector<double>(),
      affine ? run.parameter(1) : std::vector<double>());
  CHECK(relative_error(run.forward(), expected.y) <= normalization_tolerance<Scalar>);
  typename layer_run<Scalar, Layer>::gradients gradients;
  gradients.inputs.push_back(expected.gx);
  if (affine) gradients.parameters = {expected.weight_gradient, expected.bias_gradient};
  check_backward(run, gy, gradients, generator, normalization_tolerance<Scalar>);
}

inline shape random_extents(std::mt19937& generator) {
  return {1 + static_cast<int>(generator() % 40), 2 + static_cast<int>(generator() % 8),
          1 + static_cast<int>(generator() % 9)};
}

}  // namespace layer_test
