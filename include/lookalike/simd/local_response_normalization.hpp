#pragma once

/// \file
/// Local response normalization across neighboring channels (Krizhevsky, Sutskever, Hinton, 2012):
///
///     y[c] = x[c] / d[c]^beta,   d[c] = k + alpha' sum of x[j]^2 over j from c - size / 2 to c + (size - 1)
///     / 2
///
/// within the channels, with integer division (PyTorch's window; it is symmetric for odd sizes). The paper's
/// alpha' is alpha; PyTorch, Caffe and ONNX divide alpha by `size`.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

struct local_response_options {
  int size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;
  bool divide_alpha = true;  ///< by `size`; false: as in the paper, whose k is 2
};

namespace detail {

/// Pixels are worked on in at most this many blocks, each with scratch memory of its own.
inline constexpr std::ptrdiff_t local_response_blocks = 32;

/// d^-beta, for d > 0.
template <class Batch>
Batch inverse_power(const Batch& d, double beta) {
  using scalar = typename Batch::value_type;
  if (beta == 0.75) {  // the usual case needs no logarithm
    const Batch root = xsimd::sqrt(d);
    return Batch(scalar(1)) / (root * xsimd::sqrt(root));
  }
  // One by one: xsimd 8.1's logarithm does not compile for AVX-512BW.
  alignas(Batch) scalar lanes[Batch::size];
  d.store_aligned(lanes);
  for (scalar& lane : lanes) lane = std::pow(lane, static_cast<scalar>(-beta));
  return Batch::load_aligned(lanes);
}

/// The rows of scratch memory of one block: channels with a margin of zeros on both sides, wide enough for
/// the window and for whole vectors.
template <class Scalar>
struct local_response_rows {
  int channels;
  std::ptrdiff_t before;  // reach of the window towards lower channels
  std::ptrdiff_t after;

  local_response_rows(int channels_, const local_response_options& options)
      : channels(channels_),
        before(std::min(options.size / 2, channels_)),
        after(std::min((options.size - 1) / 2, channels_)) {}

  std::ptrdiff_t margin() const { return std::max(before, after); }
  std::ptrdiff_t row_size() const { return channels + 2 * margin() + lanes<Scalar>; }

  /// The sum of row[c - first] to row[c + last], for as many c as a vector has lanes.
  xsimd::batch<Scalar> window_sum(const Scalar* row, std::ptrdiff_t c, std::ptrdiff_t first,
                                  std::ptrdiff_t last) const {
    xsimd::batch<Scalar> sum(Scalar(0));
    for (std::ptrdiff_t j = c - first; j <= c + last; ++j)
      sum += xsimd::batch<Scalar>::load_unaligned(row + j);
    return sum;
  }
};

inline double window_alpha(const local_response_options& options) {
  return options.divide_alpha ? options.alpha / options.size : options.alpha;
}

}  // namespace detail

/// Scalars of scratch memory for both directions.
template <class Scalar>
std::ptrdiff_t local_response_norm_scratch(const feature_map<Scalar>& x,
                                           const local_response_options& options) {
  using scalar = std::remove_const_t<Scalar>;
  const std::ptrdiff_t blocks = std::min(x.pixels(), detail::local_response_blocks);
  return 2 * blocks * detail::local_response_rows<scalar>(x.channels, options).row_size();
}

namespace detail {

/// Calls `step(pixel, first row, second row)` for all pixels; rows are scratch memory after their margin.
template <class Scalar, class Step>
void for_local_responses(const char* where, const feature_map<const Scalar>& x,
                         const local_response_options& options, std::span<Scalar> scratch, const Step& step) {
  require(options.size > 0, where, ": given a window of ", options.size, " channels, wanted at least 1");
  require(static_cast<std::ptrdiff_t>(scratch.size()) >= local_response_norm_scratch(x, options), where,
          ": given scratch for ", scratch.size(), " scalars, wanted ",
          local_response_norm_scratch(x, options));
  const local_response_rows<Scalar> rows(x.channels, options);
  const std::ptrdiff_t pixels = x.pixels();
  const std::ptrdiff_t blocks = std::min(pixels, local_response_blocks);
  for_blocks(blocks, pixels * x.channels * (options.size + 4), [&](std::ptrdiff_t b) {
    Scalar* first = scratch.data() + 2 * b * rows.row_size();
    std::fill_n(first, 2 * rows.row_size(), Scalar(0));
    first += rows.margin();
    for (std::ptrdiff_t i = pixels * b / blocks; i < pixels * (b + 1) / blocks; ++i)
      step(i, first, first + rows.row_size());
  });
}

}  // namespace detail

/// y may be x. `scratch` holds `local_response_norm_scratch` scalars. Throws `value_error` for a window of no
/// channels.
template <class Scalar>
void local_response_norm(const input_map<Scalar>& x, const local_response_options& options,
                         const feature_map<Scalar>& y, std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("local_response_norm", x, y);
  const detail::local_response_rows<Scalar> rows(x.channels, options);
  const batch alpha(static_cast<Scalar>(detail::window_alpha(options)));
  const batch k(static_cast<Scalar>(options.k));
  detail::for_local_responses<Scalar>(
      "local_response_norm", x, options, scratch, [&](std::ptrdiff_t i, Scalar* squares, Scalar*) {
        const Scalar* from = x.data + i * x.pitch;
        Scalar* to = y.data + i * y.pitch;
        detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch value = vector.load(from + c);
          vector.store(squares + c, value * value);
        });
        detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch d = xsimd::fma(alpha, rows.window_sum(squares, c, rows.before, rows.after), k);
          vector.store(to + c, vector.load(from + c) * detail::inverse_power(d, options.beta));
        });
      });
}

/// gx[i] = gy[i] / d[i]^beta - 2 alpha' beta x[i] sum of gy[j] x[j] / d[j]^(beta + 1) over the j whose window
/// holds i; or that added to gx. gx may be gy.
template <class Scalar>
void local_response_norm_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                                  const local_response_options& options, const feature_map<Scalar>& gx,
                                  bool accumulate, std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("local_response_norm_backward", x, gy);
  detail::require_same_extents("local_response_norm_backward", x, gx);
  const detail::local_response_rows<Scalar> rows(x.channels, options);
  const batch alpha(static_cast<Scalar>(detail::window_alpha(options)));
  const batch k(static_cast<Scalar>(options.k));
  const batch factor(static_cast<Scalar>(-2 * detail::window_alpha(options) * options.beta));
  detail::for_local_responses<Scalar>(
      "local_response_norm_backward", x, options, scratch,
      [&](std::ptrdiff_t i, Scalar* squares, Scalar* products) {
        const Scalar* from = x.data + i * x.pitch;
        const Scalar* gradient = gy.data + i * gy.pitch;
        Scalar* to = gx.data + i * gx.pitch;
        detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch value = vector.load(from + c);
          vector.store(squares + c, value * value);
        });
        const auto divisor = [&](std::ptrdiff_t c) {
          return xsimd::fma(alpha, rows.window_sum(squares, c, rows.before, rows.after), k);
        };
        detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch d = divisor(c);
          const batch power = detail::inverse_power(d, options.beta);
          vector.store(products + c, vector.load(gradient + c) * vector.load(from + c) * power / d);
        });
        detail::for_vectors<Scalar>(x.channels, [&](std::ptrdiff_t c, auto vector) {
          const batch direct = vector.load(gradient + c) * detail::inverse_power(divisor(c), options.beta);
          const batch others = rows.window_sum(products, c, rows.after, rows.before);
          const batch value = xsimd::fma(factor * vector.load(from + c), others, direct);
          vector.store(to + c, accumulate ? value + vector.load(to + c) : value);
        });
      });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
