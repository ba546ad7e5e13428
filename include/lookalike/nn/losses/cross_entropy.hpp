#pragma once

/// \file
/// Cross-entropy between classes, from logits: the loss of classification, of segmentation (a class for each
/// pixel) and of colorization by classification. PyTorch's `cross_entropy`, with a weight for each pixel as
/// in U-Net (Ronneberger, Fischer, Brox 2015) and in the rebalanced loss of Zhang, Isola, Efros 2016.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/nn/detail/cross_entropy_tiles.hpp>
#include <lookalike/nn/detail/elementwise_loss.hpp>
#include <lookalike/nn/detail/labels.hpp>
#include <lookalike/nn/loss.hpp>

namespace lookalike {

/// -sum over c of w_c t_c log softmax(x)_c for each pixel with the logits x, N x C x H x W.
///
/// Called as `loss(logits, targets)` or `loss(logits, targets, weights)`. The targets are either
/// - *labels*, integers in a tensor of N x 1 x H x W or a row of N*H*W: t is 1 for the label, 0 otherwise;
/// - a *distribution*, numbers of the logits' type and extents: t as given (finite, 0 or more; that they add
///   up to 1 is not asked for).
/// `weights` are those of pixels: N x 1 x H x W or 1 in place of an extent, finite, 0 or more. A pixel that
/// is ignored or has the weight 0 has the gradient 0, whatever its logits. `value_error` for anything else.
///
/// What the sum is divided by (`reduce`), v being the pixels' weights:
/// - `weighted_mean`: the sum of v w_label over the pixels that are not ignored; for distributions, which
/// have
///   no one label, the sum of v. Without pixel weights that is what PyTorch calls the mean, and U-Net's
///   weighted energy per unit of weight with them.
/// - `mean`: the number of pixels that are not ignored.
///
/// Label smoothing replaces t by (1 - s) t + s / C. Linear; exponentials in `Scalar`, sums in double; the
/// same bits for any number of threads.
struct cross_entropy {
  std::vector<double> class_weights{};  ///< w, C of them, finite, 0 or more; without any they are 1
  double label_smoothing = 0;           ///< s, from 0 to 1
  std::int64_t ignore_index = -100;     ///< pixels of this label do not count
  reduction reduce = reduction::weighted_mean;

  template <detail::real_tensor Logits, detail::labels_like Labels,
            detail::real_tensor_like<Logits>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Logits>>
  operator()(const Logits& logits, const Labels& labels, const Weights&... weights) const {
    using scalar = detail::scalar_of<Logits>;
    const auto view = detail::view_of(logits);
    check_options(view.extents);
    detail::cross_entropy_task<scalar> task{view, pixel_weights(view, weights...)};
    task.labels = detail::checked_labels("cross_entropy", labels, view.extents, ignore_index);
    task.class_weights = class_weights;
    task.smoothing = label_smoothing;

    double pixels = 0, sum_of_weights = 0;
    std::array<std::int64_t, 4> at{};
    for (const std::int32_t label : task.labels) {
      if (label != detail::ignored_label) {
        pixels += 1;
        sum_of_weights += task.weight(at) * task.class_weight(static_cast<std::size_t>(label));
      }
      task.advance(at);
    }
    return task.run(detail::reduction_factor(reduce, pixels, sum_of_weights));
  }

  template <detail::real_tensor Logits, detail::real_tensor_like<Logits> Distribution,
            detail::real_tensor_like<Logits>... Weights>
  requires(sizeof...(Weights) <= 1) loss_value<detail::scalar_of<Logits>>
  operator()(const Logits& logits, const Distribution& distribution, const Weights&... weights) const {
    using scalar = detail::scalar_of<Logits>;
    const auto view = detail::view_of(logits);
    check_options(view.extents);
    detail::cross_entropy_task<scalar> task{view, pixel_weights(view, weights...)};
    task.distribution = detail::view_of(distribution);
    detail::require_same_extents("cross_entropy", view, task.distribution);
    detail::require_each("cross_entropy", "targets", "finite numbers of 0 or more", task.distribution,
                         [](scalar target) { return target >= 0 && std::isfinite(target); });
    task.class_weights = class_weights;
    task.smoothing = label_smoothing;

    const auto pixels = static_cast<double>(view.batch() * view.height() * view.width());
    const double sum_of_weights = sizeof...(Weights) == 0 ? pixels : detail::sum_of(task.weights);
    return task.run(detail::reduction_factor(reduce, pixels, sum_of_weights));
  }

 private:
  void check_options(const std::array<std::int64_t, 4>& extents) const {
    require(extents[1] > 0, "cross_entropy: given logits of ", detail::extents_text(extents),
            ", wanted a class or more");
    require(label_smoothing >= 0 && label_smoothing <= 1, "cross_entropy: given the label smoothing ",
            label_smoothing, ", wanted 0 to 1");
    require(class_weights.empty() || class_weights.size() == static_cast<std::size_t>(extents[1]),
            "cross_entropy: given ", class_weights.size(), " weights of classes, wanted ", extents[1]);
    for (const double weight : class_weights) {
      require(weight >= 0 && std::isfinite(weight), "cross_entropy: given the weight ", weight,
              " of a class, wanted a finite number of 0 or more");
    }
  }

  template <class Scalar, class... Weights>
  static tensor_view<const Scalar> pixel_weights(tensor_view<const Scalar> logits,
                                                 const Weights&... weights) {
    return detail::weights_for<Scalar>("cross_entropy", {logits.batch(), 1, logits.height(), logits.width()},
                                       weights...);
  }
};

}  // namespace lookalike
