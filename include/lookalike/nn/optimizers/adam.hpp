#pragma once

/// \file
/// Adam (Kingma, Ba 2015) and AdamW, its form with decoupled weight decay (Loshchilov, Hutter 2019), by
/// PyTorch's rules.

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>

#include <lookalike/nn/optimizer.hpp>
#include <lookalike/simd/parameter_update.hpp>

namespace lookalike {

namespace detail {

/// What Adam and AdamW share. The step t is counted for each parameter on its own: one that was frozen for a
/// while starts from its own first step.
template <class Rule>
void validate_adam(std::string_view where, const Rule& rule) {
  require(rule.learning_rate >= 0 && std::isfinite(rule.learning_rate), where, ": given the learning rate ",
          rule.learning_rate, ", wanted a finite number of 0 or more");
  require(rule.beta1 >= 0 && rule.beta1 < 1, where, ": given beta1 = ", rule.beta1,
          ", wanted 0 or more and below 1");
  require(rule.beta2 >= 0 && rule.beta2 < 1, where, ": given beta2 = ", rule.beta2,
          ", wanted 0 or more and below 1");
  require(rule.epsilon >= 0 && std::isfinite(rule.epsilon), where, ": given epsilon = ", rule.epsilon,
          ", wanted a finite number of 0 or more");
  require(rule.weight_decay >= 0 && std::isfinite(rule.weight_decay), where, ": given the weight decay ",
          rule.weight_decay, ", wanted a finite number of 0 or more");
}

template <class Rule>
simd::adam_settings adam_settings_at(const Rule& rule, std::int64_t step, double learning_rate) {
  const auto t = static_cast<double>(step);
  return {.step_size = learning_rate / (1 - std::pow(rule.beta1, t)),
          .beta1 = rule.beta1,
          .beta2 = rule.beta2,
          .root_of_correction = std::sqrt(1 - std::pow(rule.beta2, t)),
          .epsilon = rule.epsilon};
}

inline constexpr std::array<std::string_view, 2> adam_state_names{"mean", "square"};

}  // namespace detail

/// With g = gradient + weight_decay * value, in a parameter's step t = 1, 2, ...:
///
///     mean = beta1 * mean + (1 - beta1) * g
///     square = beta2 * square + (1 - beta2) * g^2
///     value -= learning_rate / (1 - beta1^t) * mean / (sqrt(square) / sqrt(1 - beta2^t) + epsilon)
struct adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  std::span<const std::string_view> state_names() const { return detail::adam_state_names; }
  void validate() const { detail::validate_adam("adam", *this); }

  template <class Scalar>
  void update(const update_task<Scalar>& task) const {
    simd::adam_settings settings = detail::adam_settings_at(*this, task.step, task.learning_rate);
    settings.weight_decay = task.weight_decay;
    simd::adam_update(task.values, task.gradients, task.state[0], task.state[1], task.count, settings);
  }
};

/// As `adam`, but the weight decay leaves the gradient alone: value *= 1 - learning_rate * weight_decay comes
/// first, and g is the gradient.
struct adamw {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;

  std::span<const std::string_view> state_names() const { return detail::adam_state_names; }
  void validate() const { detail::validate_adam("adamw", *this); }

  template <class Scalar>
  void update(const update_task<Scalar>& task) const {
    simd::adam_settings settings = detail::adam_settings_at(*this, task.step, task.learning_rate);
    settings.shrinkage = task.learning_rate * task.weight_decay;
    simd::adam_update(task.values, task.gradients, task.state[0], task.state[1], task.count, settings);
  }
};

}  // namespace lookalike
