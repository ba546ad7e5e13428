#pragma once

/// \file
/// What the tests of update rules share. The gradients of the trajectories below are those of `slope`; what
/// PyTorch 2.13 arrives at was printed by
///
///     import torch
///     def run(make, clip=None):
///         v = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
///         o = make([v])
///         for t in range(1, 6):
///             v.grad = (v.detach() * torch.tensor([0.5, 1, 2, 0.1]).double()
///                       + t * torch.tensor([0.1, -0.2, 0.3, 0.05], dtype=torch.float64))
///             if clip: torch.nn.utils.clip_grad_norm_([v], clip)
///             o.step()
///         print("{" + ", ".join(f"{x:.17g}" for x in v.tolist()) + "}")
///
/// (0.1 in the first tensor is a float, as it is below.)

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/optimizer.hpp>

namespace test {

using lookalike::parameter;

/// A table of parameters that follow one another.
inline std::vector<parameter> table_of(const std::vector<std::pair<std::string, std::int64_t>>& rows) {
  std::vector<parameter> table;
  std::int64_t offset = 0;
  for (const auto& [name, size] : rows) {
    parameter row;
    row.name = name;
    row.dimensions[0] = size;
    row.offset = offset;
    row.size = size;
    table.push_back(row);
    offset += size;
  }
  return table;
}

constexpr std::array<double, 4> start{1.0, -2.0, 0.5, 3.0};

inline double slope(double value, std::size_t i, int step) {
  constexpr std::array<double, 4> curvature{0.5, 1, 2, double{0.1f}};
  constexpr std::array<double, 4> push{0.1, -0.2, 0.3, 0.05};
  return value * curvature[i] + step * push[i];
}

/// Where five steps lead.
template <class Scalar, class Rule>
std::array<double, 4> follow(const Rule& rule, const lookalike::optimizer_options& options = {}) {
  const auto table = table_of({{"values", 4}});
  lookalike::optimizer<Rule, Scalar> training(rule, options);
  std::array<Scalar, 4> values, gradients;
  std::copy(start.begin(), start.end(), values.begin());
  for (int step = 1; step <= 5; ++step) {
    for (std::size_t i = 0; i < 4; ++i) gradients[i] = static_cast<Scalar>(slope(double{values[i]}, i, step));
    training.step(table, values, gradients);
  }
  std::array<double, 4> result;
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

/// Both precisions arrive where PyTorch does.
template <class Rule>
void check_against_torch(const Rule& rule, const std::array<double, 4>& wanted,
                         const lookalike::optimizer_options& options = {}) {
  const auto in_double = follow<double>(rule, options);
  const auto in_float = follow<float>(rule, options);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(in_double[i] == Approx(wanted[i]).epsilon(1e-14));
    CHECK(in_float[i] == Approx(wanted[i]).epsilon(1e-5));
  }
}

/// Many steps with random gradients against `plain(value, gradient, step, memory)`, the rule for one number
/// written out, in double; for parameters of all lengths around those of vectors.
template <class Rule, class Plain>
void check_against_plain(const Rule& rule, const Plain& plain) {
  const auto table = table_of({{"a", 1}, {"b", 7}, {"c", 33}, {"d", 20000}, {"e", 3}});
  const std::size_t size = 1 + 7 + 33 + 20000 + 3;
  std::mt19937 chance(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(size), gradients(size), wanted(size);
  std::vector<std::array<double, 2>> memory(size);
  for (double& value : values) value = normal(chance);
  wanted = values;
  lookalike::optimizer<Rule, double> training(rule);
  for (int step = 1; step <= 8; ++step) {
    for (std::size_t i = 0; i < size; ++i) {
      gradients[i] = normal(chance);
      plain(wanted[i], gradients[i], step, memory[i]);
    }
    training.step(table, values, gradients);
    double worst = 0;
    for (std::size_t i = 0; i < size; ++i) worst = std::max(worst, std::abs(values[i] - wanted[i]));
    REQUIRE(worst < 1e-12);
  }
}

/// Steps down to the lowest point of a quadratic with curvatures from 0.1 to 1 bring it within `distance`.
template <class Scalar, class Rule>
void check_converges(const Rule& rule, int steps, double distance) {
  const auto table = table_of({{"values", 10}});
  lookalike::optimizer<Rule, Scalar> training(rule);
  std::vector<Scalar> values(10, Scalar(3)), gradients(10);
  for (int step = 0; step < steps; ++step) {
    for (std::size_t i = 0; i < 10; ++i) {
      gradients[i] = static_cast<Scalar>(0.1 * static_cast<double>(i + 1)) * (values[i] - Scalar(1));
    }
    training.step(table, values, gradients);
  }
  for (const Scalar value : values) CHECK(std::abs(double{value} - 1) < distance);
}

}  // namespace test
