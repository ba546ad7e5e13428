#pragma once

/// \file
/// The hot loops of optimizers: one step for a run of parameters, in place. Every number goes through the
/// same vector instructions, wherever it lies, so that a run may be cut anywhere without changing a bit.

#include <algorithm>
#include <array>
#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd {

/// One step of stochastic gradient descent.
struct sgd_settings {
  double learning_rate = 0;
  double weight_decay = 0;    ///< times the value, added to the gradient
  double momentum = 0;        ///< what is kept of the velocity
  double gradient_share = 1;  ///< what the velocity takes of the gradient
  bool nesterov = false;      ///< step along gradient + momentum * velocity instead of the velocity
};

/// One step of Adam.
struct adam_settings {
  double step_size = 0;     ///< learning rate / (1 - beta1^t)
  double shrinkage = 0;     ///< the share of the value that is taken away first (decoupled weight decay)
  double weight_decay = 0;  ///< times the value, added to the gradient
  double beta1 = 0;
  double beta2 = 0;
  double root_of_correction = 1;  ///< sqrt(1 - beta2^t)
  double epsilon = 0;
};

/// One step of ADADELTA.
struct adadelta_settings {
  double learning_rate = 0;
  double weight_decay = 0;  ///< times the value, added to the gradient
  double rho = 0;
  double epsilon = 0;
};

inline namespace LOOKALIKE_SIMD_NAMESPACE {

namespace update_detail {

/// Runs `body(numbers)` on `count` numbers of several arrays, a vector of each at a time; what `body` leaves
/// in `numbers` is stored. The arrays must not overlap. The rest that fills no vector goes through a padded
/// copy.
template <class Scalar, std::size_t Arrays, class Body>
inline void for_each_vector(const std::array<Scalar*, Arrays>& arrays, std::size_t count, const Body& body) {
  using batch = xsimd::batch<Scalar>;
  std::array<batch, Arrays> numbers;
  std::size_t i = 0;
  for (; i + batch::size <= count; i += batch::size) {
    for (std::size_t a = 0; a < Arrays; ++a) numbers[a] = batch::load_unaligned(arrays[a] + i);
    body(numbers);
    for (std::size_t a = 0; a < Arrays; ++a) numbers[a].store_unaligned(arrays[a] + i);
  }
  if (i == count) return;
  std::array<std::array<Scalar, batch::size>, Arrays> rest{};
  for (std::size_t a = 0; a < Arrays; ++a) {
    std::copy(arrays[a] + i, arrays[a] + count, rest[a].begin());
    numbers[a] = batch::load_unaligned(rest[a].data());
  }
  body(numbers);
  for (std::size_t a = 0; a < Arrays; ++a) {
    numbers[a].store_unaligned(rest[a].data());
    std::copy_n(rest[a].begin(), count - i, arrays[a] + i);
  }
}

}  // namespace update_detail

/// value -= learning_rate * (gradient + weight_decay * value).
template <class Scalar>
inline void sgd_update(Scalar* values, Scalar* gradients, std::size_t count, const sgd_settings& settings) {
  using batch = xsimd::batch<Scalar>;
  const batch rate(static_cast<Scalar>(settings.learning_rate));
  const batch decay(static_cast<Scalar>(settings.weight_decay));
  update_detail::for_each_vector<Scalar, 2>({values, gradients}, count, [&](std::array<batch, 2>& numbers) {
    auto& [value, gradient] = numbers;
    value = xsimd::fnma(rate, xsimd::fma(decay, value, gradient), value);
  });
}

/// The same with a velocity: g = gradient + weight_decay * value; velocity = momentum * velocity +
/// gradient_share * g; value -= learning_rate * (velocity, or g + momentum * velocity).
template <class Scalar>
inline void momentum_update(Scalar* values, Scalar* gradients, Scalar* velocities, std::size_t count,
                            const sgd_settings& settings) {
  using batch = xsimd::batch<Scalar>;
  const batch rate(static_cast<Scalar>(settings.learning_rate));
  const batch decay(static_cast<Scalar>(settings.weight_decay));
  const batch momentum(static_cast<Scalar>(settings.momentum));
  const batch share(static_cast<Scalar>(settings.gradient_share));
  const bool nesterov = settings.nesterov;
  update_detail::for_each_vector<Scalar, 3>(
      {values, gradients, velocities}, count, [&](std::array<batch, 3>& numbers) {
        auto& [value, gradient, velocity] = numbers;
        const batch slope = xsimd::fma(decay, value, gradient);
        velocity = xsimd::fma(momentum, velocity, share * slope);
        value = xsimd::fnma(rate, nesterov ? xsimd::fma(momentum, velocity, slope) : velocity, value);
      });
}

/// value *= 1 - shrinkage; g = gradient + weight_decay * value; mean += (1 - beta1) * (g - mean);
/// square = beta2 * square + (1 - beta2) * g^2;
/// value -= step_size * mean / (sqrt(square) / root_of_correction + epsilon).
template <class Scalar>
inline void adam_update(Scalar* values, Scalar* gradients, Scalar* means, Scalar* squares, std::size_t count,
                        const adam_settings& settings) {
  using batch = xsimd::batch<Scalar>;
  const batch size(static_cast<Scalar>(settings.step_size));
  const batch kept(static_cast<Scalar>(1 - settings.shrinkage));
  const batch decay(static_cast<Scalar>(settings.weight_decay));
  const batch share1(static_cast<Scalar>(1 - settings.beta1));
  const batch beta2(static_cast<Scalar>(settings.beta2));
  const batch share2(static_cast<Scalar>(1 - settings.beta2));
  const batch correction(static_cast<Scalar>(settings.root_of_correction));
  const batch epsilon(static_cast<Scalar>(settings.epsilon));
  update_detail::for_each_vector<Scalar, 4>(
      {values, gradients, means, squares}, count, [&](std::array<batch, 4>& numbers) {
        auto& [value, gradient, mean, square] = numbers;
        value *= kept;
        const batch slope = xsimd::fma(decay, value, gradient);
        mean = xsimd::fma(share1, slope - mean, mean);
        square = xsimd::fma(share2 * slope, slope, beta2 * square);
        value = xsimd::fnma(size, mean / (xsimd::sqrt(square) / correction + epsilon), value);
      });
}

/// g = gradient + weight_decay * value; square = rho * square + (1 - rho) * g^2;
/// d = sqrt(moved + epsilon) / sqrt(square + epsilon) * g; moved = rho * moved + (1 - rho) * d^2;
/// value -= learning_rate * d.
template <class Scalar>
inline void adadelta_update(Scalar* values, Scalar* gradients, Scalar* squares, Scalar* moved,
                            std::size_t count, const adadelta_settings& settings) {
  using batch = xsimd::batch<Scalar>;
  const batch rate(static_cast<Scalar>(settings.learning_rate));
  const batch decay(static_cast<Scalar>(settings.weight_decay));
  const batch rho(static_cast<Scalar>(settings.rho));
  const batch share(static_cast<Scalar>(1 - settings.rho));
  const batch epsilon(static_cast<Scalar>(settings.epsilon));
  update_detail::for_each_vector<Scalar, 4>(
      {values, gradients, squares, moved}, count, [&](std::array<batch, 4>& numbers) {
        auto& [value, gradient, square, move] = numbers;
        const batch slope = xsimd::fma(decay, value, gradient);
        square = xsimd::fma(share * slope, slope, rho * square);
        const batch difference = xsimd::sqrt(move + epsilon) / xsimd::sqrt(square + epsilon) * slope;
        move = xsimd::fma(share * difference, difference, rho * move);
        value = xsimd::fnma(rate, difference, value);
      });
}

/// average += share * (value - average).
template <class Scalar>
inline void average_update(Scalar* averages, const Scalar* values, std::size_t count, double share) {
  using batch = xsimd::batch<Scalar>;
  const batch part(static_cast<Scalar>(share));
  std::size_t i = 0;
  for (; i + batch::size <= count; i += batch::size) {
    const batch average = batch::load_unaligned(averages + i);
    xsimd::fma(part, batch::load_unaligned(values + i) - average, average).store_unaligned(averages + i);
  }
  if (i == count) return;
  std::array<Scalar, batch::size> old{}, now{};
  std::copy(averages + i, averages + count, old.begin());
  std::copy(values + i, values + count, now.begin());
  const batch average = batch::load_unaligned(old.data());
  xsimd::fma(part, batch::load_unaligned(now.data()) - average, average).store_unaligned(old.data());
  std::copy_n(old.begin(), count - i, averages + i);
}

}  // namespace LOOKALIKE_SIMD_NAMESPACE

}  // namespace lookalike::simd
