#pragma once

/// \file
/// ADADELTA (Zeiler 2012), by PyTorch's rule: steps as long as the steps before, in the gradient's direction.

#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include <lookalike/nn/optimizer.hpp>
#include <lookalike/simd/parameter_update.hpp>

namespace lookalike {

/// With g = gradient + weight_decay * value:
///
///     square = rho * square + (1 - rho) * g^2
///     step = sqrt(step_square + epsilon) / sqrt(square + epsilon) * g
///     step_square = rho * step_square + (1 - rho) * step^2
///     value -= learning_rate * step
///
/// The defaults are the paper's; PyTorch's rho is 0.9.
struct adadelta {
  double learning_rate = 1;
  double rho = 0.95;
  double epsilon = 1e-6;
  double weight_decay = 0;

  std::span<const std::string_view> state_names() const {
    static constexpr std::array<std::string_view, 2> names{"square", "step_square"};
    return names;
  }

  void validate() const {
    require(learning_rate >= 0 && std::isfinite(learning_rate), "adadelta: given the learning rate ",
            learning_rate, ", wanted a finite number of 0 or more");
    require(rho >= 0 && rho <= 1, "adadelta: given rho = ", rho, ", wanted 0 to 1");
    require(epsilon > 0 && std::isfinite(epsilon), "adadelta: given epsilon = ", epsilon,
            ", wanted a finite number above 0");
    require(weight_decay >= 0 && std::isfinite(weight_decay), "adadelta: given the weight decay ",
            weight_decay, ", wanted a finite number of 0 or more");
  }

  template <class Scalar>
  void update(const update_task<Scalar>& task) const {
    simd::adadelta_update(task.values, task.gradients, task.state[0], task.state[1], task.count,
                          simd::adadelta_settings{.learning_rate = task.learning_rate,
                                                  .weight_decay = task.weight_decay,
                                                  .rho = rho,
                                                  .epsilon = epsilon});
  }
};

}  // namespace lookalike
