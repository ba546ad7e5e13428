#pragma once

/// \file
/// How good outputs are, as opposed to what training minimizes: accuracy, the confusion matrix and what
/// follows from it, the peak signal-to-noise ratio. All of them add up over batches. Labels come as in
/// nn/losses/ cross_entropy.hpp: integers in a tensor of N x 1 x H x W or a row of N*H*W, so that a picture's
/// class and a pixel's are counted by the same function.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <lookalike/nn/detail/labels.hpp>
#include <lookalike/nn/detail/tensor_argument.hpp>

namespace lookalike {

/// So many right ones out of so many.
struct hit_count {
  std::int64_t hits = 0;
  std::int64_t total = 0;

  /// From 0 to 1; not a number where nothing was counted.
  double rate() const { return static_cast<double>(hits) / static_cast<double>(total); }
  hit_count& operator+=(const hit_count& other) {
    hits += other.hits;
    total += other.total;
    return *this;
  }
  friend bool operator==(const hit_count&, const hit_count&) = default;
};

struct accuracy_options {
  int top = 1;                       ///< how many of the best classes may hold the label; 1 or more
  std::int64_t ignore_index = -100;  ///< pixels of this label do not count
};

/// For how many pixels (or pictures, where height and width are 1) the label is among the `top` classes with
/// the largest scores, N x C x H x W. Of equal scores the lower class comes first; a score that is no number
/// comes last. Throws `value_error` for labels out of range or in another number. Linear.
template <detail::real_tensor Scores, detail::labels_like Labels>
hit_count count_hits(const Scores& scores, const Labels& labels, const accuracy_options& options = {}) {
  const auto view = detail::view_of(scores);
  require(options.top >= 1, "count_hits: given the ", options.top, " best classes, wanted 1 or more");
  const auto truth = detail::checked_labels("count_hits", labels, view.extents, options.ignore_index);
  hit_count result;
  auto label = truth.begin();
  for (std::int64_t n = 0; n < view.batch(); ++n) {
    for (std::int64_t y = 0; y < view.height(); ++y) {
      for (std::int64_t x = 0; x < view.width(); ++x, ++label) {
        if (*label == detail::ignored_label) continue;
        ++result.total;
        const auto score = view(n, *label, y, x);
        if (std::isnan(score)) continue;
        int ahead = 0;
        for (std::int64_t c = 0; c < view.channels() && ahead < options.top; ++c) {
          const auto other = view(n, c, y, x);
          ahead += other > score || (other == score && c < *label) ? 1 : 0;
        }
        result.hits += ahead < options.top ? 1 : 0;
      }
    }
  }
  return result;
}

/// Which classes are taken for which.
class confusion_matrix {
 public:
  /// Throws `value_error` below one class.
  explicit confusion_matrix(std::int64_t classes) : classes_(classes) {
    require(classes >= 1, "confusion_matrix: given ", classes, " classes, wanted 1 or more");
    counts_.resize(static_cast<std::size_t>(classes * classes));
  }

  /// Counts every pixel's label and the class with its largest score (the lower of equal ones; a score that
  /// is no number comes last). Throws `value_error` for another number of classes or labels, and labels out
  /// of range.
  template <detail::real_tensor Scores, detail::labels_like Labels>
  void add(const Scores& scores, const Labels& labels, std::int64_t ignore_index = -100) {
    const auto view = detail::view_of(scores);
    require(view.channels() == classes_, "confusion_matrix: given scores of ", view.channels(),
            " classes, wanted ", classes_);
    const auto truth = detail::checked_labels("confusion_matrix", labels, view.extents, ignore_index);
    auto label = truth.begin();
    for (std::int64_t n = 0; n < view.batch(); ++n) {
      for (std::int64_t y = 0; y < view.height(); ++y) {
        for (std::int64_t x = 0; x < view.width(); ++x, ++label) {
          if (*label == detail::ignored_label) continue;
          std::int64_t best = 0;
          for (std::int64_t c = 1; c < classes_; ++c) {
            const auto score = view(n, c, y, x);
            const auto leader = view(n, best, y, x);
            if (score > leader || (std::isnan(leader) && !std::isnan(score))) best = c;
          }
          ++counts_[static_cast<std::size_t>(*label * classes_ + best)];
        }
      }
    }
  }
  /// Adds another one's counts. Throws `value_error` for another number of classes.
  confusion_matrix& operator+=(const confusion_matrix& other) {
    require(other.classes_ == classes_, "confusion_matrix: given ", other.classes_,
            " classes to add, wanted ", classes_);
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    return *this;
  }

  std::int64_t classes() const { return classes_; }
  /// How often `label` was taken for `predicted`.
  std::int64_t operator()(std::int64_t label, std::int64_t predicted) const {
    return counts_[static_cast<std::size_t>(label * classes_ + predicted)];
  }
  /// All that were taken for what they are.
  hit_count hits() const {
    hit_count result;
    for (std::int64_t c = 0; c < classes_; ++c) result += {(*this)(c, c), labels(c)};
    return result;
  }
  /// Of those that are of class c, how many were found.
  hit_count recall(std::int64_t c) const { return {(*this)(c, c), labels(c)}; }
  /// Of those that were taken for class c, how many are.
  hit_count precision(std::int64_t c) const { return {(*this)(c, c), predictions(c)}; }
  /// Of those that are of class c or were taken for it, how many are both (intersection over union, Jaccard).
  hit_count overlap(std::int64_t c) const {
    return {(*this)(c, c), labels(c) + predictions(c) - (*this)(c, c)};
  }
  /// The mean rate of `overlap` over all classes that occur in labels or predictions; not a number without
  /// any.
  double mean_overlap() const {
    double sum = 0, occurring = 0;
    for (std::int64_t c = 0; c < classes_; ++c) {
      const hit_count both = overlap(c);
      if (both.total == 0) continue;
      sum += both.rate();
      occurring += 1;
    }
    return sum / occurring;
  }

 private:
  std::int64_t labels(std::int64_t c) const {
    std::int64_t sum = 0;
    for (std::int64_t other = 0; other < classes_; ++other) sum += (*this)(c, other);
    return sum;
  }
  std::int64_t predictions(std::int64_t c) const {
    std::int64_t sum = 0;
    for (std::int64_t other = 0; other < classes_; ++other) sum += (*this)(other, c);
    return sum;
  }

  std::int64_t classes_;
  std::vector<std::int64_t> counts_;  // labels x predictions
};

/// The weighted mean of numbers that come one by one: a loss over the batches of an epoch, weighted by their
/// sizes.
class running_mean {
 public:
  void add(double value, double weight = 1) {
    sum_ += weight * value;
    weight_ += weight;
  }
  /// Not a number before anything was added.
  double value() const { return sum_ / weight_; }
  double weight() const { return weight_; }

 private:
  double sum_ = 0;
  double weight_ = 0;
};

/// The peak signal-to-noise ratio in decibels, 10 log10(peak^2 / mean squared error), over all numbers of
/// both arrays together; infinite where they are equal. Throws `value_error` for other extents, none, and a
/// peak that is not above 0. Summed in double precision.
template <detail::real_tensor Pictures, detail::real_tensor_like<Pictures> References>
double peak_signal_to_noise(const Pictures& pictures, const References& references, double peak = 1) {
  const auto view = detail::view_of(pictures);
  const auto reference = detail::view_of(references);
  require(view.extents == reference.extents, "peak_signal_to_noise: given references of ",
          detail::extents_text(reference.extents), ", wanted ", detail::extents_text(view.extents));
  require(view.size() > 0, "peak_signal_to_noise: given no numbers");
  require(peak > 0 && std::isfinite(peak), "peak_signal_to_noise: given the peak ", peak,
          ", wanted a finite number above 0");
  double sum = 0;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    for (std::int64_t c = 0; c < view.channels(); ++c)
      for (std::int64_t y = 0; y < view.height(); ++y)
        for (std::int64_t x = 0; x < view.width(); ++x) {
          const double difference = double{view(n, c, y, x)} - double{reference(n, c, y, x)};
          sum += difference * difference;
        }
  const double mean = sum / static_cast<double>(view.size());
  return mean == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(peak * peak / mean);
}

}  // namespace lookalike
