#pragma once

/// \file
/// What a check of gradients does, and what it found.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/shape.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/nn/loss.hpp>

namespace lookalike {

/// How gradients are checked.
struct gradient_check_options {
  double step = 1e-5;          ///< of the differences, times max(1, |x|)
  double tolerance = 1e-6;     ///< on the relative error
  double most_skipped = 0.05;  ///< share of the points that may be too near to a kink
  int samples = 40;            ///< numbers of each array that are varied; 0: all
  bool evaluation = true;      ///< whether to check in this mode
  bool training = true;        ///< and in this one
  std::uint64_t seed = 1;      ///< of all that is drawn
  int batch = dynamic;         ///< pictures; `dynamic`: 2 or 3
  int height = dynamic;        ///< of the inputs that leave it open; `dynamic`: a few pixels
  int width = dynamic;
  std::vector<tensor<double>> inputs;        ///< in order; empty: drawn from the normal distribution
  std::vector<std::size_t> constant_inputs;  ///< inputs that have no gradient, such as indices
  /// A loss of all outputs; empty: a linear function with random coefficients.
  std::function<joint_loss_value<double>(std::span<const tensor_view<const double>>)> loss;
};

/// One derivative, as `backward` computes it and as a difference gives it.
struct checked_derivative {
  std::string where;       ///< the parameter or input, with the surroundings before it
  std::int64_t index = 0;  ///< of the number within its array, in the array's order (inputs: NCHW)
  double analytic = 0;
  double numeric = 0;
  double error = 0;  ///< relative to the larger of the two, but at least to what is usual in that array
};

/// The outcome: true if all is well.
struct gradient_report {
  std::int64_t compared = 0;  ///< derivatives that were compared
  std::int64_t skipped = 0;   ///< and others that were too near to a kink
  checked_derivative worst;
  std::vector<std::string> problems;  ///< a sentence for each thing that is wrong

  bool ok() const { return problems.empty() && compared > 0; }
  explicit operator bool() const { return ok(); }

  /// The figures in one line, and the problems (the first few) in a line each.
  std::string text() const {
    constexpr std::size_t shown = 10;
    std::string result =
        sentence(compared, " derivatives compared, ", skipped, " skipped near kinks; worst relative error ",
                 worst.error, " at ", worst.where, "[", worst.index, "]: ", worst.analytic, ", difference ",
                 worst.numeric, "\n");
    for (std::size_t i = 0; i < problems.size() && i < shown; ++i) result += problems[i] + "\n";
    if (problems.size() > shown) result += sentence("and ", problems.size() - shown, " more\n");
    return result;
  }

  /// Adds what another check found, whose places are within `where`.
  void append(std::string_view where, const gradient_report& other) {
    const std::string before = where.empty() ? "" : std::string(where) + ": ";
    if (compared == 0 || other.worst.error > worst.error) {
      worst = other.worst;
      worst.where = before + worst.where;
    }
    compared += other.compared;
    skipped += other.skipped;
    for (const std::string& problem : other.problems) problems.push_back(before + problem);
  }
};

}  // namespace lookalike
