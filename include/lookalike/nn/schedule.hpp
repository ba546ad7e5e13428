#pragma once

/// \file
/// Learning rates over time. A schedule is a function of the step (or epoch: whatever its caller counts, from
/// 0) that returns a *factor* of the optimizer's learning rate:
///
///     training.step(table, values, gradients, schedules::cosine{.steps = 90}(epoch));
///
/// So a schedule has no state to save, goes with parameter groups, and any function of that form is one. The
/// exception watches the loss: `reduce_on_plateau`. All throw `value_error` for options that make no sense
/// and for steps below 0; what has an end stays where it ended.

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/saved_numbers.hpp>

namespace lookalike {

template <class Function>
concept schedule = requires(const Function& function, std::int64_t step) {
  { function(step) } -> std::convertible_to<double>;
};

namespace detail {

inline void require_step(std::int64_t step) {
  require(step >= 0, "schedule: given the step ", step, ", wanted 0 or more");
}
inline void require_factor(double factor) {
  require(factor >= 0 && std::isfinite(factor), "schedule: given the factor ", factor,
          ", wanted a finite number of 0 or more");
}
/// How far `step` of `steps` is, from 0 to 1.
inline double share_done(std::int64_t step, std::int64_t steps) {
  require_step(step);
  require(steps > 0, "schedule: given ", steps, " steps, wanted 1 or more");
  return static_cast<double>(std::min(step, steps)) / static_cast<double>(steps);
}

}  // namespace detail

namespace schedules {

struct constant {
  double factor = 1;

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    detail::require_factor(factor);
    return factor;
  }
};

/// Multiplied by `factor` at each of the milestones: ResNet's 32,000 and 48,000.
struct step_decay {
  std::vector<std::int64_t> milestones{};  ///< in any order
  double factor = 0.1;

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    detail::require_factor(factor);
    const auto passed = std::count_if(milestones.begin(), milestones.end(),
                                      [step](std::int64_t milestone) { return milestone <= step; });
    return std::pow(factor, static_cast<double>(passed));
  }
};

/// Multiplied by `factor` every `every` steps.
struct exponential {
  double factor = 0.95;
  std::int64_t every = 1;

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    detail::require_factor(factor);
    require(every > 0, "schedule: given a factor every ", every, " steps, wanted every 1 or more");
    return std::pow(factor, static_cast<double>(step / every));
  }
};

/// Half a cosine from 1 down to `last` after `steps` (Loshchilov, Hutter 2017, without restarts).
struct cosine {
  std::int64_t steps = 0;
  double last = 0;

  double operator()(std::int64_t step) const {
    detail::require_factor(last);
    const double done = detail::share_done(step, steps);
    return last + (1 - last) * (1 + std::cos(std::numbers::pi * done)) / 2;
  }
};

/// 1 for `hold` steps, then in a straight line to `last` over `steps` more: pix2pix's and CycleGAN's 100 +
/// 100 epochs.
struct linear {
  std::int64_t steps = 0;
  double last = 0;
  std::int64_t hold = 0;

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    detail::require_factor(last);
    require(hold >= 0, "schedule: given ", hold, " steps to hold, wanted 0 or more");
    return 1 + (last - 1) * detail::share_done(std::max<std::int64_t>(0, step - hold), steps);
  }
};

/// (1 - step / steps)^power, scaled to end at `last`.
struct polynomial {
  std::int64_t steps = 0;
  double power = 1;
  double last = 0;

  double operator()(std::int64_t step) const {
    detail::require_factor(last);
    require(power > 0 && std::isfinite(power), "schedule: given the power ", power,
            ", wanted a number above 0");
    return last + (1 - last) * std::pow(1 - detail::share_done(step, steps), power);
  }
};

/// Up from `first` to 1 for the share `rise` of all steps, then down to `last`, both along half a cosine
/// (Smith, Topin 2018). PyTorch's `OneCycleLR` with the learning rate as its `max_lr`; the momentum is left
/// alone.
struct one_cycle {
  std::int64_t steps = 0;      ///< in all, 2 or more
  double rise = 0.3;           ///< above 0, below 1
  double first = 1.0 / 25;     ///< PyTorch's 1 / div_factor
  double last = 1.0 / 250000;  ///< PyTorch's 1 / (div_factor * final_div_factor)

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    detail::require_factor(first);
    detail::require_factor(last);
    require(steps >= 2, "schedule: given ", steps, " steps, wanted 2 or more");
    require(rise > 0 && rise < 1, "schedule: given the share ", rise,
            " of steps to rise, wanted more than 0 and less than 1");
    const double end = static_cast<double>(steps) - 1;
    const double top = std::max(rise * static_cast<double>(steps) - 1, 0.0);
    const double at = std::min(static_cast<double>(step), end);
    const auto along = [](double from, double to, double done) {
      return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * done));
    };
    return at <= top && top > 0 ? along(first, 1, at / top) : along(1, last, (at - top) / (end - top));
  }
};

/// A schedule that begins gently.
template <schedule Schedule>
struct warmed_up {
  std::int64_t steps = 0;
  Schedule after;
  double first = 0;

  double operator()(std::int64_t step) const {
    detail::require_step(step);
    if (step >= steps) return after(step - steps);
    return after(0) * (first + (1 - first) * static_cast<double>(step + 1) / static_cast<double>(steps + 1));
  }
};

/// In equal rises from `first` times the beginning of `after`, during `steps` steps, up to that beginning,
/// from where `after` takes its course: with 3 steps and from 0 the factors are 1/4, 2/4, 3/4, and then
/// after(0), after(1), ... Throws `value_error` for fewer than 0 steps.
template <schedule Schedule>
warmed_up<Schedule> warm_up(std::int64_t steps, Schedule after, double first = 0) {
  require(steps >= 0, "schedule: given ", steps, " steps to warm up, wanted 0 or more");
  detail::require_factor(first);
  return {steps, std::move(after), first};
}

}  // namespace schedules

struct plateau_options {
  double factor = 0.1;         ///< what the learning rate is multiplied by; above 0, below 1
  std::int64_t patience = 10;  ///< how many values in a row may be no better before that
  double threshold = 1e-4;     ///< how much better, relative to the best so far, counts as better
  std::int64_t cooldown = 0;   ///< how many values after a reduction are not counted
  double minimum = 0;          ///< the factor never falls below it
  bool larger_is_better = false;
};

/// Reduces the learning rate when a value (the validation loss, say) has stopped getting better: by PyTorch's
/// `ReduceLROnPlateau`, with the threshold relative to the size of the best value.
class reduce_on_plateau {
 public:
  /// Throws `value_error` for options that make no sense.
  explicit reduce_on_plateau(plateau_options options = {}) : options_(options) {
    require(options.factor > 0 && options.factor < 1, "reduce_on_plateau: given the factor ", options.factor,
            ", wanted more than 0 and less than 1");
    require(options.patience >= 0 && options.cooldown >= 0, "reduce_on_plateau: given the patience ",
            options.patience, " and the cooldown ", options.cooldown, ", wanted 0 or more");
    require(options.threshold >= 0 && options.minimum >= 0, "reduce_on_plateau: given the threshold ",
            options.threshold, " and the minimum ", options.minimum, ", wanted 0 or more");
    best_ = options.larger_is_better ? -infinity : infinity;
  }

  /// Takes the next value in and returns the factor of the learning rate from now on. What is no number
  /// counts as no better.
  double update(double value) {
    const double margin = std::isfinite(best_) ? std::abs(best_) * options_.threshold : 0;
    const bool better = options_.larger_is_better ? value > best_ + margin : value < best_ - margin;
    if (better) {
      best_ = value;
      worse_ = 0;
    } else {
      ++worse_;
    }
    if (cooling_ > 0) {
      --cooling_;
      worse_ = 0;
    }
    if (worse_ > options_.patience) {
      factor_ = std::max(factor_ * options_.factor, std::min(factor_, options_.minimum));
      cooling_ = options_.cooldown;
      worse_ = 0;
    }
    return factor_;
  }

  double factor() const { return factor_; }
  double best() const { return best_; }

  saved_numbers state() const {
    return {{"factor", factor_},
            {"best", best_},
            {"worse", static_cast<double>(worse_)},
            {"cooling", static_cast<double>(cooling_)}};
  }
  /// Goes on from what `state` returned. Throws `value_error`, and changes nothing, when something is missing
  /// or cannot be.
  void restore(std::span<const saved_number> numbers) {
    constexpr const char* where = "reduce_on_plateau";
    const double factor = saved_value(where, numbers, "factor");
    const double best = saved_value(where, numbers, "best");
    const std::int64_t worse = saved_count(where, numbers, "worse");
    const std::int64_t cooling = saved_count(where, numbers, "cooling");
    require(factor >= 0 && factor <= 1, where, ": given the factor ", factor,
            " to go on from, wanted 0 to 1");
    require(!std::isnan(best), where, ": given no number as the best value to go on from");
    factor_ = factor;
    best_ = best;
    worse_ = worse;
    cooling_ = cooling;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  plateau_options options_;
  double factor_ = 1;
  double best_ = infinity;
  std::int64_t worse_ = 0;    // values in a row that were no better
  std::int64_t cooling_ = 0;  // values still to be left out
};

}  // namespace lookalike
