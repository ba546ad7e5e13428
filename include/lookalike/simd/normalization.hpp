#pragma once

/// \file
/// Batch normalization (Ioffe and Szegedy, 2015), instance normalization (Ulyanov, Vedaldi, Lempitsky, 2016)
/// and group normalization (Wu and He, 2018): channels are brought to mean 0 and variance 1, then scaled and
/// shifted by learned numbers,
///
///     y = (x - mean) / sqrt(variance + epsilon) weight[c] + bias[c]
///
/// with the mean and the (biased) variance of a channel over the batch, of a channel over a picture, or of a
/// group of neighboring channels over a picture. (Over the channels of one pixel, or all of a picture with
/// one weight an element: simd/layer_normalization.hpp.)
///
/// Backward functions overwrite gx, or add to it with `accumulate`; gx without data leaves it out. They add
/// to the gradients of weight and bias, where these are not null. y may be x and gx may be gy. All take
/// scratch memory of `..._scratch` scalars and throw `value_error` if it is too small or extents differ.

#include <cmath>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/normalize.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// One weight and bias a channel; null: 1 and 0.
template <class Scalar>
struct affine {
  const Scalar* weight = nullptr;
  const Scalar* bias = nullptr;
};

/// Their gradients, to be added to; null where nobody wants them.
template <class Scalar>
struct affine_gradient {
  Scalar* weight = nullptr;
  Scalar* bias = nullptr;
};

/// What a forward run in training leaves for the backward run: one number a channel (batch normalization), or
/// one a group of each picture, picture by picture.
template <class Scalar>
struct moments {
  Scalar* mean = nullptr;
  Scalar* inverse_deviation = nullptr;  ///< 1 / sqrt(variance + epsilon)

  constexpr operator moments<const Scalar>() const requires(!std::is_const_v<Scalar>) {
    return {mean, inverse_deviation};
  }
};

/// What batch normalization remembers of the batches it has seen; null pointers: nothing.
template <class Scalar>
struct running_moments {
  Scalar* mean = nullptr;
  Scalar* variance = nullptr;
  double momentum = 0.1;  ///< weight of the new batch: running = (1 - momentum) running + momentum new
};

namespace detail {

/// Over all pixels of all pictures, each channel on its own.
template <class Scalar>
constexpr normalization_plan batch_plan(const feature_map<Scalar>& x) {
  return {1, x.pixels(), x.channels, std::max(x.channels, 1)};
}

template <class Scalar>
constexpr normalization_plan group_plan(const feature_map<Scalar>& x, int groups) {
  return {x.batch, std::ptrdiff_t{x.height} * x.width, x.channels, groups};
}

template <class Scalar>
void require_scratch(const char* where, std::span<Scalar> scratch, std::ptrdiff_t wanted) {
  require(static_cast<std::ptrdiff_t>(scratch.size()) >= wanted, where, ": given scratch for ",
          scratch.size(), " scalars, wanted ", wanted);
}

/// Coefficients of the forward run from the moments of the groups.
template <class Scalar>
void forward_coefficients(const normalization_plan& plan, const affine<Scalar>& parameters,
                          const moments<const Scalar>& of, const coefficient_rows<Scalar>& to) {
  for (std::ptrdiff_t p = 0; p < plan.pictures; ++p) {
    for (std::ptrdiff_t c = 0; c < plan.channels; ++c) {
      const std::ptrdiff_t group = p * plan.groups + c / plan.group_channels();
      const Scalar weight = parameters.weight ? parameters.weight[c] : Scalar(1);
      to(p, 0)[c] = of.mean[group];
      to(p, 1)[c] = of.inverse_deviation[group] * weight;
      to(p, 2)[c] = parameters.bias ? parameters.bias[c] : Scalar(0);
    }
  }
}

/// Coefficients of the backward run, in place of those of the forward run. `sums` are `gradient_sums`.
template <class Scalar>
void backward_coefficients(const normalization_plan& plan, const affine<Scalar>& parameters,
                           const moments<const Scalar>& of, const Scalar* sums,
                           const coefficient_rows<Scalar>& to) {
  const std::ptrdiff_t width = plan.group_channels();
  const double count = static_cast<double>(plan.pixels) * static_cast<double>(width);
  for (std::ptrdiff_t i = 0; i < plan.pictures * plan.groups; ++i) {
    const std::ptrdiff_t picture = i / plan.groups;
    const std::ptrdiff_t first = i % plan.groups * width;
    const Scalar* total = sums + picture * plan.sums_size();
    double sum = 0;
    double product = 0;
    for (std::ptrdiff_t c = first; c < first + width; ++c) {
      const double weight = parameters.weight ? static_cast<double>(parameters.weight[c]) : 1.0;
      sum += weight * static_cast<double>(total[c]);
      product += weight * static_cast<double>(total[plan.channels + c]);
    }
    const auto inverse = static_cast<double>(of.inverse_deviation[i]);
    for (std::ptrdiff_t c = first; c < first + width; ++c) {
      // the factor, coefficient 1, is that of the forward run
      to(picture, 2)[c] = static_cast<Scalar>(-inverse * inverse * inverse * product / count);
      to(picture, 3)[c] = static_cast<Scalar>(-inverse * sum / count);
    }
  }
}

/// Adds to the gradients of weight and bias.
template <class Scalar>
void add_affine_gradients(const normalization_plan& plan, const moments<const Scalar>& of, const Scalar* sums,
                          const affine_gradient<Scalar>& gradients) {
  for (std::ptrdiff_t c = 0; c < plan.channels; ++c) {
    double weight = 0;
    double bias = 0;
    for (std::ptrdiff_t p = 0; p < plan.pictures && plan.blocks > 0; ++p) {
      const Scalar* total = sums + p * plan.sums_size();
      const std::ptrdiff_t group = p * plan.groups + c / plan.group_channels();
      weight +=
          static_cast<double>(total[plan.channels + c]) * static_cast<double>(of.inverse_deviation[group]);
      bias += static_cast<double>(total[c]);
    }
    if (gradients.weight) gradients.weight[c] += static_cast<Scalar>(weight);
    if (gradients.bias) gradients.bias[c] += static_cast<Scalar>(bias);
  }
}

/// The forward runs, where the moments are known. `scratch` has four scalars for each channel of each
/// picture.
template <class Scalar>
void normalize(const normalization_plan& plan, const feature_map<const Scalar>& x,
               const affine<Scalar>& parameters, const moments<const Scalar>& of,
               const feature_map<Scalar>& y, Scalar* scratch) {
  const coefficient_rows<Scalar> coefficients{scratch, plan.channels};
  forward_coefficients(plan, parameters, of, coefficients);
  apply_normalization(plan, x, coefficients, y);
}

/// The backward runs. `through_moments`: the moments are those of x and vary with it.
template <class Scalar>
void normalize_backward(const normalization_plan& plan, const feature_map<const Scalar>& x,
                        const feature_map<const Scalar>& gy, const affine<Scalar>& parameters,
                        const moments<const Scalar>& of, bool through_moments, const feature_map<Scalar>& gx,
                        bool accumulate, const affine_gradient<Scalar>& gradients, Scalar* scratch) {
  Scalar* sums = scratch;
  const coefficient_rows<Scalar> coefficients{scratch + plan.pictures * plan.sums_size(), plan.channels};
  forward_coefficients(plan, parameters, of, coefficients);
  if (through_moments || gradients.weight || gradients.bias) {
    gradient_sums(plan, x, gy, coefficients, sums);
    add_affine_gradients(plan, of, sums, gradients);
  }
  if (!gx.data || plan.pictures * plan.pixels == 0) return;
  if (through_moments) {
    backward_coefficients(plan, parameters, of, sums, coefficients);
  } else {
    for (std::ptrdiff_t p = 0; p < plan.pictures; ++p)
      std::fill_n(coefficients(p, 2), 2 * plan.channels, Scalar(0));
  }
  apply_normalization_backward(plan, x, gy, coefficients, gx, accumulate);
}

}  // namespace detail

// ---- batch normalization ----------------------------------------------------------------------------------

/// Scalars of scratch memory for all functions of batch normalization.
template <class Scalar>
constexpr std::ptrdiff_t batch_norm_scratch(const feature_map<Scalar>& x) {
  return detail::batch_plan(x).scratch_size();
}

/// Normalizes by the moments of the batch, which it writes to `saved` (one number a channel) and mixes into
/// `running`, whose variance is the unbiased one, divided by count - 1. Throws `value_error` if there is only
/// one pixel in the batch, which has no variance.
template <class Scalar>
void batch_norm_training(const input_map<Scalar>& x, const affine<std::type_identity_t<Scalar>>& parameters,
                         double epsilon, const running_moments<std::type_identity_t<Scalar>>& running,
                         const moments<std::type_identity_t<Scalar>>& saved, const feature_map<Scalar>& y,
                         std::span<std::type_identity_t<Scalar>> scratch) {
  const detail::normalization_plan plan = detail::batch_plan(x);
  detail::require_same_extents("batch_norm_training", x, y);
  detail::require_scratch("batch_norm_training", scratch, plan.scratch_size());
  require(plan.pixels != 1,
          "batch_norm_training: given one value a channel, wanted at least two to take a variance of");
  if (plan.pixels == 0) return;
  detail::group_moments(plan, x.data, x.pitch, saved.mean, saved.inverse_deviation, scratch.data());
  const double unbiased = static_cast<double>(plan.pixels) / static_cast<double>(plan.pixels - 1);
  for (std::ptrdiff_t c = 0; c < plan.channels; ++c) {
    const auto mix = [&](Scalar& to, double value) {
      to = static_cast<Scalar>((1 - running.momentum) * static_cast<double>(to) + running.momentum * value);
    };
    const Scalar variance = saved.inverse_deviation[c];
    if (running.mean) mix(running.mean[c], static_cast<double>(saved.mean[c]));
    if (running.variance) mix(running.variance[c], static_cast<double>(variance) * unbiased);
    saved.inverse_deviation[c] = detail::inverse_deviation(variance, epsilon);
  }
  detail::normalize<Scalar>(plan, x, parameters, saved, y, scratch.data());
}

/// The gradient of the above; `saved` is what it wrote.
template <class Scalar>
void batch_norm_training_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                                  const affine<std::type_identity_t<Scalar>>& parameters,
                                  const moments<const std::type_identity_t<Scalar>>& saved,
                                  const feature_map<Scalar>& gx, bool accumulate,
                                  const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                                  std::span<std::type_identity_t<Scalar>> scratch) {
  const detail::normalization_plan plan = detail::batch_plan(x);
  detail::require_same_extents("batch_norm_training_backward", x, gy);
  if (gx.data) detail::require_same_extents("batch_norm_training_backward", x, gx);
  detail::require_scratch("batch_norm_training_backward", scratch, plan.scratch_size());
  detail::normalize_backward<Scalar>(plan, x, gy, parameters, saved, true, gx, accumulate, gradients,
                                     scratch.data());
}

/// Normalizes by given moments: what was remembered in training. `scratch` may be smaller than in training: 4
/// scalars a channel.
template <class Scalar>
void batch_norm_inference(const input_map<Scalar>& x, const affine<std::type_identity_t<Scalar>>& parameters,
                          double epsilon, const std::type_identity_t<Scalar>* mean,
                          const std::type_identity_t<Scalar>* variance, const feature_map<Scalar>& y,
                          std::span<std::type_identity_t<Scalar>> scratch) {
  const detail::normalization_plan plan = detail::batch_plan(x);
  detail::require_same_extents("batch_norm_inference", x, y);
  detail::require_scratch("batch_norm_inference", scratch, 4 * plan.channels);
  Scalar* inverse = scratch.data() + 3 * plan.channels;  // a row that the forward run leaves alone
  for (std::ptrdiff_t c = 0; c < plan.channels; ++c)
    inverse[c] = detail::inverse_deviation(variance[c], epsilon);
  detail::normalize<Scalar>(plan, x, parameters, {mean, inverse}, y, scratch.data());
}

/// The gradient of the above. Mean and variance are constants.
template <class Scalar>
void batch_norm_inference_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                                   const affine<std::type_identity_t<Scalar>>& parameters, double epsilon,
                                   const std::type_identity_t<Scalar>* mean,
                                   const std::type_identity_t<Scalar>* variance,
                                   const feature_map<Scalar>& gx, bool accumulate,
                                   const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                                   std::span<std::type_identity_t<Scalar>> scratch) {
  const detail::normalization_plan plan = detail::batch_plan(x);
  detail::require_same_extents("batch_norm_inference_backward", x, gy);
  if (gx.data) detail::require_same_extents("batch_norm_inference_backward", x, gx);
  detail::require_scratch("batch_norm_inference_backward", scratch, plan.scratch_size());
  Scalar* inverse = scratch.data() + plan.sums_size() + 3 * plan.channels;  // not needed when it is cleared
  for (std::ptrdiff_t c = 0; c < plan.channels; ++c)
    inverse[c] = detail::inverse_deviation(variance[c], epsilon);
  detail::normalize_backward<Scalar>(plan, x, gy, parameters, {mean, inverse}, false, gx, accumulate,
                                     gradients, scratch.data());
}

// ---- group and instance normalization ---------------------------------------------------------------------

/// Scalars of scratch memory for both directions of group normalization.
template <class Scalar>
constexpr std::ptrdiff_t group_norm_scratch(const feature_map<Scalar>& x) {
  return detail::group_plan(x, 1).scratch_size();
}

/// Normalizes the channels of each picture in `groups` groups; with one group a channel that is instance
/// normalization. Writes batch * groups moments to `saved`. Throws `value_error` if channels are no multiple
/// of groups.
template <class Scalar>
void group_norm(const input_map<Scalar>& x, int groups,
                const affine<std::type_identity_t<Scalar>>& parameters, double epsilon,
                const moments<std::type_identity_t<Scalar>>& saved, const feature_map<Scalar>& y,
                std::span<std::type_identity_t<Scalar>> scratch) {
  require(groups > 0 && x.channels % groups == 0, "group_norm: given ", x.channels,
          " channels, wanted a multiple of ", groups, " groups");
  const detail::normalization_plan plan = detail::group_plan(x, groups);
  detail::require_same_extents("group_norm", x, y);
  detail::require_scratch("group_norm", scratch, plan.scratch_size());
  if (plan.pixels == 0) return;
  detail::group_moments(plan, x.data, x.pitch, saved.mean, saved.inverse_deviation, scratch.data());
  for (std::ptrdiff_t i = 0; i < plan.pictures * plan.groups; ++i)
    saved.inverse_deviation[i] = detail::inverse_deviation(saved.inverse_deviation[i], epsilon);
  detail::normalize<Scalar>(plan, x, parameters, saved, y, scratch.data());
}

template <class Scalar>
void group_norm_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, int groups,
                         const affine<std::type_identity_t<Scalar>>& parameters,
                         const moments<const std::type_identity_t<Scalar>>& saved,
                         const feature_map<Scalar>& gx, bool accumulate,
                         const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                         std::span<std::type_identity_t<Scalar>> scratch) {
  require(groups > 0 && x.channels % groups == 0, "group_norm_backward: given ", x.channels,
          " channels, wanted a multiple of ", groups, " groups");
  const detail::normalization_plan plan = detail::group_plan(x, groups);
  detail::require_same_extents("group_norm_backward", x, gy);
  if (gx.data) detail::require_same_extents("group_norm_backward", x, gx);
  detail::require_scratch("group_norm_backward", scratch, plan.scratch_size());
  detail::normalize_backward<Scalar>(plan, x, gy, parameters, saved, true, gx, accumulate, gradients,
                                     scratch.data());
}

/// Scalars of scratch memory for both directions of instance normalization.
template <class Scalar>
constexpr std::ptrdiff_t instance_norm_scratch(const feature_map<Scalar>& x) {
  return group_norm_scratch(x);
}

/// Normalizes each channel of each picture. Writes batch * channels moments to `saved`.
template <class Scalar>
void instance_norm(const input_map<Scalar>& x, const affine<std::type_identity_t<Scalar>>& parameters,
                   double epsilon, const moments<std::type_identity_t<Scalar>>& saved,
                   const feature_map<Scalar>& y, std::span<std::type_identity_t<Scalar>> scratch) {
  if (x.channels > 0) group_norm(x, x.channels, parameters, epsilon, saved, y, scratch);
}

template <class Scalar>
void instance_norm_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                            const affine<std::type_identity_t<Scalar>>& parameters,
                            const moments<const std::type_identity_t<Scalar>>& saved,
                            const feature_map<Scalar>& gx, bool accumulate,
                            const affine_gradient<std::type_identity_t<Scalar>>& gradients,
                            std::span<std::type_identity_t<Scalar>> scratch) {
  if (x.channels > 0)
    group_norm_backward(x, gy, x.channels, parameters, saved, gx, accumulate, gradients, scratch);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
