#pragma once

/// \file
/// Losses that are a weighted sum over the numbers of an output: the loop that they share.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/loss.hpp>

namespace lookalike::detail {

/// One term of a loss and its derivative with respect to the output.
struct loss_term {
  double value = 0;
  double derivative = 0;
};

/// Weights for every number of an output of the extents `extents`, repeated where they have the extent 1.
/// Throws `value_error` for weights that are negative or not finite.
template <class Scalar>
tensor_view<const Scalar> checked_weights(std::string_view where, tensor_view<const Scalar> weights,
                                          const std::array<std::int64_t, 4>& extents) {
  const auto repeated = broadcast(where, "weights", weights, extents);
  require_each(where, "weights", "finite numbers of 0 or more", weights,
               [](Scalar weight) { return weight >= 0 && std::isfinite(weight); });
  return repeated;
}

/// The sum of all numbers, in the order of their axes.
template <class Scalar>
double sum_of(tensor_view<const Scalar> array) {
  double sum = 0;
  for (std::int64_t n = 0; n < array.batch(); ++n)
    for (std::int64_t c = 0; c < array.channels(); ++c)
      for (std::int64_t y = 0; y < array.height(); ++y)
        for (std::int64_t x = 0; x < array.width(); ++x) sum += double{array(n, c, y, x)};
  return sum;
}

/// The weights of those who have none.
template <class Scalar>
tensor_view<const Scalar> unit_weights(const std::array<std::int64_t, 4>& extents) {
  static constexpr Scalar one = 1;
  return {&one, extents, {0, 0, 0, 0}};
}

/// The reduced sum over all numbers of weight * term(output, target, channel). Works through rows in blocks
/// of about 16,384 numbers whose sums are added in order, so that the number of threads does not matter.
template <class Scalar, class Term>
loss_value<Scalar> elementwise_loss(reduction reduce, tensor_view<const Scalar> outputs,
                                    tensor_view<const Scalar> targets, tensor_view<const Scalar> weights,
                                    const Term& term) {
  constexpr std::int64_t numbers_of_block = 16384;
  const std::int64_t channels = outputs.channels();
  const std::int64_t height = outputs.height();
  const std::int64_t width = outputs.width();
  loss_value<Scalar> result{0, tensor<Scalar>(outputs.batch(), channels, height, width)};
  if (outputs.size() == 0) return result;
  const bool weighted = weights.strides != std::array<std::int64_t, 4>{};
  const auto count = static_cast<double>(outputs.size());
  const double sum_of_weights =
      !weighted || reduce != reduction::weighted_mean ? count * double{*weights.data} : sum_of(weights);
  const double factor = reduction_factor(reduce, count, sum_of_weights);

  const std::int64_t rows = outputs.batch() * channels * height;
  const std::int64_t rows_of_block = std::max<std::int64_t>(1, numbers_of_block / width);
  std::vector<double> sums(static_cast<std::size_t>((rows + rows_of_block - 1) / rows_of_block));
  const auto row_of = [=](tensor_view<const Scalar> array, std::int64_t row) {
    return array.data + row / (channels * height) * array.strides[0] +
           row / height % channels * array.strides[1] + row % height * array.strides[2];
  };
  parallel_for(static_cast<std::int64_t>(sums.size()), [&](std::int64_t block) {
    double sum = 0;
    const std::int64_t end = std::min(rows, (block + 1) * rows_of_block);
    for (std::int64_t row = block * rows_of_block; row < end; ++row) {
      const Scalar* output = row_of(outputs, row);
      const Scalar* target = row_of(targets, row);
      const Scalar* weight = row_of(weights, row);
      Scalar* gradient = result.gradient.data() + row * width;
      const std::int64_t channel = row / height % channels;
      for (std::int64_t x = 0; x < width; ++x) {
        const double w = double{weight[x * weights.strides[3]]};
        // A number without weight does not count, whatever it is: 0 times infinity would not be 0.
        if (w == 0) continue;
        const loss_term t =
            term(double{output[x * outputs.strides[3]]}, double{target[x * targets.strides[3]]}, channel);
        sum += w * t.value;
        gradient[x] = static_cast<Scalar>(factor * w * t.derivative);
      }
    }
    sums[static_cast<std::size_t>(block)] = sum;
  });
  result.value = factor * std::accumulate(sums.begin(), sums.end(), 0.0);
  return result;
}

/// Throws `value_error` unless both have the same extents.
template <class Scalar>
void require_same_extents(std::string_view where, tensor_view<const Scalar> outputs,
                          tensor_view<const Scalar> targets) {
  require(outputs.extents == targets.extents, where, ": given targets of ", extents_text(targets.extents),
          ", wanted ", extents_text(outputs.extents), " as the outputs");
}

/// The weights that a loss was called with, or ones where it was called without.
template <class Scalar>
tensor_view<const Scalar> weights_for(std::string_view, const std::array<std::int64_t, 4>& extents) {
  return unit_weights<Scalar>(extents);
}
template <class Scalar, class Weights>
tensor_view<const Scalar> weights_for(std::string_view where, const std::array<std::int64_t, 4>& extents,
                                      const Weights& weights) {
  return checked_weights(where, view_of(weights), extents);
}

/// `elementwise_loss` with everything checked first.
template <class Term, class Outputs, class Targets, class... Weights>
loss_value<scalar_of<Outputs>> regression_loss(std::string_view where, reduction reduce, const Term& term,
                                               const Outputs& outputs, const Targets& targets,
                                               const Weights&... weights) {
  using scalar = scalar_of<Outputs>;
  const auto output_view = view_of(outputs);
  const auto target_view = view_of(targets);
  require_same_extents(where, output_view, target_view);
  require_each(where, "targets", "finite numbers", target_view,
               [](scalar target) { return std::isfinite(target); });
  return elementwise_loss(reduce, output_view, target_view,
                          weights_for<scalar>(where, output_view.extents, weights...), term);
}

}  // namespace lookalike::detail
