#pragma once

/// \file
/// Losses between numbers: how far the outputs are from the targets, number by number. Each is called as
/// `loss(outputs, targets)` or `loss(outputs, targets, weights)`, where the weights have the outputs' extents
/// or 1 in their place (N x 1 x H x W weighs pixels, and may be a mask of zeros and ones). Targets must be
/// finite, weights finite and not negative (`value_error`); what has the weight 0 does not count, whatever it
/// is. Linear; the same bits for any number of threads.

#include <cmath>
#include <cstdint>

#include <lookalike/nn/detail/elementwise_loss.hpp>
#include <lookalike/nn/loss.hpp>

namespace lookalike {

/// The square of the difference, d^2.
struct mean_squared_error {
  reduction reduce = reduction::mean;

  template <detail::real_tensor Outputs, detail::real_tensor_like<Outputs> Targets,
            detail::real_tensor_like<Outputs>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Outputs>>
  operator()(const Outputs& outputs, const Targets& targets, const Weights&... weights) const {
    const auto term = [](double output, double target, std::int64_t) {
      const double difference = output - target;
      return detail::loss_term{difference * difference, 2 * difference};
    };
    return detail::regression_loss("mean_squared_error", reduce, term, outputs, targets, weights...);
  }
};

/// The size of the difference, |d| (L1). Its derivative where there is no difference is taken as 0.
struct mean_absolute_error {
  reduction reduce = reduction::mean;

  template <detail::real_tensor Outputs, detail::real_tensor_like<Outputs> Targets,
            detail::real_tensor_like<Outputs>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Outputs>>
  operator()(const Outputs& outputs, const Targets& targets, const Weights&... weights) const {
    const auto term = [](double output, double target, std::int64_t) {
      const double difference = output - target;
      // Written so that what is not a number stays visible in both.
      return detail::loss_term{std::abs(difference), difference == 0 ? 0 : difference / std::abs(difference)};
    };
    return detail::regression_loss("mean_absolute_error", reduce, term, outputs, targets, weights...);
  }
};

/// Square for small differences, linear for large ones: d^2 / (2 beta) where |d| < beta, |d| - beta / 2
/// beyond. Multiplied by beta it is Huber's loss. PyTorch's definition.
struct smooth_l1 {
  double beta = 1;  ///< above 0
  reduction reduce = reduction::mean;

  template <detail::real_tensor Outputs, detail::real_tensor_like<Outputs> Targets,
            detail::real_tensor_like<Outputs>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Outputs>>
  operator()(const Outputs& outputs, const Targets& targets, const Weights&... weights) const {
    require(beta > 0 && std::isfinite(beta), "smooth_l1: given beta = ", beta, ", wanted a number above 0");
    const auto term = [this](double output, double target, std::int64_t) {
      const double difference = output - target;
      const double size = std::abs(difference);
      if (size >= beta) return detail::loss_term{size - beta / 2, difference > 0 ? 1.0 : -1.0};
      return detail::loss_term{difference * difference / (2 * beta), difference / beta};
    };
    return detail::regression_loss("smooth_l1", reduce, term, outputs, targets, weights...);
  }
};

}  // namespace lookalike
