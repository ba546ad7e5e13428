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
#include <cmath>
#include <cstddef>

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

/// The sum over i < count of term(i), in four running sums that hide the latency of addition.
template <class Batch, class Term>
inline Batch sum_of_terms(std::ptrdiff_t count, const Term& term) {
  using scalar = typename Batch::value_type;
  Batch s0(scalar(0)), s1(scalar(0)), s2(scalar(0)), s3(scalar(0));
  std::ptrdiff_t i = 0;
  for (; i + 4 <= count; i += 4) {
    s0 += term(i);
    s1 += term(i + 1);
    s2 += term(i + 2);
    s3 += term(i + 3);
  }
  for (; i < count; ++i) s0 += term(i);
  return (s0 + s1) + (s2 + s3);
}

/// Mean, and sum of squared differences from it, of each channel over `pixels` pixels.
template <class Scalar>
void block_moments(const Scalar* data, std::ptrdiff_t pitch, std::ptrdiff_t pixels, std::ptrdiff_t channels,
                   Scalar* means, Scalar* squares) {
  using batch = xsimd::batch<Scalar>;
  for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
    const Scalar* column = data + c;
    const batch count(static_cast<Scalar>(pixels));
    const batch about =
        sum_of_terms<batch>(pixels, [&](std::ptrdiff_t i) { return vector.load(column + i * pitch); }) /
        count;
    batch d0(Scalar(0)), d1(Scalar(0)), q0(Scalar(0)), q1(Scalar(0));
    std::ptrdiff_t i = 0;
    for (; i + 2 <= pixels; i += 2) {
      const batch first = vector.load(column + i * pitch) - about;
      const batch second = vector.load(column + (i + 1) * pitch) - about;
      d0 += first;
      d1 += second;
      q0 = xsimd::fma(first, first, q0);
      q1 = xsimd::fma(second, second, q1);
    }
    if (i < pixels) {
      const batch first = vector.load(column + i * pitch) - about;
      d0 += first;
      q0 = xsimd::fma(first, first, q0);
    }
    // `about` is the mean but for rounding
    const batch rest = d0 + d1;
    vector.store(means + c, about + rest / count);
    vector.store(squares + c, (q0 + q1) - rest * rest / count);
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
  const std::ptrdiff_t width = plan.group_channels();
  const double count = static_cast<double>(plan.pixels) * static_cast<double>(width);
  for_ranges(
      plan.pictures * plan.groups, 4 * plan.blocks * width, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* from = sums + i / plan.groups * plan.sums_size() + i % plan.groups * width;
          double sum = 0;
          for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) {
            double block_sum = 0;
            for (std::ptrdiff_t c = 0; c < width; ++c)
              block_sum += static_cast<double>(from[2 * b * plan.channels + c]);
            sum += block_sum * static_cast<double>(plan.block_pixels(b));
          }
          const double mean = sum / count;
          double squares = 0;
          for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) {
            const Scalar* block = from + 2 * b * plan.channels;
            const auto pixels = static_cast<double>(plan.block_pixels(b));
            for (std::ptrdiff_t c = 0; c < width; ++c) {
              const double difference = static_cast<double>(block[c]) - mean;
              squares += static_cast<double>(block[plan.channels + c]) + pixels * difference * difference;
            }
          }
          means[i] = static_cast<Scalar>(mean);
          variances[i] = static_cast<Scalar>(squares / count);
        }
      });
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
    for_vectors<Scalar>(plan.channels, [&](std::ptrdiff_t c, auto vector) {
      const Scalar* from = x.data + first * x.pitch + c;
      const Scalar* gradient = gy.data + first * gy.pitch + c;
      const batch about = vector.load(mean + c);
      batch s0(Scalar(0)), s1(Scalar(0)), p0(Scalar(0)), p1(Scalar(0));
      const auto step = [&](std::ptrdiff_t i, batch& sum, batch& products) {
        const batch g = vector.load(gradient + i * gy.pitch);
        sum += g;
        products = xsimd::fma(g, vector.load(from + i * x.pitch) - about, products);
      };
      std::ptrdiff_t i = 0;
      for (; i + 2 <= pixels; i += 2) {
        step(i, s0, p0);
        step(i + 1, s1, p1);
      }
      if (i < pixels) step(i, s0, p0);
      vector.store(to + c, s0 + s1);
      vector.store(to + plan.channels + c, p0 + p1);
    });
  });
  const std::ptrdiff_t width = 2 * plan.channels;
  for_ranges(plan.pictures * width, 2 * plan.blocks, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    for (std::ptrdiff_t i = first; i < last; ++i) {
      Scalar* column = sums + i / width * plan.sums_size() + i % width;
      double total = 0;
      for (std::ptrdiff_t b = 0; b < plan.blocks; ++b) total += static_cast<double>(column[b * width]);
      if (plan.blocks > 0) column[0] = static_cast<Scalar>(total);
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
