#pragma once

/// \file
/// Layer normalization (Ba, Kiros, Hinton, 2016): y = (x - mean) / sqrt(variance + epsilon) weight + bias,
/// with mean and (biased) variance over the channels of a pixel, or over all channels and pixels of a
/// picture. There is one weight and one bias for each number that the moments are taken over.
///
/// Backward functions overwrite gx, or add to it with `accumulate`; gx without data leaves it out. They add
/// to the gradients of weight and bias, where these are not null. y may be x and gx may be gy. Functions
/// throw `value_error` if extents differ or scratch memory is too small.

#include <cmath>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/normalize.hpp>
#include <lookalike/simd/normalization.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// The sum over the channels of a pixel of term(c, vector), in a fixed order. Lanes beyond the channels do
/// not count, whatever the term is there.
template <class Scalar, class Term>
inline Scalar sum_over_channels(std::ptrdiff_t channels, const Term& term) {
  using batch = xsimd::batch<Scalar>;
  batch even(Scalar(0)), odd(Scalar(0));
  bool second = false;
  for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
    batch value = term(c, vector);
    if (vector.count < lanes<Scalar>) {
      value = xsimd::select(first_lanes<Scalar>(vector.count), value, batch(Scalar(0)));
    }
    (second ? odd : even) += value;
    second = !second;
  });
  return xsimd::hadd(even + odd);
}

template <class Scalar>
struct pixel_moments {
  Scalar mean;
  Scalar inverse_deviation;
};

template <class Scalar>
inline pixel_moments<Scalar> moments_of_pixel(const Scalar* pixel, std::ptrdiff_t channels, double epsilon) {
  using batch = xsimd::batch<Scalar>;
  const auto count = static_cast<Scalar>(channels);
  const Scalar mean = sum_over_channels<Scalar>(
                          channels, [&](std::ptrdiff_t c, auto vector) { return vector.load(pixel + c); }) /
                      count;
  const Scalar squares = sum_over_channels<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
    const batch difference = vector.load(pixel + c) - batch(mean);
    return difference * difference;
  });
  return {mean, inverse_deviation(squares / count, epsilon)};
}

/// Pixels of a block whose part of the gradients of weight and bias is summed on its own.
inline std::ptrdiff_t layer_norm_block(std::ptrdiff_t channels) {
  return std::max<std::ptrdiff_t>(64, block_scalars / std::max<std::ptrdiff_t>(channels, 1));
}

}  // namespace detail

// ---- over the channels of a pixel -------------------------------------------------------------------------

/// Normalizes every pixel by itself; weight and bias have one entry a channel.
template <class Scalar>
void layer_norm(const input_map<Scalar>& x, const affine<std::type_identity_t<Scalar>>& parameters,
                double epsilon, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("layer_norm", x, y);
  detail::for_ranges(
      y.pixels(), y.channels * std::ptrdiff_t{4}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* from = x.data + i * x.pitch;
          Scalar* to = y.data + i * y.pitch;
          const auto of = detail::moments_of_pixel(from, x.channels, epsilon);
          detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
            batch value = (vector.load(from + c) - batch(of.mean)) * batch(of.inverse_deviation);
            if (parameters.weight) value *= vector.load(parameters.weight + c);
            if (parameters.bias) value += vector.load(parameters.bias + c);
            vector.store(to + c, value);
          });
        }
      });
}

template <class Scalar>
std::ptrdiff_t layer_norm_scratch(const feature_map<Scalar>& x) {
  return detail::rounded_up_quotient(x.pixels(), detail::layer_norm_block(x.channels)) * 2 * x.channels;
}

/// The gradient of the above. Moments are computed anew, which is cheaper than reading them. `scratch` holds
/// `layer_norm_scratch` scalars.
template <class Scalar>
void layer_norm_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                         const affine<std::type_identity_t<Scalar>>& parameters, double epsilon,
                         const feature_map<Scalar>& gx, bool accumulate,
                         const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                         std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("layer_norm_backward", x, gy);
  if (gx.data) detail::require_same_extents("layer_norm_backward", x, gx);
  detail::require_scratch("layer_norm_backward", scratch, layer_norm_scratch(x));
  const std::ptrdiff_t channels = x.channels;
  const std::ptrdiff_t block = detail::layer_norm_block(channels);
  const std::ptrdiff_t blocks = detail::rounded_up_quotient(x.pixels(), block);
  const bool wants_parameters = gradients.weight || gradients.bias;
  detail::for_blocks(blocks, x.pixels() * channels * 6, [&](std::ptrdiff_t b) {
    Scalar* weight_sums = scratch.data() + 2 * b * channels;
    Scalar* bias_sums = weight_sums + channels;
    std::fill_n(weight_sums, 2 * channels, Scalar(0));
    for (std::ptrdiff_t i = b * block; i < std::min((b + 1) * block, x.pixels()); ++i) {
      const Scalar* from = x.data + i * x.pitch;
      const Scalar* gradient = gy.data + i * gy.pitch;
      const auto of = detail::moments_of_pixel(from, channels, epsilon);
      const auto normalized = [&](std::ptrdiff_t c, auto vector) {
        return (vector.load(from + c) - batch(of.mean)) * batch(of.inverse_deviation);
      };
      const auto weighted = [&](std::ptrdiff_t c, auto vector) {
        const batch g = vector.load(gradient + c);
        return parameters.weight ? g * vector.load(parameters.weight + c) : g;
      };
      if (wants_parameters) {
        detail::for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
          const batch g = vector.load(gradient + c);
          vector.store(weight_sums + c, xsimd::fma(g, normalized(c, vector), vector.load(weight_sums + c)));
          vector.store(bias_sums + c, g + vector.load(bias_sums + c));
        });
      }
      if (!gx.data) continue;
      Scalar* to = gx.data + i * gx.pitch;
      const auto count = static_cast<Scalar>(channels);
      const Scalar mean = detail::sum_over_channels<Scalar>(channels, weighted) / count;
      const Scalar slope =
          detail::sum_over_channels<Scalar>(
              channels,
              [&](std::ptrdiff_t c, auto vector) { return weighted(c, vector) * normalized(c, vector); }) /
          count;
      detail::for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
        const batch value = (weighted(c, vector) - batch(mean) - normalized(c, vector) * batch(slope)) *
                            batch(of.inverse_deviation);
        vector.store(to + c, accumulate ? value + vector.load(to + c) : value);
      });
    }
  });
  for (std::ptrdiff_t c = 0; wants_parameters && c < channels; ++c) {
    double weight = 0;
    double bias = 0;
    for (std::ptrdiff_t b = 0; b < blocks; ++b) {
      weight += static_cast<double>(scratch[static_cast<std::size_t>(2 * b * channels + c)]);
      bias += static_cast<double>(scratch[static_cast<std::size_t>((2 * b + 1) * channels + c)]);
    }
    if (gradients.weight) gradients.weight[c] += static_cast<Scalar>(weight);
    if (gradients.bias) gradients.bias[c] += static_cast<Scalar>(bias);
  }
}

// ---- over a picture ---------------------------------------------------------------------------------------

/// Scalars of scratch memory for both directions.
template <class Scalar>
constexpr std::ptrdiff_t picture_norm_scratch(const feature_map<Scalar>& x) {
  return std::max(detail::group_plan(x, 1).scratch_size(), std::ptrdiff_t{2} * x.batch * x.height * 2);
}

/// Normalizes every picture by itself, over channels, rows and columns. Weight and bias have one entry an
/// element, in PyTorch's order: channels, rows, columns. Writes one pair of moments a picture to `saved`.
template <class Scalar>
void picture_norm(const input_map<Scalar>& x, const affine<std::type_identity_t<Scalar>>& parameters,
                  double epsilon, const moments<std::type_identity_t<Scalar>>& saved,
                  const feature_map<Scalar>& y, std::span<std::type_identity_t<Scalar>> scratch) {
  group_norm(x, 1, {}, epsilon, saved, y, scratch);
  if (!parameters.weight && !parameters.bias) return;
  const std::ptrdiff_t plane = std::ptrdiff_t{y.height} * y.width;
  detail::for_ranges(y.pixels(), y.channels * std::ptrdiff_t{4},
                     [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                       for (std::ptrdiff_t i = first; i < last; ++i) {
                         Scalar* pixel = y.data + i * y.pitch;
                         for (std::ptrdiff_t c = 0; c < y.channels; ++c) {
                           const std::ptrdiff_t element = c * plane + i % plane;
                           if (parameters.weight) pixel[c] *= parameters.weight[element];
                           if (parameters.bias) pixel[c] += parameters.bias[element];
                         }
                       }
                     });
}

/// The gradient of the above; `saved` is what it wrote.
template <class Scalar>
void picture_norm_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                           const affine<std::type_identity_t<Scalar>>& parameters,
                           const moments<const std::type_identity_t<Scalar>>& saved,
                           const feature_map<Scalar>& gx, bool accumulate,
                           const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                           std::span<std::type_identity_t<Scalar>> scratch) {
  detail::require_same_extents("picture_norm_backward", x, gy);
  if (gx.data) detail::require_same_extents("picture_norm_backward", x, gx);
  detail::require_scratch("picture_norm_backward", scratch, picture_norm_scratch(x));
  const std::ptrdiff_t plane = std::ptrdiff_t{x.height} * x.width;
  const std::ptrdiff_t channels = x.channels;
  const std::ptrdiff_t scalars = x.pixels() * channels * 4;
  const auto normalized = [&](std::ptrdiff_t i, std::ptrdiff_t c) {
    const std::ptrdiff_t n = i / plane;
    return (x.data[i * x.pitch + c] - saved.mean[n]) * saved.inverse_deviation[n];
  };
  if (gradients.weight || gradients.bias) {
    detail::for_ranges(plane, x.batch * channels * 4, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        for (std::ptrdiff_t at = first; at < last; ++at) {
          Scalar weight = 0;
          Scalar bias = 0;
          for (std::ptrdiff_t i = at; i < x.pixels(); i += plane) {
            const Scalar g = gy.data[i * gy.pitch + c];
            weight += g * normalized(i, c);
            bias += g;
          }
          if (gradients.weight) gradients.weight[c * plane + at] += weight;
          if (gradients.bias) gradients.bias[c * plane + at] += bias;
        }
      }
    });
  }
  if (!gx.data || plane == 0 || channels == 0) return;
  const auto weighted = [&](std::ptrdiff_t i, std::ptrdiff_t c) {
    const Scalar g = gy.data[i * gy.pitch + c];
    return parameters.weight ? g * parameters.weight[c * plane + i % plane] : g;
  };
  // sums of each row of each picture, then of each picture
  Scalar* sums = scratch.data();
  detail::for_blocks(std::ptrdiff_t{x.batch} * x.height, scalars, [&](std::ptrdiff_t row) {
    double sum = 0;
    double product = 0;
    for (std::ptrdiff_t i = row * x.width; i < (row + 1) * x.width; ++i) {
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const auto g = static_cast<double>(weighted(i, c));
        sum += g;
        product += g * static_cast<double>(normalized(i, c));
      }
    }
    sums[2 * row] = static_cast<Scalar>(sum);
    sums[2 * row + 1] = static_cast<Scalar>(product);
  });
  const double count = static_cast<double>(plane) * static_cast<double>(channels);
  Scalar* totals = sums + 2 * std::ptrdiff_t{x.batch} * x.height;
  for (std::ptrdiff_t n = 0; n < x.batch; ++n) {
    double sum = 0;
    double product = 0;
    for (std::ptrdiff_t row = n * x.height; row < (n + 1) * x.height; ++row) {
      sum += static_cast<double>(sums[2 * row]);
      product += static_cast<double>(sums[2 * row + 1]);
    }
    totals[2 * n] = static_cast<Scalar>(sum / count);
    totals[2 * n + 1] = static_cast<Scalar>(product / count);
  }
  detail::for_ranges(x.pixels(), channels * 4, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
    for (std::ptrdiff_t i = first; i < last; ++i) {
      const std::ptrdiff_t n = i / plane;
      Scalar* to = gx.data + i * gx.pitch;
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        const Scalar value = (weighted(i, c) - totals[2 * n] - normalized(i, c) * totals[2 * n + 1]) *
                             saved.inverse_deviation[n];
        to[c] = accumulate ? to[c] + value : value;
      }
    }
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
