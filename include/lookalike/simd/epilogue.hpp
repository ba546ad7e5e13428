#pragma once

/// \file
/// What a convolution or a matrix product does to a value before it stores it: bias, folded batch
/// normalization, a shortcut and an activation function cost no trip through memory of their own.

#include <cmath>

#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd {

/// Activation functions that can be fused into a store.
enum class activation_function : unsigned char {
  none,
  relu,        ///< max(v, 0)
  leaky_relu,  ///< v, or slope v below 0
  elu,         ///< v, or slope (exp(v) - 1) below 0 (Clevert et al., 2016)
  sigmoid,     ///< 1 / (1 + exp(-v))
  tanh,
  silu  ///< v sigmoid(v)
};

struct activation_options {
  activation_function function = activation_function::none;
  double slope = 0.01;  ///< of leaky_relu and elu

  friend constexpr bool operator==(const activation_options&, const activation_options&) = default;
};

/// What is stored in place of the result v of channel c at a pixel:
///
///     activation(scale[c] (v + bias[c]) + shift[c] + residual at this pixel and channel)
///
/// Null pointers, and a residual without data, leave their term out. The vectors have one entry an output
/// channel; the residual has the extents of the output and a pitch of its own. It may be the output itself,
/// to add to what is there.
template <class Scalar>
struct epilogue {
  const Scalar* bias = nullptr;
  const Scalar* scale = nullptr;
  const Scalar* shift = nullptr;
  feature_map<const Scalar> residual;
  activation_options activation;

  /// The same for the channels from `first` on.
  constexpr epilogue slice(int first, int count) const {
    epilogue part = *this;
    if (bias) part.bias += first;
    if (scale) part.scale += first;
    if (shift) part.shift += first;
    if (residual.data) part.residual = residual.slice(first, count);
    return part;
  }
};

inline namespace LOOKALIKE_SIMD_NAMESPACE {

/// The activation function of one value.
template <class Scalar>
Scalar activate(Scalar v, const activation_options& options) {
  switch (options.function) {
    case activation_function::none:
      return v;
    case activation_function::relu:
      return v < Scalar(0) ? Scalar(0) : v;  // NaN stays
    case activation_function::leaky_relu:
      return v < Scalar(0) ? Scalar(options.slope) * v : v;
    case activation_function::elu:
      return v < Scalar(0) ? Scalar(options.slope) * std::expm1(v) : v;
    case activation_function::sigmoid:
      return Scalar(1) / (Scalar(1) + std::exp(-v));
    case activation_function::tanh:
      return std::tanh(v);
    case activation_function::silu:
      return v / (Scalar(1) + std::exp(-v));
  }
  return v;
}

/// What `epilogue` stores in place of `v`, channel `c` of the pixel in row `y` and column `x` of picture `n`.
template <class Scalar>
Scalar finish(Scalar v, const epilogue<Scalar>& epilogue, int n, int y, int x, int c) {
  if (epilogue.bias) v += epilogue.bias[c];
  if (epilogue.scale) v *= epilogue.scale[c];
  if (epilogue.shift) v += epilogue.shift[c];
  if (epilogue.residual.data) v += epilogue.residual.pixel(n, y, x)[c];
  return activate(v, epilogue.activation);
}

}  // namespace LOOKALIKE_SIMD_NAMESPACE

}  // namespace lookalike::simd
