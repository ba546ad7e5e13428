#pragma once

/// \file
/// The weight and bias that normalizations have in common: their first two parameters, if any.

#include <lookalike/nn/layer.hpp>
#include <lookalike/simd/normalization.hpp>

namespace lookalike::detail {

template <class Scalar>
simd::affine<Scalar> affine_of(bool has, std::span<const Scalar* const> parameters) {
  if (!has) return {};
  return {parameters[0], parameters[1]};
}

template <class Scalar>
simd::affine_gradient<Scalar> affine_gradient_of(bool has, const backward_call<Scalar>& call) {
  if (!has) return {};
  return {call.parameter_gradients[0], call.parameter_gradients[1]};
}

/// The two halves of what a forward run saves: means, then inverse deviations.
template <class Scalar>
simd::moments<Scalar> moments_in(std::span<Scalar> saved) {
  return {saved.data(), saved.data() + saved.size() / 2};
}

constexpr void expect_epsilon(double epsilon, diagnosis& problem) {
  if (!(epsilon >= 0) && !problem.failed()) problem << "expects an epsilon of 0 or more, given one below";
}

}  // namespace lookalike::detail
