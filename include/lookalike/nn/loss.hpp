#pragma once

/// \file
/// What training minimizes. A loss is any function of a network's outputs (and whatever it compares them
/// with) that returns a number and the number's derivative with respect to the outputs; the network takes it
/// from there. The usual ones are in nn/losses/; a user's is a lambda of the same form.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/tensor.hpp>
#include <lookalike/nn/detail/tensor_argument.hpp>

namespace lookalike {

/// A loss at one output: its value, and the derivative with respect to each number of the output, in the
/// output's extents.
template <class Scalar>
struct loss_value {
  double value = 0;
  tensor<Scalar> gradient;

  /// Adds `factor` times another loss of the same output. Throws `value_error` for other extents.
  loss_value& add(const loss_value& other, double factor = 1) {
    require(gradient.extents() == other.gradient.extents(), "loss: given a gradient of ",
            detail::extents_text(other.gradient.extents()), " to be added to one of ",
            detail::extents_text(gradient.extents()));
    value += factor * other.value;
    const auto scale = static_cast<Scalar>(factor);
    std::transform(gradient.begin(), gradient.end(), other.gradient.begin(), gradient.begin(),
                   [scale](Scalar mine, Scalar theirs) { return mine + scale * theirs; });
    return *this;
  }
};

/// A loss of several outputs: its value, and the derivative for each output in their order. An empty tensor
/// means that the loss does not depend on that output.
template <class Scalar>
struct joint_loss_value {
  double value = 0;
  std::vector<tensor<Scalar>> gradients;
};

/// What a sum of weighted terms is divided by. Nothing to divide by (no term, no weight) makes the loss and
/// its gradient zero.
enum class reduction : unsigned char {
  mean,           ///< the number of terms
  weighted_mean,  ///< the sum of their weights: the same without weights
  sum             ///< 1
};

/// A function of one output and its targets.
template <class Function, class Scalar, class... Targets>
concept single_loss = requires(const Function& function, tensor_view<const Scalar> output,
                               const Targets&... targets) {
  { function(output, targets...) } -> std::convertible_to<loss_value<Scalar>>;
};

/// A function of all outputs and their targets.
template <class Function, class Scalar, class... Targets>
concept joint_loss = requires(const Function& function, std::span<const tensor_view<const Scalar>> outputs,
                              const Targets&... targets) {
  { function(outputs, targets...) } -> std::convertible_to<joint_loss_value<Scalar>>;
};

/// What a network can be trained with. `mean_squared_error` is one:
///
///     static_assert(loss<mean_squared_error, float, tensor<float>>);
template <class Function, class Scalar, class... Targets>
concept loss = single_loss<Function, Scalar, Targets...> || joint_loss<Function, Scalar, Targets...>;

/// Any loss as a loss of several outputs. Throws `value_error` when a loss of one output is given several,
/// and when the gradients that a function returns do not have its outputs' extents.
template <class Scalar, class Function, class... Targets>
requires loss<Function, Scalar, Targets...> joint_loss_value<Scalar> evaluate_loss(
    const Function& function, std::span<const tensor_view<const Scalar>> outputs, const Targets&... targets) {
  joint_loss_value<Scalar> result;
  if constexpr (joint_loss<Function, Scalar, Targets...>) {
    result = function(outputs, targets...);
    require(result.gradients.size() == outputs.size(), "loss: given ", result.gradients.size(),
            " gradients for ", outputs.size(), " outputs");
  } else {
    require(outputs.size() == 1, "loss: given ", outputs.size(), " outputs, wanted the one that it is of");
    loss_value<Scalar> only = function(outputs[0], targets...);
    result.value = only.value;
    result.gradients.push_back(std::move(only.gradient));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const tensor<Scalar>& gradient = result.gradients[i];
    require(gradient.empty() || gradient.extents() == outputs[i].extents, "loss: given a gradient of ",
            detail::extents_text(gradient.extents()), " for output ", i, " of ",
            detail::extents_text(outputs[i].extents));
  }
  return result;
}

namespace detail {

/// 1 over what the sum is divided by; 0 when that is nothing.
inline double reduction_factor(reduction reduce, double terms, double weights) {
  const double divisor = reduce == reduction::mean ? terms : reduce == reduction::weighted_mean ? weights : 1;
  return divisor > 0 ? 1 / divisor : 0;
}

}  // namespace detail

}  // namespace lookalike
