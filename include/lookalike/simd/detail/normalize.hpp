#pragma once

/// \file
/// What batch, instance, group and layer normalization have in common: a batch is a number of pictures (batch
/// normalization sees one, made of all pixels), channels fall into groups, and each group of each picture is
/// brought to mean 0 and variance 1.
///
/// Sums go over blocks of pixels, then over the blocks in double precision. A block's squares are taken of
/// the differences from its own mean, while it is in the cache, and blocks are joined by the rule of Chan,
/// Golub and LeVeque (1983): nothing cancels, and the map is read once.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// How a map is divided. The pixels of a picture lie `pitch` apart without gaps, as those of all pictures do.
struct normalization_plan {
  std::ptrdiff_t pictures = 1;
  std::ptrdiff_t pixels = 0;  ///< of a picture
  std::ptrdiff_t channels = 0;
  std::ptrdiff_t groups = 1;
  std::ptrdiff_t block = 1;   ///< pixels of a block
  std::ptrdiff_t blocks = 0;  ///< of a picture

  constexpr normalization_plan(std::ptrdiff_t pictures_, std::ptrdiff_t pixels_, std::ptrdiff_t channels_,
                               std::ptrdiff_t groups_)
      : pictures(pictures_),
        pixels(pixels_),
        channels(channels_),
        groups(groups_),
        block(std::clamp<std::ptrdiff_t>(8192 / std::max<std::ptrdiff_t>(channels_, 1), 64, 512)),
        blocks(rounded_up_quotient(pixels_, block)) {}

  constexpr std::ptrdiff_t group_channels() const { return channels / groups; }
  constexpr std::ptrdiff_t block_pixels(std::ptrdiff_t b) const {
    return std::min(block, pixels - b * block);
  }
  /// Scalars of one picture's sums, and of the sums of all.
  constexpr std::ptrdiff_t sums_size() const { return 2 * blocks * channels; }
  /// Scratch of either direction: sums, then four coefficients for each channel of each picture.
  constexpr std::ptrdiff_t scratch_size() const { return pictures * (sums_size() + 4 * channels); }

  /// `step(picture, block, first pixel among all, pixels)` for all blocks of all pictures.
  template <class Step>
  void for_all(std::ptrdiff_t maps, const Step& step) const {
    for_blocks(pictures * blocks, pictures * pixels * channels * maps, [&](std::ptrdiff_t i) {
      const std::ptrdiff_t picture = i / blocks;
      const std::ptrdiff_t b = i % blocks;
      step(picture, b, picture * pixels + b * block, block_pixels(b));
    });
  }
};

/// Calls `body(at, group, vector)` for the channels from 0 on, four vectors at a time while there are as
/// many, then one; `group` is their number. Neighboring cache lines of a pixel are read together, and four
/// sums hide the latency of addition.
template <class Scalar, class Body>
inline void for_vector_groups(std::ptrdiff_t channels, const Body& body) {
  constexpr std::integral_constant<int, 4> four;
  constexpr std::integral_constant<int, 1> one;
  std::ptrdiff_t at = 0;
  for (; at + 4 * lanes<Scalar> <= channels; at += 4 * lanes<Scalar>) body(at, four, whole_vector<Scalar>{});
  for (; at + lanes<Scalar> <= channels; at += lanes<Scalar>) body(at, one, whole_vector<Scalar>{});
  if (at < channels) body(at, one, partial_vector<Scalar>{channels - at});
}

/// For each of `Vectors` vectors side by side, two sums over the pixels i < count: `term(i, v, first,
/// second)` adds to what it is given. One vector alone is summed in four parts, a pixel each in turn.
template <class Scalar, std::size_t Vectors, class Term>
inline void sum_pixels(std::ptrdiff_t count, std::array<xsimd::batch<Scalar>, Vectors>& first,
                       std::array<xsimd::batch<Scalar>, Vectors>& second, const Term& term) {
  using batch = xsimd::batch<Scalar>;
  constexpr std::size_t sums = 4;
  static_assert(Vectors == 1 || Vectors == sums);
  constexpr std::ptrdiff_t step = sums / Vectors;
  const batch zero(Scalar(0));
  std::array<batch, sums> a{zero, zero, zero, zero};
  std::array<batch, sums> b{zero, zero, zero, zero};
  // written out by the compiler, so that sums stay in registers
  const auto unrolled = [&]<std::size_t... K>(std::index_sequence<K...>) {
    std::ptrdiff_t i = 0;
    for (; i + step <= count; i += step)
      (term(i + static_cast<std::ptrdiff_t>(K / Vectors), K % Vectors, a[K], b[K]), ...);
    for (; i < count; ++i) term(i, 0, a[0], b[0]);  // of one vector
  };
  unrolled(std::make_index_sequence<sums>{});
  if constexpr (Vectors == 1) {
    first[0] = (a[0] + a[1]) + (a[2] + a[3]);
    second[0] = (b[0] + b[1]) + (b[2] + b[3]);
  } else {
    first = a;
    second = b;
  }
}

/// Where vector `v` of a group begins.
template <class Scalar>
constexpr std::ptrdiff_t lane_of(std::size_t v) {
  return static_cast<std::ptrdiff_t>(v) * lanes<Scalar>;
}

/// Mean, and sum of squared differences from it, of each channel over `pixels` pixels.
template <class Scalar>
void block_moments(const Scalar* data, std::ptrdiff_t pitch, std::ptrdiff_t pixels, std::ptrdiff_t channels,
                   Scalar* means, Scalar* squares) {
  using batch = xsimd::batch<Scalar>;
  for_vector_groups<Scalar>(channels, [&](std::ptrdiff_t c, auto group, auto vector) {
    constexpr std::size_t vectors = group();
    const Scalar* column = data + c;
    const batch count(static_cast<Scalar>(pixels));
    std::array<batch, vectors> about, rest, square;
    const auto load = [&](std::ptrdiff_t i, std::size_t v) {
      return vector.load(column + i * pitch + lane_of<Scalar>(v));
    };
    sum_pixels<Scalar>(pixels, about, square,
                       [&](std::ptrdiff_t i, std::size_t v, batch& sum, batch&) { sum += load(i, v); });
    for (batch& mean : about) mean /= count;
    sum_pixels<Scalar>(pixels, rest, square,
                       [&](std::ptrdiff_t i, std::size_t v, batch& sum, batch& sum_of_squares) {
                         const batch difference = load(i, v) - about[v];
                         sum += difference;
                         sum_of_squares = xsimd::fma(difference, difference, sum_of_squares);
                       });
    for (std::size_t v = 0; v < vectors; ++v) {  // `about` is the mean but for rounding
      vector.store(means + c + lane_of<Scalar>(v), about[v] + rest[v] / count);
      vector.store(squares + c + lane_of<Scalar>(v), square[v] - rest[v] * rest[v] / count);
    }
  });
}

/// How many neighboring channels are joined at a time.
inline constexpr std::ptrdiff_t joined_columns = 16;

/// Replaces both sums of each picture's first block by what `join(from, columns, first, second)` makes of all
/// blocks: `from` is the first block's entry of the first of `columns` channels.
template <class Scalar, class Join>
void join_blocks(const normalization_plan& plan, Scalar* sums, const Join& join) {
  if (plan.blocks == 0) return;
  const std::ptrdiff_t parts = rounded_up_quotient(plan.channels, joined_columns);
  for_ranges(plan.pictures * parts, 4 * plan.blocks * joined_columns,
             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
               for (std::ptrdiff_t i = first; i < last; ++i) {
                 const std::ptrdiff_t c = i % parts * joined_columns;
                 Scalar* from = sums + i / parts * plan.sums_size() + c;
                 const std::ptrdiff_t columns = std::min(joined_columns, plan.channels - c);
                 double to[2][joined_columns] = {};
                 join(from, columns, to[0], to[1]);
                 for (std::ptrdiff_t k = 0; k < columns; ++k) {
                   from[k] = static_cast<Scalar>(to[0][k]);
                   from[plan.channels + k] = static_cast<Scalar>(to[1][k]);
                 }
               }
             });
}

/// Means and (biased) variances of all groups of all pictures. `sums` has `pictures * sums_size()` scalars.
template <class Scalar>
void group_moments(const normalization_plan& plan, const Scalar* data, std::ptrdiff_t pitch, Scalar* means,
                   Scalar* variances, Scalar* sums) {
  plan.for_all(2, [&](std::ptrdiff_t picture, std::ptrdiff_t b, std::ptrdiff_t first, std::ptrdiff_t pixels) {
    Scalar* to = sums + picture * plan.sums_size() + 2 * b * plan.channels;
    block_moments(data + first * pitch, pitch, pixels, plan.channels, to, to + plan.channels);
  });
  join_blocks(plan, sums, [&](const Scalar* from, std::ptrdiff_t columns, double* mean, double* squares) {
    for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) {
      const double share = static_cast<double>(plan.block_pixels(b)) / static_cast<double>(plan.pixels);
      const Scalar* row = from + 2 * b * plan.channels;
      for (std::ptrdiff_t k = 0; k < columns; ++k) mean[k] += share * static_cast<double>(row[k]);
    }
    for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) {
      const auto pixels = static_cast<double>(plan.block_pixels(b));
      const Scalar* row = from + 2 * b * plan.channels;
      for (std::ptrdiff_t k = 0; k < columns; ++k) {
        const double difference = static_cast<double>(row[k]) - mean[k];
        squares[k] += static_cast<double>(row[plan.channels + k]) + pixels * difference * difference;
      }
    }
  });
  // the channels of a group are joined by the same rule
  const std::ptrdiff_t width = plan.group_channels();
  for (std::ptrdiff_t i = 0; i < plan.pictures * plan.groups; ++i) {
    const Scalar* mean = sums + i / plan.groups * plan.sums_size() + i % plan.groups * width;
    const Scalar* squares = mean + plan.channels;
    double total = 0;
    for (std::ptrdiff_t c = 0; c < width; ++c) total += static_cast<double>(mean[c]);
    total /= static_cast<double>(width);
    double sum = 0;
    for (std::ptrdiff_t c = 0; c < width; ++c) {
      const double difference = static_cast<double>(mean[c]) - total;
      sum += static_cast<double>(squares[c]) + static_cast<double>(plan.pixels) * difference * difference;
    }
    means[i] = static_cast<Scalar>(total);
    variances[i] = static_cast<Scalar>(sum / (static_cast<double>(plan.pixels) * static_cast<double>(width)));
  }
}

template <class Scalar>
Scalar inverse_deviation(Scalar variance, double epsilon) {
  return static_cast<Scalar>(1 / std::sqrt(static_cast<double>(variance) + epsilon));
}

/// What a channel of a picture is multiplied with and so on: rows of `channels` numbers, one after another.
template <class Scalar>
struct coefficient_rows {
  Scalar* rows;
  std::ptrdiff_t channels;
  Scalar* operator()(std::ptrdiff_t picture, std::ptrdiff_t which) const {
    return rows + (4 * picture + which) * channels;
  }
};

/// y = (x - mean) scale + shift, with the coefficients 0, 1 and 2 of each picture and channel.
template <class Scalar>
void apply_normalization(const normalization_plan& plan, const feature_map<const Scalar>& x,
                         const coefficient_rows<Scalar>& coefficients, const feature_map<Scalar>& y) {
  plan.for_all(2, [&](std::ptrdiff_t picture, std::ptrdiff_t, std::ptrdiff_t first, std::ptrdiff_t pixels) {
    const Scalar* mean = coefficients(picture, 0);
    const Scalar* scale = coefficients(picture, 1);
    const Scalar* shift = coefficients(picture, 2);
    for (std::ptrdiff_t i = first; i < first + pixels; ++i) {
      const Scalar* from = x.data + i * x.pitch;
      Scalar* to = y.data + i * y.pitch;
      for_vectors<Scalar>(plan.channels, [&](std::ptrdiff_t c, auto vector) {
        vector.store(to + c, xsimd::fma(vector.load(from + c) - vector.load(mean + c), vector.load(scale + c),
                                        vector.load(shift + c)));
      });
    }
  });
}

/// gx = gy factor + (x - mean) slope + constant, or that added to gx, with the coefficients mean, factor,
/// slope and constant of each picture and channel.
template <class Scalar>
void apply_normalization_backward(const normalization_plan& plan, const feature_map<const Scalar>& x,
                                  const feature_map<const Scalar>& gy,
                                  const coefficient_rows<Scalar>& coefficients, const feature_map<Scalar>& gx,
                                  bool accumulate) {
  plan.for_all(3, [&](std::ptrdiff_t picture, std::ptrdiff_t, std::ptrdiff_t first, std::ptrdiff_t pixels) {
    const Scalar* mean = coefficients(picture, 0);
    const Scalar* factor = coefficients(picture, 1);
    const Scalar* slope = coefficients(picture, 2);
    const Scalar* constant = coefficients(picture, 3);
    for (std::ptrdiff_t i = first; i < first + pixels; ++i) {
      const Scalar* from = x.data + i * x.pitch;
      const Scalar* gradient = gy.data + i * gy.pitch;
      Scalar* to = gx.data + i * gx.pitch;
      for_vectors<Scalar>(plan.channels, [&](std::ptrdiff_t c, auto vector) {
        const auto rest = xsimd::fma(vector.load(from + c) - vector.load(mean + c), vector.load(slope + c),
                                     vector.load(constant + c));
        const auto value = xsimd::fma(vector.load(gradient + c), vector.load(factor + c), rest);
        vector.store(to + c, accumulate ? value + vector.load(to + c) : value);
      });
    }
  });
}

/// For each channel of each picture, the sums over its pixels of gy and of gy (x - mean), where mean is
/// coefficient 0. `sums` as above; afterwards its first two rows of each picture hold the totals.
template <class Scalar>
void gradient_sums(const normalization_plan& plan, const feature_map<const Scalar>& x,
                   const feature_map<const Scalar>& gy, const coefficient_rows<Scalar>& coefficients,
                   Scalar* sums) {
  using batch = xsimd::batch<Scalar>;
  plan.for_all(2, [&](std::ptrdiff_t picture, std::ptrdiff_t b, std::ptrdiff_t first, std::ptrdiff_t pixels) {
    Scalar* to = sums + picture * plan.sums_size() + 2 * b * plan.channels;
    const Scalar* mean = coefficients(picture, 0);
    for_vector_groups<Scalar>(plan.channels, [&](std::ptrdiff_t c, auto group, auto vector) {
      constexpr std::size_t vectors = group();
      const Scalar* from = x.data + first * x.pitch + c;
      const Scalar* gradient = gy.data + first * gy.pitch + c;
      std::array<batch, vectors> about, gradients, products;
      for (std::size_t v = 0; v < vectors; ++v) about[v] = vector.load(mean + c + lane_of<Scalar>(v));
      sum_pixels<Scalar>(pixels, gradients, products,
                         [&](std::ptrdiff_t i, std::size_t v, batch& sum, batch& product) {
                           const batch g = vector.load(gradient + i * gy.pitch + lane_of<Scalar>(v));
                           const batch value = vector.load(from + i * x.pitch + lane_of<Scalar>(v));
                           sum += g;
                           product = xsimd::fma(g, value - about[v], product);
                         });
      for (std::size_t v = 0; v < vectors; ++v) {
        vector.store(to + c + lane_of<Scalar>(v), gradients[v]);
        vector.store(to + plan.channels + c + lane_of<Scalar>(v), products[v]);
      }
    });
  });
  join_blocks(plan, sums,
              [&](const Scalar* from, std::ptrdiff_t columns, double* gradients, double* products) {
                for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) {
                  const Scalar* row = from + 2 * b * plan.channels;
                  for (std::ptrdiff_t k = 0; k < columns; ++k) {
                    gradients[k] += static_cast<double>(row[k]);
                    products[k] += static_cast<double>(row[plan.channels + k]);
                  }
                }
              });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
