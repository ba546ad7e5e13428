#pragma once

/// \file
/// How cross-entropy is computed: pixels are gathered 32 at a time into a small array, classes x pixels, on
/// which the vector loops of simd/log_sum_exp.hpp work. Any strides will do, and no pixel depends on which
/// others share its tile.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/detail/labels.hpp>
#include <lookalike/nn/loss.hpp>
#include <lookalike/simd/log_sum_exp.hpp>

namespace lookalike::detail {

/// One evaluation of the loss: everything checked, either `labels` or `distribution` set.
///
/// With the effective targets q_c = w_c ((1 - s) t_c + s / C) and their sum Q, the loss of a pixel is
/// Q log sum exp(x) - sum q_c x_c, and its derivative Q softmax(x)_c - q_c.
template <class Scalar>
struct cross_entropy_task {
  static constexpr std::size_t columns = simd::exponential_columns;

  tensor_view<const Scalar> logits;
  tensor_view<const Scalar> weights;  ///< of pixels: N x 1 x H x W
  std::vector<std::int32_t> labels{};
  tensor_view<const Scalar> distribution{};
  std::vector<double> class_weights{};
  double smoothing = 0;

  std::int64_t pixels() const { return logits.batch() * logits.height() * logits.width(); }
  std::size_t classes() const { return static_cast<std::size_t>(logits.channels()); }
  double class_weight(std::size_t c) const { return class_weights.empty() ? 1 : class_weights[c]; }

  /// The indices of pixel i, counted in the order n, y, x; that of the channel is 0.
  std::array<std::int64_t, 4> position(std::int64_t i) const {
    return {i / (logits.width() * logits.height()), 0, i / logits.width() % logits.height(),
            i % logits.width()};
  }
  /// On to the next pixel.
  void advance(std::array<std::int64_t, 4>& at) const {
    if (++at[3] < logits.width()) return;
    at[3] = 0;
    if (++at[2] < logits.height()) return;
    at[2] = 0;
    ++at[0];
  }
  double weight(const std::array<std::int64_t, 4>& at) const {
    return double{weights(at[0], 0, at[2], at[3])};
  }

  /// `factor` times the weighted sum over all pixels, and its gradient.
  loss_value<Scalar> run(double factor) const {
    loss_value<Scalar> result{
        0, tensor<Scalar>(logits.batch(), logits.channels(), logits.height(), logits.width())};
    if (pixels() == 0) return result;
    constexpr std::int64_t numbers_of_block = 65536;
    const auto numbers_of_tile = static_cast<std::int64_t>(columns * classes());
    const std::int64_t pixels_of_block =
        std::max<std::int64_t>(1, numbers_of_block / numbers_of_tile) * static_cast<std::int64_t>(columns);
    std::vector<double> sums(static_cast<std::size_t>((pixels() + pixels_of_block - 1) / pixels_of_block));
    parallel_for(static_cast<std::int64_t>(sums.size()), [&](std::int64_t block) {
      tile work(*this);
      double sum = 0;
      const std::int64_t end = std::min(pixels(), (block + 1) * pixels_of_block);
      for (std::int64_t first = block * pixels_of_block; first < end;) {
        const std::int64_t after = std::min(end, first + static_cast<std::int64_t>(columns));
        sum += work.run(first, static_cast<std::size_t>(after - first), factor, result.gradient.view());
        first = after;
      }
      sums[static_cast<std::size_t>(block)] = sum;
    });
    result.value = factor * std::accumulate(sums.begin(), sums.end(), 0.0);
    return result;
  }

 private:
  class tile {
   public:
    explicit tile(const cross_entropy_task& task)
        : task_(task), values_(task.classes() * columns), dense_(task.labels.empty() || task.smoothing > 0) {
      if (dense_) targets_.resize(task.classes() * columns);
    }

    /// The sum over the pixels [first, first + count), not yet multiplied by `factor`; writes the gradient,
    /// multiplied by it.
    double run(std::int64_t first, std::size_t count, double factor, tensor_view<Scalar> gradient) {
      place(first, count, gradient.strides);
      gather(task_.logits, offsets_, values_.data());
      simd::subtract_column_maxima(values_.data(), task_.classes());
      std::array<double, columns> inner{};  // sum of q_c (x_c - max)
      std::array<double, columns> share{};  // Q
      if (dense_) {
        find_targets(count, inner, share);
      } else {
        for (std::size_t p = 0; p < count; ++p) {
          if (!counts(p)) continue;
          const auto label = static_cast<std::size_t>(label_[p]);
          share[p] = task_.class_weight(label);
          inner[p] = share[p] == 0 ? 0 : share[p] * double{values_[label * columns + p]};
        }
      }
      std::array<double, columns> sums;
      simd::exponentials(values_.data(), task_.classes(), sums.data());

      double sum = 0;
      std::array<Scalar, columns> of_softmax{};
      std::array<Scalar, columns> of_target{};
      for (std::size_t p = 0; p < count; ++p) {
        if (!counts(p)) continue;
        sum += weight_[p] * (share[p] * std::log(sums[p]) - inner[p]);
        of_softmax[p] = static_cast<Scalar>(factor * weight_[p] * share[p] / sums[p]);
        of_target[p] = static_cast<Scalar>(factor * weight_[p]);
      }
      differentiate(count, of_softmax, of_target, gradient);
      return sum;
    }

   private:
    bool counts(std::size_t p) const { return weight_[p] != 0; }

    /// Where the pixels are, and what they count.
    void place(std::int64_t first, std::size_t count, const std::array<std::int64_t, 4>& gradient_strides) {
      std::array<std::int64_t, 4> at = task_.position(first);
      for (std::size_t p = 0; p < columns; ++p) {
        const auto within = [&at](const std::array<std::int64_t, 4>& strides) {
          return at[0] * strides[0] + at[2] * strides[2] + at[3] * strides[3];
        };
        offsets_[p] = within(task_.logits.strides);
        gradient_offsets_[p] = within(gradient_strides);
        weight_[p] = double{task_.weights.data[within(task_.weights.strides)]};
        if (task_.labels.empty()) {
          target_offsets_[p] = within(task_.distribution.strides);
        } else {
          label_[p] = task_.labels[static_cast<std::size_t>(first) + std::min(p, count - 1)];
          if (label_[p] == ignored_label) weight_[p] = 0;
        }
        // Columns without a pixel repeat the last one; nobody reads them.
        if (p + 1 < count) task_.advance(at);
      }
    }

    static bool is_run(const std::array<std::int64_t, columns>& offsets) {
      for (std::size_t p = 1; p < columns; ++p) {
        if (offsets[p] != offsets[p - 1] + 1) return false;
      }
      return true;
    }

    void gather(tensor_view<const Scalar> source, const std::array<std::int64_t, columns>& offsets,
                Scalar* to) const {
      const bool run = is_run(offsets);
      for (std::size_t c = 0; c < task_.classes(); ++c, to += columns) {
        const Scalar* from = source.data + static_cast<std::int64_t>(c) * source.strides[1];
        if (run) {
          std::copy_n(from + offsets[0], columns, to);
        } else {
          for (std::size_t p = 0; p < columns; ++p) to[p] = from[offsets[p]];
        }
      }
    }

    /// q of all classes, their sums, and their products with the logits.
    void find_targets(std::size_t count, std::array<double, columns>& inner,
                      std::array<double, columns>& share) {
      const std::size_t classes = task_.classes();
      if (task_.labels.empty()) {
        gather(task_.distribution, target_offsets_, targets_.data());
      } else {
        std::fill(targets_.begin(), targets_.end(), Scalar{0});
        for (std::size_t p = 0; p < count; ++p) {
          if (counts(p)) targets_[static_cast<std::size_t>(label_[p]) * columns + p] = 1;
        }
      }
      for (std::size_t c = 0; c < classes; ++c) {
        const double w = task_.class_weight(c);
        const double kept = w * (1 - task_.smoothing);
        const double spread = w * task_.smoothing / static_cast<double>(classes);
        Scalar* q = targets_.data() + c * columns;
        const Scalar* x = values_.data() + c * columns;
        for (std::size_t p = 0; p < columns; ++p) {
          const double target = kept * double{q[p]} + spread;
          q[p] = static_cast<Scalar>(target);
          share[p] += target;
          // A logit of minus infinity does no harm to a class that is not wanted.
          inner[p] += target == 0 ? 0 : target * double{x[p]};
        }
      }
    }

    /// of_softmax[p] exp(x_c - max) - of_target[p] q_c.
    void differentiate(std::size_t count, const std::array<Scalar, columns>& of_softmax,
                       const std::array<Scalar, columns>& of_target, tensor_view<Scalar> gradient) {
      for (std::size_t c = 0; c < task_.classes(); ++c) {
        Scalar* value = values_.data() + c * columns;
        for (std::size_t p = 0; p < columns; ++p) value[p] *= of_softmax[p];
        if (!dense_) continue;
        const Scalar* q = targets_.data() + c * columns;
        for (std::size_t p = 0; p < columns; ++p) value[p] -= of_target[p] * q[p];
      }
      for (std::size_t p = 0; p < count; ++p) {
        if (!dense_ && counts(p)) {
          const auto label = static_cast<std::size_t>(label_[p]);
          values_[label * columns + p] -= of_target[p] * static_cast<Scalar>(task_.class_weight(label));
        }
        // Here and not by multiplying: 0 times what is no number would be none either.
        if (!counts(p)) {
          for (std::size_t c = 0; c < task_.classes(); ++c) values_[c * columns + p] = 0;
        }
      }
      const std::array<std::int64_t, columns>& to = gradient_offsets_;
      const bool run = is_run(to);
      for (std::size_t c = 0; c < task_.classes(); ++c) {
        const Scalar* value = values_.data() + c * columns;
        Scalar* channel = gradient.data + static_cast<std::int64_t>(c) * gradient.strides[1];
        if (run) {
          std::copy_n(value, columns, channel + to[0]);
        } else {
          for (std::size_t p = 0; p < count; ++p) channel[to[p]] = value[p];
        }
      }
    }

    const cross_entropy_task& task_;
    aligned_vector<Scalar> values_;   // classes x columns: logits, then exponentials, then the gradient
    aligned_vector<Scalar> targets_;  // classes x columns: q, where it is dense
    bool dense_;
    std::array<std::int64_t, columns> offsets_{};
    std::array<std::int64_t, columns> target_offsets_{};
    std::array<std::int64_t, columns> gradient_offsets_{};
    std::array<std::int32_t, columns> label_{};
    std::array<double, columns> weight_{};
  };
};

}  // namespace lookalike::detail
