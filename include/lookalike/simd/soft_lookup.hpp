#pragma once

/// \file
/// A look-up that has gradients: keys k and values v, and for a query z
///
///     y = sum over i of p[i] v[i],   p = softmax of s[i] / tau
///
/// with the scores s[i] = -|z - k[i]|^2, or z.k[i] / sqrt(dimension). Small tau gives the nearest neighbor's
/// value, infinite tau the mean of all values, and what is between is Nadaraya and Watson's kernel regression
/// or, with the second score and tau = 1, attention (Vaswani et al., 2017). Truncated to the k best keys, tau
/// = infinity gives the mean of the k nearest neighbors.
///
/// tau = 0 is the limit: the best key takes all, equally good ones share; gradients of z, keys and tau are 0
/// then. Of equally good keys at the edge of the k best, those first in the table are taken.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

enum class lookup_score : unsigned char { squared_distance, dot_product };

struct soft_lookup_options {
  lookup_score score = lookup_score::squared_distance;
  int nearest = 0;  ///< keys that take part for each query; 0: all
};

/// Keys and values, row by row without gaps.
template <class Scalar>
struct lookup_table {
  const Scalar* keys = nullptr;    ///< count x dimension
  const Scalar* values = nullptr;  ///< count x outputs
  std::ptrdiff_t count = 0;
};

/// Gradients, to be added to; null where nobody wants them.
template <class Scalar>
struct lookup_gradient {
  Scalar* keys = nullptr;
  Scalar* values = nullptr;
  Scalar* tau = nullptr;
};

namespace detail {

/// Queries of one round of the backward run.
inline constexpr std::ptrdiff_t lookup_round = 32;
/// Parts that the queries of a forward run are divided into, each with scratch memory of its own.
inline constexpr std::ptrdiff_t lookup_parts = 16;

/// What the scores and weights of one query depend on.
template <class Scalar>
struct lookup_query {
  using batch = xsimd::batch<Scalar>;

  lookup_table<Scalar> table;
  std::ptrdiff_t dimension;
  std::ptrdiff_t outputs;
  Scalar tau;
  soft_lookup_options options;

  Scalar score_factor() const {
    return options.score == lookup_score::squared_distance
               ? Scalar(-1)
               : static_cast<Scalar>(1 /
                                     std::sqrt(static_cast<double>(std::max<std::ptrdiff_t>(dimension, 1))));
  }

  /// scores[i], larger is better.
  void score(const Scalar* z, Scalar* scores) const {
    const bool distance = options.score == lookup_score::squared_distance;
    const Scalar factor = score_factor();
    for (std::ptrdiff_t i = 0; i < table.count; ++i) {
      const Scalar* key = table.keys + i * dimension;
      batch sum(Scalar(0));
      for_vectors<Scalar>(dimension, [&](std::ptrdiff_t c, auto vector) {
        const batch a = vector.load(z + c);
        const batch b = vector.load(key + c);
        const batch difference = a - b;
        sum = distance ? xsimd::fma(difference, difference, sum) : xsimd::fma(a, b, sum);
      });
      scores[i] = factor * xsimd::hadd(sum);
    }
  }

  /// Probabilities from scores; `selection` is memory for as many numbers. Returns the best score.
  Scalar weigh(const Scalar* scores, Scalar* weights, Scalar* selection) const {
    constexpr Scalar nothing = -std::numeric_limits<Scalar>::infinity();
    Scalar best = nothing;
    for (std::ptrdiff_t i = 0; i < table.count; ++i) best = scores[i] > best ? scores[i] : best;
    Scalar threshold = nothing;         // the score of the last key that takes part,
    std::ptrdiff_t ties = table.count;  // and how many with exactly that score do
    if (options.nearest > 0 && options.nearest < table.count) {
      // NaN has no order; it takes part in no selection
      std::transform(scores, scores + table.count, selection, [](Scalar s) { return s == s ? s : nothing; });
      Scalar* last = selection + options.nearest - 1;
      std::nth_element(selection, last, selection + table.count, std::greater<>());
      threshold = *last;
      ties = options.nearest - std::count_if(selection, last, [&](Scalar s) { return s > threshold; });
    }
    // arguments of the exponential, -infinity for keys that take no part
    for (std::ptrdiff_t i = 0; i < table.count; ++i) {
      const bool tie = scores[i] == threshold;
      const bool left_out = scores[i] < threshold || (tie && ties-- <= 0);
      const Scalar difference = scores[i] - best;
      weights[i] = left_out ? nothing : tau > 0 ? difference / tau : difference < 0 ? nothing : difference;
    }
    batch sum(Scalar(0));
    for_vectors<Scalar>(table.count, [&](std::ptrdiff_t i, auto vector) {
      vector.store(weights + i, xsimd::exp(vector.load(weights + i)));
      sum += vector.load(weights + i);
    });
    const batch factor(Scalar(1) / xsimd::hadd(sum));
    for_vectors<Scalar>(table.count, [&](std::ptrdiff_t i, auto vector) {
      vector.store(weights + i, vector.load(weights + i) * factor);
    });
    return best;
  }

  /// to[c] = sum of weights[i] row_i[c], or that added to it.
  static void add_rows(const Scalar* weights, std::ptrdiff_t count, const Scalar* rows, std::ptrdiff_t width,
                       Scalar* to, bool accumulate) {
    for_vectors<Scalar>(width, [&](std::ptrdiff_t c, auto vector) {
      batch sum(Scalar(0));
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        if (weights[i] != 0) sum = xsimd::fma(batch(weights[i]), vector.load(rows + i * width + c), sum);
      }
      vector.store(to + c, accumulate ? sum + vector.load(to + c) : sum);
    });
  }
};

template <class Scalar>
void require_lookup(const char* where, const lookup_table<Scalar>& table, Scalar tau,
                    const soft_lookup_options& options, std::size_t scratch, std::ptrdiff_t wanted) {
  require(table.count > 0, where, ": given a table of ", table.count, " keys, wanted at least one");
  require(tau >= 0, where, ": given tau ", tau, ", wanted 0 or more");
  require(options.nearest >= 0, where, ": given ", options.nearest, " nearest keys, wanted 0 (all) or more");
  require(static_cast<std::ptrdiff_t>(scratch) >= wanted, where, ": given scratch for ", scratch,
          " scalars, wanted ", wanted);
}

}  // namespace detail

/// Scalars of scratch memory for `pixels` queries (of the whole batch) to `count` keys.
constexpr std::ptrdiff_t soft_lookup_scratch(std::ptrdiff_t pixels, std::ptrdiff_t count) {
  return std::min(pixels, detail::lookup_parts) * 3 * count;
}
constexpr std::ptrdiff_t soft_lookup_backward_scratch(std::ptrdiff_t pixels, std::ptrdiff_t count) {
  return std::min(pixels, detail::lookup_round) * (3 * count + 1);
}

/// y = the look-up of every pixel of z, whose channels are the dimension of the keys; y's are the outputs.
/// Throws `value_error` for a negative tau or an empty table.
template <class Scalar>
void soft_lookup(const input_map<Scalar>& z, const lookup_table<std::type_identity_t<Scalar>>& table,
                 std::type_identity_t<Scalar> tau, const soft_lookup_options& options,
                 const feature_map<Scalar>& y, std::span<std::type_identity_t<Scalar>> scratch) {
  const std::ptrdiff_t pixels = z.pixels();
  require(z.batch == y.batch && z.height == y.height && z.width == y.width, "soft_lookup: given ", z.pixels(),
          " queries for ", y.pixels(), " results, wanted the same number");
  detail::require_lookup("soft_lookup", table, tau, options, scratch.size(),
                         soft_lookup_scratch(pixels, table.count));
  const detail::lookup_query<Scalar> query{table, z.channels, y.channels, tau, options};
  const std::ptrdiff_t parts = std::min(pixels, detail::lookup_parts);
  const std::ptrdiff_t work = pixels * table.count * (z.channels + y.channels);
  detail::for_blocks(parts, work, [&](std::ptrdiff_t part) {
    Scalar* scores = scratch.data() + part * 3 * table.count;
    Scalar* weights = scores + table.count;
    for (std::ptrdiff_t i = pixels * part / parts; i < pixels * (part + 1) / parts; ++i) {
      query.score(z.data + i * z.pitch, scores);
      query.weigh(scores, weights, weights + table.count);
      query.add_rows(weights, table.count, table.values, y.channels, y.data + i * y.pitch, false);
    }
  });
}

/// The gradient of the above: overwrites gz, or adds to it with `accumulate` (gz without data: left out), and
/// adds to `gradients`. Weights are computed anew.
template <class Scalar>
void soft_lookup_backward(const input_map<Scalar>& z, const input_map<Scalar>& gy,
                          const lookup_table<std::type_identity_t<Scalar>>& table,
                          std::type_identity_t<Scalar> tau, const soft_lookup_options& options,
                          const feature_map<Scalar>& gz, bool accumulate,
                          const lookup_gradient<std::type_identity_t<Scalar>>& gradients,
                          std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  const std::ptrdiff_t pixels = z.pixels();
  const std::ptrdiff_t count = table.count;
  const std::ptrdiff_t dimension = z.channels;
  const std::ptrdiff_t outputs = gy.channels;
  require(z.batch == gy.batch && z.height == gy.height && z.width == gy.width, "soft_lookup_backward: given ",
          z.pixels(), " queries for ", gy.pixels(), " gradients, wanted the same number");
  if (gz.data) detail::require_same_extents("soft_lookup_backward", z, gz);
  detail::require_lookup("soft_lookup_backward", table, tau, options, scratch.size(),
                         soft_lookup_backward_scratch(pixels, count));
  const detail::lookup_query<Scalar> query{table, dimension, outputs, tau, options};
  const bool distance = options.score == lookup_score::squared_distance;
  // bounded, so that no gradient of 0 becomes NaN
  const Scalar inverse =
      tau > 0 ? std::min(Scalar(1) / tau, std::numeric_limits<Scalar>::max() / 4) : Scalar(0);
  // the gradient of score i / tau is  factor (z - k)  or  factor k, in z, and that with the other sign or
  // factor z, in k
  const Scalar factor = distance ? -2 * inverse : query.score_factor() * inverse;
  const std::ptrdiff_t round = std::min(pixels, detail::lookup_round);
  Scalar* tau_parts = scratch.data() + round * 3 * count;

  for (std::ptrdiff_t start = 0; start < pixels; start += round) {
    const std::ptrdiff_t queries = std::min(round, pixels - start);
    const std::ptrdiff_t work = queries * count * (dimension + outputs);
    const auto memory = [&](std::ptrdiff_t q) { return scratch.data() + q * 3 * count; };
    // for each query: its weights, and the gradient of its scores
    detail::for_blocks(queries, 2 * work, [&](std::ptrdiff_t q) {
      const Scalar* from = z.data + (start + q) * z.pitch;
      const Scalar* gradient = gy.data + (start + q) * gy.pitch;
      Scalar* weights = memory(q);
      Scalar* slopes = weights + count;
      Scalar* scores = slopes + count;
      query.score(from, scores);
      const Scalar best = query.weigh(scores, weights, slopes);
      Scalar mean = 0;
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        const Scalar* value = table.values + i * outputs;
        batch sum(Scalar(0));
        if (weights[i] != 0) {
          detail::for_vectors<Scalar>(outputs, [&](std::ptrdiff_t c, auto vector) {
            sum = xsimd::fma(vector.load(gradient + c), vector.load(value + c), sum);
          });
        }
        slopes[i] = xsimd::hadd(sum);
        mean += weights[i] * slopes[i];
      }
      Scalar tau_part = 0;
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        slopes[i] = weights[i] * (slopes[i] - mean);
        if (slopes[i] != 0) tau_part -= slopes[i] * (scores[i] - best);
      }
      tau_parts[q] = tau_part == 0 ? tau_part : tau_part * inverse * inverse;
      if (!gz.data) return;
      Scalar* to = gz.data + (start + q) * gz.pitch;
      detail::for_vectors<Scalar>(dimension, [&](std::ptrdiff_t c, auto vector) {
        const batch query_part = distance ? vector.load(from + c) : batch(Scalar(0));
        batch sum(Scalar(0));
        for (std::ptrdiff_t i = 0; i < count; ++i) {
          if (slopes[i] == 0) continue;
          const batch key = vector.load(table.keys + i * dimension + c);
          sum = xsimd::fma(batch(slopes[i]), distance ? query_part - key : key, sum);
        }
        sum *= batch(factor);
        vector.store(to + c, accumulate ? sum + vector.load(to + c) : sum);
      });
    });
    // for each key: what the queries give it, in their order
    if (gradients.keys || gradients.values) {
      detail::for_ranges(
          count, queries * (dimension + outputs), [&](std::ptrdiff_t first, std::ptrdiff_t last) {
            for (std::ptrdiff_t i = first; i < last; ++i) {
              const auto add = [&](std::ptrdiff_t width, const feature_map<const Scalar>& rows, Scalar* to,
                                   std::ptrdiff_t which, const auto& term) {
                detail::for_vectors<Scalar>(width, [&](std::ptrdiff_t c, auto vector) {
                  batch sum(Scalar(0));
                  for (std::ptrdiff_t q = 0; q < queries; ++q) {
                    const Scalar weight = memory(q)[which * count + i];
                    if (weight == 0) continue;
                    sum = xsimd::fma(batch(weight),
                                     term(vector.load(rows.data + (start + q) * rows.pitch + c), c, vector),
                                     sum);
                  }
                  vector.store(to + c, sum + vector.load(to + c));
                });
              };
              if (gradients.values) {
                add(outputs, gy, gradients.values + i * outputs, 0,
                    [](const batch& g, std::ptrdiff_t, auto) { return g; });
              }
              if (gradients.keys) {
                const Scalar* key = table.keys + i * dimension;
                add(dimension, z, gradients.keys + i * dimension, 1,
                    [&](const batch& a, std::ptrdiff_t c, auto vector) {
                      return (distance ? vector.load(key + c) - a : a) * batch(factor);
                    });
              }
            }
          });
    }
    if (gradients.tau) {
      for (std::ptrdiff_t q = 0; q < queries; ++q) *gradients.tau += tau_parts[q];
    }
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
