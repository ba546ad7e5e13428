#pragma once

/// \file
/// Cross-entropy between yes and no, from logits: what a discriminator or a mask is trained with. PyTorch's
/// `binary_cross_entropy_with_logits`.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/nn/detail/elementwise_loss.hpp>
#include <lookalike/nn/loss.hpp>

namespace lookalike {

/// -(p t log s(x) + (1 - t) log(1 - s(x))) for every number x of the outputs and t of the targets, where s is
/// the sigmoid and p the weight of yes. Computed from -log s(x) = log(1 + e^-|x|) + max(-x, 0), which neither
/// overflows nor loses digits.
///
/// Called as `loss(outputs, targets)` or `loss(outputs, targets, weights)`; targets are between 0 and 1 in
/// the outputs' extents, weights finite, not negative, and repeated along extents of 1. Throws `value_error`
/// otherwise. Linear; the same bits for any number of threads.
struct binary_cross_entropy {
  std::vector<double> positive_weight{};  ///< p: of each channel, or one for all; without any it is 1
  reduction reduce = reduction::mean;

  template <detail::real_tensor Outputs, detail::real_tensor_like<Outputs> Targets,
            detail::real_tensor_like<Outputs>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Outputs>>
  operator()(const Outputs& outputs, const Targets& targets, const Weights&... weights) const {
    using scalar = detail::scalar_of<Outputs>;
    constexpr const char* where = "binary_cross_entropy";
    const auto channels = static_cast<std::size_t>(detail::view_of(outputs).channels());
    require(positive_weight.size() <= 1 || positive_weight.size() == channels, where, ": given ",
            positive_weight.size(), " weights of positives, wanted 1 or ", channels,
            ", one for each channel");
    for (const double weight : positive_weight) {
      require(weight >= 0 && std::isfinite(weight), where, ": given the weight ", weight,
              " of positives, wanted a finite number of 0 or more");
    }
    detail::require_each(where, "targets", "numbers between 0 and 1", detail::view_of(targets),
                         [](scalar target) { return target >= 0 && target <= 1; });
    const auto term = [this](double x, double t, std::int64_t channel) {
      const double p = positive_weight.empty()       ? 1
                       : positive_weight.size() == 1 ? positive_weight[0]
                                                     : positive_weight[static_cast<std::size_t>(channel)];
      const double decay = std::exp(-std::abs(x));
      const double sigmoid = x >= 0 ? 1 / (1 + decay) : decay / (1 + decay);
      const double complement = x >= 0 ? decay / (1 + decay) : 1 / (1 + decay);  // 1 - sigmoid, all digits
      const double surprise = std::log1p(decay);
      // The side that has no share is left out: an infinite logit makes it infinite, and 0 times that is
      // none.
      detail::loss_term sum;
      if (t > 0) sum = {p * t * (surprise + (x < 0 ? -x : 0)), -p * t * complement};
      if (t < 1) {
        sum.value += (1 - t) * (surprise + (x > 0 ? x : 0));
        sum.derivative += (1 - t) * sigmoid;
      }
      return sum;
    };
    return detail::regression_loss(where, reduce, term, outputs, targets, weights...);
  }
};

}  // namespace lookalike
