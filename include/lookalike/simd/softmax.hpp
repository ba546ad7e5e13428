#pragma once

/// \file
/// Softmax, its logarithm and log-sum-exp over the channels of each pixel. The largest channel is subtracted
/// first, so that nothing overflows; channels of -infinity get the probability 0. A pixel with a NaN or
/// +infinity becomes NaN, and one whose channels are all -infinity does too, as in PyTorch.
///
/// y may be x. Backward functions overwrite gx, or add to it with `accumulate`; gx may be gy. To take a
/// softmax over something else than channels, permute first.

#include <cmath>
#include <cstddef>
#include <limits>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// Loads as `vector` does, but the lanes beyond the channels are -infinity, which neither wins a maximum nor
/// adds to a sum of exponentials.
template <class Scalar, class Vector>
inline xsimd::batch<Scalar> load_or_nothing(const Scalar* from, const Vector& vector) {
  if constexpr (std::is_same_v<Vector, whole_vector<Scalar>>) {
    return vector.load(from);
  } else {
    return xsimd::select(first_lanes<Scalar>(vector.count), vector.load(from),
                         xsimd::batch<Scalar>(-std::numeric_limits<Scalar>::infinity()));
  }
}

template <class Scalar>
inline Scalar largest_lane(const xsimd::batch<Scalar>& value) {
  alignas(64) Scalar buffer[static_cast<std::size_t>(lanes<Scalar>)];
  value.store_aligned(buffer);
  Scalar largest = buffer[0];
  for (std::ptrdiff_t i = 1; i < lanes<Scalar>; ++i) largest = buffer[i] > largest ? buffer[i] : largest;
  return largest;
}

/// The largest of the numbers; NaNs do not count.
template <class Scalar>
inline Scalar maximum_of(const Scalar* from, std::ptrdiff_t channels) {
  using batch = xsimd::batch<Scalar>;
  batch largest(-std::numeric_limits<Scalar>::infinity());
  for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
    const batch value = load_or_nothing(from + c, vector);
    largest = xsimd::select(value > largest, value, largest);
  });
  return largest_lane(largest);
}

/// The sum of exp(x[c] - maximum); `keep(c, vector, exponentials)` sees the terms.
template <class Scalar, class Keep>
inline Scalar sum_of_exponentials(const Scalar* from, std::ptrdiff_t channels, Scalar maximum,
                                  const Keep& keep) {
  using batch = xsimd::batch<Scalar>;
  batch sum(Scalar(0));
  for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
    const batch value = xsimd::exp(load_or_nothing(from + c, vector) - batch(maximum));
    keep(c, vector, value);
    sum += value;
  });
  return xsimd::hadd(sum);
}

}  // namespace detail

/// y[c] = exp(x[c]) / sum over the channels j of exp(x[j]), at every pixel.
template <class Scalar>
void softmax(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("softmax", x, y);
  detail::for_ranges(
      y.pixels(), y.channels * std::ptrdiff_t{8}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* from = x.data + i * x.pitch;
          Scalar* to = y.data + i * y.pitch;
          const Scalar maximum = detail::maximum_of(from, x.channels);
          const Scalar sum = detail::sum_of_exponentials(
              from, x.channels, maximum,
              [&](std::ptrdiff_t c, auto vector, const batch& value) { vector.store(to + c, value); });
          const batch factor(Scalar(1) / sum);
          detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
            vector.store(to + c, vector.load(to + c) * factor);
          });
        }
      });
}

/// gx[c] = y[c] (gy[c] - sum over j of gy[j] y[j]), from the output y.
template <class Scalar>
void softmax_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                      bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("softmax_backward", y, gx);
  detail::require_same_extents("softmax_backward", gy, gx);
  detail::for_ranges(
      gx.pixels(), gx.channels * std::ptrdiff_t{4}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* probability = y.data + i * y.pitch;
          const Scalar* gradient = gy.data + i * gy.pitch;
          Scalar* to = gx.data + i * gx.pitch;
          batch products(Scalar(0));
          detail::for_vectors<Scalar>(gx.channels, [&](std::ptrdiff_t c, auto vector) {
            products = xsimd::fma(vector.load(probability + c), vector.load(gradient + c), products);
          });
          const batch mean(xsimd::hadd(products));
          detail::for_vectors<Scalar>(gx.channels, [&](std::ptrdiff_t c, auto vector) {
            const batch value = vector.load(probability + c) * (vector.load(gradient + c) - mean);
            vector.store(to + c, accumulate ? value + vector.load(to + c) : value);
          });
        }
      });
}

/// y = log(sum over the channels of exp(x)) at every pixel; y has one channel. Infinite where the largest
/// channel is.
template <class Scalar>
void log_sum_exp(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  require(y.channels == 1 && y.pixels() == x.pixels() && y.batch == x.batch,
          "log_sum_exp: given an output of ", y.channels, " channels and ", y.pixels(),
          " pixels, wanted 1 channel and ", x.pixels(), " pixels");
  detail::for_ranges(x.pixels(), x.channels * std::ptrdiff_t{6},
                     [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                       for (std::ptrdiff_t i = first; i < last; ++i) {
                         const Scalar* from = x.data + i * x.pitch;
                         const Scalar largest = detail::maximum_of(from, x.channels);
                         const Scalar maximum = std::isinf(largest) ? Scalar(0) : largest;
                         const Scalar sum = detail::sum_of_exponentials(
                             from, x.channels, maximum, [](std::ptrdiff_t, auto, const batch&) {});
                         y.data[i * y.pitch] = maximum + std::log(sum);
                       }
                     });
}

/// y[c] = x[c] - log(sum over the channels j of exp(x[j])), at every pixel.
template <class Scalar>
void log_softmax(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("log_softmax", x, y);
  detail::for_ranges(y.pixels(), y.channels * std::ptrdiff_t{8},
                     [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                       for (std::ptrdiff_t i = first; i < last; ++i) {
                         const Scalar* from = x.data + i * x.pitch;
                         Scalar* to = y.data + i * y.pitch;
                         const Scalar maximum = detail::maximum_of(from, x.channels);
                         const Scalar sum = detail::sum_of_exponentials(
                             from, x.channels, maximum, [](std::ptrdiff_t, auto, const batch&) {});
                         const batch logarithm(std::log(sum));
                         // the maximum first: it may be large, and the logarithm lost in it
                         detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
                           vector.store(to + c, (vector.load(from + c) - batch(maximum)) - logarithm);
                         });
                       }
                     });
}

/// gx[c] = gy[c] - exp(y[c]) sum over j of gy[j], from the output y.
template <class Scalar>
void log_softmax_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy,
                          const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("log_softmax_backward", y, gx);
  detail::require_same_extents("log_softmax_backward", gy, gx);
  detail::for_ranges(
      gx.pixels(), gx.channels * std::ptrdiff_t{6}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* logarithm = y.data + i * y.pitch;
          const Scalar* gradient = gy.data + i * gy.pitch;
          Scalar* to = gx.data + i * gx.pitch;
          batch sum(Scalar(0));
          detail::for_vectors<Scalar>(
              gx.channels, [&](std::ptrdiff_t c, auto vector) { sum += vector.load(gradient + c); });
          const batch total(xsimd::hadd(sum));
          detail::for_vectors<Scalar>(gx.channels, [&](std::ptrdiff_t c, auto vector) {
            const batch value =
                xsimd::fnma(xsimd::exp(vector.load(logarithm + c)), total, vector.load(gradient + c));
            vector.store(to + c, accumulate ? value + vector.load(to + c) : value);
          });
        }
      });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
