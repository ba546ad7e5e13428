#pragma once

/// \file
/// When to stop: a value that should get better (the validation loss, say) has not for a while.

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/saved_numbers.hpp>

namespace lookalike {

struct early_stopping_options {
  std::int64_t patience = 10;      ///< how many values in a row without improvement make it stop; 1 or more
  double minimum_improvement = 0;  ///< by how much a value must beat the best one to count; 0 or more
  bool larger_is_better = false;
};

/// Watches one value a step or epoch:
///
///     if (watch.update(loss, epoch)) best.save(path);   // a checkpoint of the best so far
///     if (watch.should_stop()) break;
class early_stopping {
 public:
  /// Throws `value_error` for options that make no sense.
  explicit early_stopping(early_stopping_options options = {}) : options_(options) {
    require(options.patience >= 1, "early_stopping: given the patience ", options.patience,
            ", wanted 1 or more");
    require(options.minimum_improvement >= 0 && std::isfinite(options.minimum_improvement),
            "early_stopping: given the minimum improvement ", options.minimum_improvement,
            ", wanted a finite number of 0 or more");
    best_ = options.larger_is_better ? -infinity : infinity;
  }

  /// Takes the value of `step` (0 or more) in; whether it is the best so far. What is no number never is.
  bool update(double value, std::int64_t step) {
    require(step >= 0, "early_stopping: given the step ", step, ", wanted 0 or more");
    const double margin = options_.minimum_improvement;
    const bool better = options_.larger_is_better ? value > best_ + margin : value < best_ - margin;
    if (better) {
      best_ = value;
      best_step_ = step;
      waited_ = 0;
    } else {
      ++waited_;
    }
    return better;
  }

  bool should_stop() const { return waited_ >= options_.patience; }
  /// Infinite before the first improvement.
  double best() const { return best_; }
  /// -1 before the first improvement.
  std::int64_t best_step() const { return best_step_; }

  saved_numbers state() const {
    return {{"best", best_},
            {"best_step", static_cast<double>(best_step_ + 1)},  // counts begin at 0
            {"waited", static_cast<double>(waited_)}};
  }
  /// Goes on from what `state` returned. Throws `value_error`, and changes nothing, when something is missing
  /// or cannot be.
  void restore(std::span<const saved_number> numbers) {
    constexpr const char* where = "early_stopping";
    const double best = saved_value(where, numbers, "best");
    const std::int64_t best_step = saved_count(where, numbers, "best_step") - 1;
    const std::int64_t waited = saved_count(where, numbers, "waited");
    require(!std::isnan(best), where, ": given no number as the best value to go on from");
    best_ = best;
    best_step_ = best_step;
    waited_ = waited;
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();

  early_stopping_options options_;
  double best_ = infinity;
  std::int64_t best_step_ = -1;
  std::int64_t waited_ = 0;  // values in a row without improvement
};

}  // namespace lookalike
