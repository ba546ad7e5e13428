#pragma once

/// \file
/// Stochastic gradient descent with momentum (Polyak 1964; Nesterov 1983 in the form of Sutskever et al.
/// 2013), by PyTorch's rule.

#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include <lookalike/nn/optimizer.hpp>
#include <lookalike/simd/parameter_update.hpp>

namespace lookalike {

/// With g = gradient + weight_decay * value:
///
///     velocity = momentum * velocity + (1 - dampening) * g       (in a parameter's first step it is g)
///     value -= learning_rate * velocity                          (nesterov: g + momentum * velocity)
struct sgd {
  double learning_rate = 0.01;
  double momentum = 0;  ///< 0: nothing is remembered
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;  ///< wants momentum and no dampening

  std::span<const std::string_view> state_names() const {
    static constexpr std::array<std::string_view, 1> names{"momentum"};
    return std::span<const std::string_view>(names).first(momentum > 0 ? 1 : 0);
  }

  void validate() const {
    require(learning_rate >= 0 && std::isfinite(learning_rate), "sgd: given the learning rate ",
            learning_rate, ", wanted a finite number of 0 or more");
    require(momentum >= 0 && std::isfinite(momentum), "sgd: given the momentum ", momentum,
            ", wanted a finite number of 0 or more");
    require(std::isfinite(dampening), "sgd: given the dampening ", dampening, ", wanted a finite number");
    require(weight_decay >= 0 && std::isfinite(weight_decay), "sgd: given the weight decay ", weight_decay,
            ", wanted a finite number of 0 or more");
    require(!nesterov || (momentum > 0 && dampening == 0), "sgd: given nesterov with the momentum ", momentum,
            " and the dampening ", dampening, ", wanted a momentum above 0 and no dampening");
  }

  template <class Scalar>
  void update(const update_task<Scalar>& task) const {
    const simd::sgd_settings settings{.learning_rate = task.learning_rate,
                                      .weight_decay = task.weight_decay,
                                      .momentum = momentum,
                                      .gradient_share = task.step == 1 ? 1 : 1 - dampening,
                                      .nesterov = nesterov};
    if (momentum == 0) {
      simd::sgd_update(task.values, task.gradients, task.count, settings);
    } else {
      simd::momentum_update(task.values, task.gradients, task.state[0], task.count, settings);
    }
  }
};

}  // namespace lookalike
