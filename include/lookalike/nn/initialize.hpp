#pragma once

/// \file
/// What networks start from: constants, uniform and normal numbers, the scales of Glorot and Bengio
/// ("Xavier", 2010) and of He et al. (2015) that keep the size of signals from layer to layer, and orthogonal
/// matrices (Saxe et al., 2014). Each array of parameters draws from a stream of its own, named after it:
/// adding a layer to a network changes no number of the others.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/glob.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/nn/parameter.hpp>

namespace lookalike {

/// How many inputs one output sees (`in`) and how many outputs one input reaches (`out`).
struct fans {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// The fans of a parameter as PyTorch counts them: for an array of (a, b, height, width), out is
/// a * height * width; in is what the layer says, or else b * height * width. Vectors have no `out`.
inline fans fans_of(const parameter& p) {
  fans f{p.fan_in, 0};
  if (p.rank < 2) return f;
  std::int64_t receptive_field = 1;
  for (int i = 2; i < p.rank; ++i) receptive_field *= p.dimensions[static_cast<std::size_t>(i)];
  if (f.in == 0) f.in = p.dimensions[1] * receptive_field;
  f.out = p.dimensions[0] * receptive_field;
  return f;
}

/// Which fan a scale is taken from: `in` keeps the size of signals on the way forward, `out` that of
/// gradients on the way back.
enum class fan_mode : unsigned char { in, out };

/// The gain that makes up for what a rectifier takes: sqrt(2 / (1 + slope^2)) for a leaky one, sqrt(2) for
/// the plain.
inline double rectifier_gain(double slope = 0) {
  return std::sqrt(2 / (1 + slope * slope));
}

/// A way to fill an array; made by the functions of namespace `initial`.
struct initializer {
  enum class distribution : unsigned char { constant, uniform, normal, truncated_normal, orthogonal };
  enum class scale : unsigned char { fixed, fan_in, fan_out, fan_sum };

  distribution shape = distribution::constant;
  scale by = scale::fixed;
  double first = 0;   ///< the constant, the lower bound, the mean; with a fan, or orthogonal, the gain
  double second = 0;  ///< the upper bound or the deviation; with a fan, the deviation of gain 1 at fan 1
};

/// Ways to fill an array, for `fill` and for the rules of `initialize`.
namespace initial {

/// All numbers alike.
constexpr initializer constant(double value) {
  return {initializer::distribution::constant, initializer::scale::fixed, value, 0};
}
/// Uniform in [lowest, highest).
constexpr initializer uniform(double lowest, double highest) {
  return {initializer::distribution::uniform, initializer::scale::fixed, lowest, highest};
}
/// Normal.
constexpr initializer normal(double deviation = 1, double mean = 0) {
  return {initializer::distribution::normal, initializer::scale::fixed, mean, deviation};
}
/// Normal, but drawn again beyond twice the deviation (which makes the deviation of what remains 0.88 times
/// the given one).
constexpr initializer truncated_normal(double deviation = 1, double mean = 0) {
  return {initializer::distribution::truncated_normal, initializer::scale::fixed, mean, deviation};
}
/// Uniform with deviation gain * sqrt(2 / (in + out)).
constexpr initializer xavier_uniform(double gain = 1) {
  return {initializer::distribution::uniform, initializer::scale::fan_sum, gain, 1.4142135623730951};
}
/// Normal with deviation gain * sqrt(2 / (in + out)).
constexpr initializer xavier_normal(double gain = 1) {
  return {initializer::distribution::normal, initializer::scale::fan_sum, gain, 1.4142135623730951};
}
/// What `he_uniform` and `he_normal` depend on.
struct he_options {
  fan_mode mode = fan_mode::in;
  double slope = 0;  ///< of the rectifier that follows, below zero
};
/// Uniform with deviation gain / sqrt(fan); the gain is `rectifier_gain(slope)`.
inline initializer he_uniform(he_options options = {}) {
  return {initializer::distribution::uniform,
          options.mode == fan_mode::in ? initializer::scale::fan_in : initializer::scale::fan_out,
          rectifier_gain(options.slope), 1};
}
/// Normal with deviation gain / sqrt(fan); the gain is `rectifier_gain(slope)`.
inline initializer he_normal(he_options options = {}) {
  return {initializer::distribution::normal,
          options.mode == fan_mode::in ? initializer::scale::fan_in : initializer::scale::fan_out,
          rectifier_gain(options.slope), 1};
}
/// PyTorch's default for the weights and biases of convolutions and fully connected layers: uniform within
/// 1 / sqrt(fan in).
constexpr initializer from_fan_in() {
  return {initializer::distribution::uniform, initializer::scale::fan_in, 1, 0.5773502691896258};
}
/// Rows (the first dimension against all others) of length `gain` at right angles to each other; columns,
/// where there are more rows than columns. All such matrices are equally likely.
constexpr initializer orthogonal(double gain = 1) {
  return {initializer::distribution::orthogonal, initializer::scale::fixed, gain, 0};
}

}  // namespace initial

namespace detail {

/// The sum of a[i] * b[i], in eight fixed lanes.
inline double fused_dot(std::span<const double> a, std::span<const double> b) {
  double lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= a.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      lanes[lane] = std::fma(a[i + lane], b[i + lane], lanes[lane]);
    }
  }
  for (; i < a.size(); ++i) lanes[0] = std::fma(a[i], b[i], lanes[0]);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

/// Gram and Schmidt's orthonormal rows out of normal ones. A row that loses much of its length to those
/// before it is taken once more: what is left of it then has lost its accuracy (Kahan and Parlett's
/// criterion).
inline std::vector<double> orthonormal_rows(std::size_t rows, std::size_t columns,
                                            random_sequence& sequence) {
  std::vector<double> matrix(rows * columns);
  const auto row = [&](std::size_t r) { return std::span(matrix).subspan(r * columns, columns); };
  for (double& x : matrix) x = sequence.normal();
  for (std::size_t r = 0; r < rows; ++r) {
    const std::span<double> current = row(r);
    double length = std::sqrt(fused_dot(current, current));
    double left = 0;  // of the length, after the last pass
    for (int passes = 0; left < 0.7 && passes < 3; ++passes) {
      for (std::size_t before = 0; before < r; ++before) {
        const std::span<const double> other = row(before);
        const double part = -fused_dot(current, other);
        for (std::size_t c = 0; c < columns; ++c) current[c] = std::fma(part, other[c], current[c]);
      }
      const double shortened = std::sqrt(fused_dot(current, current));
      left = shortened / length;
      length = shortened;
    }
    for (double& x : current) x /= length;
  }
  return matrix;
}

template <class Scalar>
void fill_orthogonal(std::span<Scalar> values, double gain, std::size_t rows, random_sequence& sequence) {
  const std::size_t columns = values.size() / rows;
  const bool tall = rows > columns;
  const auto matrix = orthonormal_rows(std::min(rows, columns), std::max(rows, columns), sequence);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      values[r * columns + c] = static_cast<Scalar>(gain * matrix[tall ? c * rows + r : r * columns + c]);
    }
  }
}

}  // namespace detail

/// Fills `values` by `how`, drawing from `sequence`. `f` are the fans of the array and `rows` its first
/// dimension, where `how` needs them. Throws `value_error` when a fan that is needed is not positive, or when
/// `rows` does not divide the size of an orthogonal matrix.
template <class Scalar>
void fill(std::span<Scalar> values, const initializer& how, random_sequence& sequence, fans f = {},
          std::int64_t rows = 0) {
  using distribution = initializer::distribution;
  double first = how.first;
  double second = how.second;
  if (how.by != initializer::scale::fixed) {
    const std::int64_t fan = how.by == initializer::scale::fan_in    ? f.in
                             : how.by == initializer::scale::fan_out ? f.out
                             : f.in > 0 && f.out > 0                 ? f.in + f.out
                                                                     : 0;
    require(fan > 0, "initialize: given ", f.in, " inputs an output sees and ", f.out,
            " outputs an input reaches, wanted the fans that the initializer scales by to be positive");
    first = 0;
    second = how.first * how.second / std::sqrt(static_cast<double>(fan));
    if (how.shape == distribution::uniform) {
      const double bound = 1.7320508075688772 * second;  // of deviation bound / sqrt(3)
      // 2u - 1 is exact, so that nothing is left that a compiler could fuse (see core/random.hpp).
      for (Scalar& x : values) x = static_cast<Scalar>(bound * (2 * sequence.uniform() - 1));
      return;
    }
  }
  switch (how.shape) {
    case distribution::constant:
      std::fill(values.begin(), values.end(), static_cast<Scalar>(first));
      break;
    case distribution::uniform:
      for (Scalar& x : values) x = static_cast<Scalar>(sequence.uniform(first, second));
      break;
    case distribution::normal:
      for (Scalar& x : values) x = static_cast<Scalar>(sequence.normal(first, second));
      break;
    case distribution::truncated_normal:
      for (Scalar& x : values) {
        double z = sequence.normal();
        while (std::abs(z) > 2) z = sequence.normal();
        x = static_cast<Scalar>(std::fma(z, second, first));
      }
      break;
    case distribution::orthogonal: {
      const auto size = static_cast<std::int64_t>(values.size());
      require(rows > 0 && size > 0 && size % rows == 0, "initialize: given ", size, " numbers in ", rows,
              " rows, wanted a matrix to make orthogonal");
      detail::fill_orthogonal(values, first, static_cast<std::size_t>(rows), sequence);
      break;
    }
  }
}

/// What the parameters whose names match `pattern` (core/glob.hpp) start from.
struct initial_rule {
  std::string pattern;
  initializer how;
};

struct initialize_options {
  /// The first rule that matches a parameter's name takes the place of what its layer asks for. Rules leave
  /// alone what is not trainable (running averages).
  std::vector<initial_rule> rules = {};
};

namespace detail {

inline initializer default_initializer(initial_value value) {
  switch (value) {
    case initial_value::ones:
      return initial::constant(1);
    case initial_value::from_fan_in:
      return initial::from_fan_in();
    case initial_value::normal:
      return initial::normal();
    case initial_value::zeros:
      break;
  }
  return initial::constant(0);
}

/// The rule that decides on `p`, or null.
inline const initial_rule* deciding_rule(const parameter& p, std::span<const initial_rule> rules) {
  if (!p.trainable) return nullptr;
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const initial_rule& rule) {
    return glob_matches(rule.pattern, p.name);
  });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace detail

/// Fills a block of parameters: every row of `table` by the first rule that matches its name, or else by what
/// its layer asks for (`parameter::initial`; `normal` is the standard normal). The numbers of a row depend on
/// its name, its shape and `seed` alone. Numbers of the block that belong to no row stay. Throws
/// `value_error` when a row reaches beyond the block, when a rule needs a fan that its parameter lacks
/// (naming it), or when a rule decides on no parameter at all, which is most likely a misspelling.
template <class Scalar>
void initialize(std::span<const parameter> table, std::span<Scalar> values, std::uint64_t seed,
                const initialize_options& options = {}) {
  std::vector<bool> used(options.rules.size());
  for (const parameter& p : table) {
    require(p.offset >= 0 && p.size >= 0 && p.offset <= static_cast<std::int64_t>(values.size()) &&
                p.size <= static_cast<std::int64_t>(values.size()) - p.offset,
            "initialize: '", p.name, "' takes ", p.size, " numbers from ", p.offset, " on, given a block of ",
            values.size());
    const initial_rule* rule = detail::deciding_rule(p, options.rules);
    if (rule != nullptr) used[static_cast<std::size_t>(rule - options.rules.data())] = true;
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    require(used[i], "initialize: no trainable parameter is left to the rule '", options.rules[i].pattern,
            "'; the table has ", table.size(), table.empty() ? "" : ", the first called ",
            table.empty() ? std::string_view() : std::string_view(table[0].name));
  }
  parallel_for(static_cast<std::int64_t>(table.size()), [&](std::int64_t i) {
    const parameter& p = table[static_cast<std::size_t>(i)];
    const initial_rule* rule = detail::deciding_rule(p, options.rules);
    const initializer how = rule != nullptr ? rule->how : detail::default_initializer(p.initial);
    random_sequence sequence(seed, hash64(p.name));
    const auto part = values.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size));
    try {
      fill(part, how, sequence, fans_of(p), p.dimensions[0]);
    } catch (const value_error& failure) {
      throw value_error(sentence("'", p.name, "': ", failure.what()));
    }
  });
}

}  // namespace lookalike
