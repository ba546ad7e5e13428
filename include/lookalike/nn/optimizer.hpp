#pragma once

/// \file
/// How a network's parameters follow their gradients. An `optimizer` is an update rule (nn/optimizers/) with
/// what goes with every rule: frozen parameters, groups with a learning rate of their own, gradient clipping,
/// and the state to be saved. It knows parameters as a block of numbers and its table (nn/parameter.hpp), not
/// the network.

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/glob.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/detail/parameter_pieces.hpp>
#include <lookalike/nn/parameter.hpp>

namespace lookalike {

/// Numbers that a rule updates in one go: a run out of one parameter.
template <class Scalar>
struct update_task {
  Scalar* values = nullptr;
  Scalar* gradients = nullptr;  ///< may be used as scratch
  std::span<Scalar* const>
      state{};  ///< a run for each of the rule's `state_names()`; zero before the first step
  std::size_t count = 0;
  std::int64_t step = 1;     ///< of this parameter, counted from 1
  double learning_rate = 0;  ///< with the schedule's and the group's factors
  double weight_decay = 0;   ///< the rule's or the group's
};

/// What an optimizer needs of a rule: `sgd`, `adam`, `adamw` and `adadelta` are some, a user's is a struct of
/// the same form. `update` must treat each number on its own, so that results do not depend on how parameters
/// are cut into runs.
template <class Rule, class Scalar>
concept update_rule = std::copy_constructible<Rule> &&
    requires(const Rule& rule, const update_task<Scalar>& task) {
  { rule.learning_rate } -> std::convertible_to<double>;
  { rule.weight_decay } -> std::convertible_to<double>;
  rule.state_names();  // a range of names, one for each number that is remembered for a parameter
  rule.validate();     // throws value_error for options that make no sense
  rule.update(task);
};

/// Parameters that learn in their own way.
struct parameter_group {
  std::string pattern;                   ///< full names, with * and ? (core/glob.hpp): "*.bias"
  double learning_rate_factor = 1;       ///< 0 or more
  std::optional<double> weight_decay{};  ///< instead of the rule's
};

struct optimizer_options {
  std::vector<std::string> frozen{};      ///< patterns of parameters that stay as they are: "encoder.*"
  std::vector<parameter_group> groups{};  ///< a parameter belongs to the first that it matches
  /// Gradients longer than this, all parameters that learn taken together, are scaled down to it; 0: never.
  /// PyTorch's `clip_grad_norm_`: multiplied by clip_norm / (norm + 1e-6).
  double clip_norm = 0;
  /// Every number of the gradient is kept within [-clip_value, clip_value], before `clip_norm`; 0: is not.
  double clip_value = 0;
};

/// What an optimizer remembers of one parameter, under a name such as "momentum.encoder.conv0.weight".
template <class Scalar>
struct optimizer_state {
  std::string name;
  const parameter* of = nullptr;  ///< the row of the table whose dimensions it has
  std::span<Scalar> values;
};

/// The length of the gradient of all trainable parameters taken together. Summed in double precision; the
/// same bits for any number of threads.
template <class Scalar>
double gradient_norm(std::span<const parameter> table, std::span<const Scalar> gradients) {
  const detail::parameter_pieces pieces(table, gradients.size(),
                                        [](const parameter& row) { return row.trainable; });
  return std::sqrt(pieces.sum_of_squares(gradients));
}

/// An update rule and its state:
///
///     optimizer training(sgd{.learning_rate = 0.1, .momentum = 0.9}, {.frozen = {"encoder.*"}});
///     training.step(table, values, gradients, schedule(epoch));
///
/// The same bits come out for any number of threads.
template <class Rule, class Scalar = float>
requires update_rule<Rule, Scalar>
class optimizer {
 public:
  /// Throws `value_error` for options that make no sense.
  explicit optimizer(Rule rule = {}, optimizer_options options = {})
      : rule_(std::move(rule)), options_(std::move(options)) {
    rule_.validate();
    for (const parameter_group& group : options_.groups) {
      require(group.learning_rate_factor >= 0 && std::isfinite(group.learning_rate_factor),
              "optimizer: given the learning rate factor ", group.learning_rate_factor, " for '",
              group.pattern, "', wanted a finite number of 0 or more");
      require(!group.weight_decay || (*group.weight_decay >= 0 && std::isfinite(*group.weight_decay)),
              "optimizer: given the weight decay ", group.weight_decay.value_or(0), " for '", group.pattern,
              "', wanted a finite number of 0 or more");
    }
    require(options_.clip_norm >= 0, "optimizer: given clip_norm = ", options_.clip_norm,
            ", wanted a number above 0, or 0 for no clipping");
    require(options_.clip_value >= 0, "optimizer: given clip_value = ", options_.clip_value,
            ", wanted a number above 0, or 0 for no clipping");
  }

  const Rule& rule() const { return rule_; }
  const optimizer_options& options() const { return options_; }
  /// The learning rate that schedules and groups are factors of. Throws `value_error` below 0.
  void set_learning_rate(double rate) {
    Rule changed = rule_;
    changed.learning_rate = rate;
    changed.validate();
    rule_ = std::move(changed);
  }
  /// From the next step on other parameters stay as they are. What was remembered of them is kept.
  void set_frozen(std::vector<std::string> patterns) { options_.frozen = std::move(patterns); }

  /// One step along the gradients for every trainable parameter that is not frozen; then all parameters'
  /// gradients are zero, ready for the next pass to add to. The learning rate is multiplied by
  /// `learning_rate_factor`, which is what schedules return.
  ///
  /// Throws `value_error`, and leaves parameters and state as they were, when the blocks do not fit the
  /// table, the table is another than before, a pattern matches no parameter (a misspelt name, most likely),
  /// the factor is no finite number of 0 or more, or the gradient's length, if it is to be clipped, is
  /// infinite or no number.
  void step(std::span<const parameter> table, std::span<Scalar> values, std::span<Scalar> gradients,
            double learning_rate_factor = 1) {
    require(values.size() == gradients.size(), "optimizer: given ", gradients.size(), " gradients, wanted ",
            values.size(), ", one for each number of the parameters");
    require(learning_rate_factor >= 0 && std::isfinite(learning_rate_factor),
            "optimizer: given the learning rate factor ", learning_rate_factor,
            ", wanted a finite number of 0 or more");
    const std::vector<row_settings> rows = settle(table, learning_rate_factor);
    const detail::parameter_pieces pieces(table, values.size(), [](const parameter&) { return true; });
    const double scale = clip(table, rows, gradients);
    prepare(table);

    for (std::size_t row = 0; row < table.size(); ++row) steps_[row] += rows[row].learns ? 1 : 0;
    pieces.for_each([&](const detail::parameter_piece& piece) {
      Scalar* const gradient = gradients.data() + piece.begin;
      const row_settings& settings = rows[piece.row];
      if (settings.learns) {
        if (scale != 1) {
          const auto factor = static_cast<Scalar>(scale);
          for (std::size_t i = 0; i < piece.count; ++i) gradient[i] *= factor;
        }
        std::array<Scalar*, most_state> state{};
        for (std::size_t slot = 0; slot < state_.size(); ++slot)
          state[slot] = state_[slot].data() + piece.begin;
        rule_.update(update_task<Scalar>{values.data() + piece.begin, gradient,
                                         std::span<Scalar* const>(state.data(), state_.size()), piece.count,
                                         steps_[piece.row], settings.learning_rate, settings.weight_decay});
      }
      std::fill_n(gradient, piece.count, Scalar{0});
    });
  }

  /// What is remembered of each trainable parameter, to be written to a file or read from one; zero before
  /// the first step. It stays where it is until the optimizer is destroyed or moved. Throws `value_error` for
  /// another table than before.
  std::vector<optimizer_state<Scalar>> state(std::span<const parameter> table) {
    prepare(table);
    std::vector<optimizer_state<Scalar>> result;
    std::size_t slot = 0;
    for (const std::string_view name : rule_.state_names()) {
      for (const parameter& row : table) {
        if (!row.trainable) continue;
        result.push_back(
            {std::string(name) + '.' + row.name, &row,
             std::span<Scalar>(state_[slot])
                 .subspan(static_cast<std::size_t>(row.offset), static_cast<std::size_t>(row.size))});
      }
      ++slot;
    }
    return result;
  }
  /// How many steps each row of the table has made: belongs to the state. Throws as `state` does.
  std::span<std::int64_t> steps(std::span<const parameter> table) {
    prepare(table);
    return steps_;
  }

 private:
  static constexpr std::size_t most_state = 8;

  struct row_settings {
    bool learns = false;
    double learning_rate = 0;
    double weight_decay = 0;
  };

  /// How each row is to be updated.
  std::vector<row_settings> settle(std::span<const parameter> table, double factor) const {
    std::vector<row_settings> rows(table.size());
    std::vector<bool> freezes(options_.frozen.size());
    std::vector<bool> groups(options_.groups.size());
    for (std::size_t i = 0; i < table.size(); ++i) {
      rows[i] = {table[i].trainable, rule_.learning_rate * factor, rule_.weight_decay};
      for (std::size_t pattern = 0; pattern < freezes.size(); ++pattern) {
        if (!glob_matches(options_.frozen[pattern], table[i].name)) continue;
        freezes[pattern] = true;
        rows[i].learns = false;
      }
      bool found = false;
      for (std::size_t g = 0; g < groups.size(); ++g) {
        const parameter_group& group = options_.groups[g];
        if (!glob_matches(group.pattern, table[i].name)) continue;
        groups[g] = true;
        if (std::exchange(found, true)) continue;
        rows[i].learning_rate *= group.learning_rate_factor;
        rows[i].weight_decay = group.weight_decay.value_or(rows[i].weight_decay);
      }
    }
    const auto require_used = [&](bool used, const std::string& pattern, std::string_view what) {
      require(used, "optimizer: given ", what, " '", pattern, "', which matches none of the ", table.size(),
              " parameters", table.empty() ? "" : ", such as '", table.empty() ? "" : table[0].name,
              table.empty() ? "" : "'");
    };
    for (std::size_t i = 0; i < freezes.size(); ++i) {
      require_used(freezes[i], options_.frozen[i], "the frozen parameters");
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
      require_used(groups[i], options_.groups[i].pattern, "the group");
    }
    return rows;
  }

  /// Clips by value in place; returns what clipping by norm multiplies the gradient by.
  double clip(std::span<const parameter> table, const std::vector<row_settings>& rows,
              std::span<Scalar> gradients) const {
    if (options_.clip_norm == 0 && options_.clip_value == 0) return 1;
    const detail::parameter_pieces pieces(table, gradients.size(), [&](const parameter& row) {
      return rows[static_cast<std::size_t>(&row - table.data())].learns;
    });
    if (options_.clip_value > 0) {
      const auto most = static_cast<Scalar>(options_.clip_value);
      pieces.for_each([&](const detail::parameter_piece& piece) {
        for (std::size_t i = piece.begin; i < piece.begin + piece.count; ++i) {
          // What is no number stays none.
          gradients[i] = gradients[i] > most ? most : gradients[i] < -most ? -most : gradients[i];
        }
      });
    }
    if (options_.clip_norm == 0) return 1;
    const double norm = std::sqrt(pieces.sum_of_squares(std::span<const Scalar>(gradients)));
    if (!std::isfinite(norm)) {
      for (std::size_t i = 0; i < table.size(); ++i) {
        if (!rows[i].learns) continue;
        for (const Scalar gradient : gradients.subspan(static_cast<std::size_t>(table[i].offset),
                                                       static_cast<std::size_t>(table[i].size))) {
          require(std::isfinite(gradient), "optimizer: given the gradient ", gradient, " for '",
                  table[i].name, "', wanted finite numbers to clip their length");
        }
      }
      require(false, "optimizer: given gradients of the length ", norm, ", wanted a finite one to clip");
    }
    constexpr double guard = 1e-6;  // PyTorch's
    return std::min(1.0, options_.clip_norm / (norm + guard));
  }

  /// Makes room for the state; it is zero at first.
  void prepare(std::span<const parameter> table) {
    const std::size_t block_size = detail::block_size(table);
    const std::size_t slots = std::size(rule_.state_names());
    require(slots <= most_state, "optimizer: given a rule that remembers ", slots,
            " numbers of each parameter, wanted ", most_state, " or fewer");
    if (!prepared_) {
      state_.resize(slots);
      for (aligned_vector<Scalar>& slot : state_) slot.assign(block_size, Scalar{0});
      steps_.assign(table.size(), 0);
      block_size_ = block_size;
      prepared_ = true;
    }
    require(steps_.size() == table.size() && block_size == block_size_, "optimizer: given ", table.size(),
            " parameters with ", block_size, " numbers, wanted those of the steps before: ", steps_.size(),
            " with ", block_size_);
  }

  Rule rule_;
  optimizer_options options_;
  bool prepared_ = false;
  std::size_t block_size_ = 0;
  std::vector<aligned_vector<Scalar>> state_;  // for each of the rule's names a block like the parameters'
  std::vector<std::int64_t> steps_;            // of each row of the table
};

}  // namespace lookalike
