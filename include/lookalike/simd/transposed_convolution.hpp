#pragma once

/// \file
/// Transposed convolution of feature maps (deconvolution, up-convolution) and its gradients: the adjoint of a
/// convolution, forward. Weights in PyTorch's order, I x O/groups x kernel height x kernel width; beyond the
/// border there is nothing (zeros). Whatever convolution.hpp says of scratch, packing and determinism holds
/// here too.
///
/// The window is that of the convolution from y to x: its padding crops y. PyTorch's `output_padding` is
/// implied by the extents of y.

#include <cstddef>
#include <span>
#include <type_traits>

#include <lookalike/simd/convolution.hpp>
#include <lookalike/simd/detail/channel_sums.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

// ---- forward ---------------------------------------------------------------------------------------------

/// The number of scalars that `pack_transposed_convolution` writes.
template <class Scalar>
std::ptrdiff_t packed_transposed_convolution_size(
    int input_channels, int output_channels, const window& window, int groups,
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  return detail::convolution_kernels<Scalar>::packed_adjoint_size(
      output_channels, input_channels, window, groups,
      detail::concrete_transposed(algorithm, window, groups));
}

/// Weights in the order of the inner loops. Depends on the kernel, stride, dilation, the channels and the
/// algorithm only. Throws `value_error` for `automatic`.
template <class Scalar>
void pack_transposed_convolution(const Scalar* weights, int input_channels, int output_channels,
                                 const window& window, int groups, std::type_identity_t<Scalar>* packed,
                                 convolution_algorithm algorithm = convolution_algorithm::direct) {
  detail::convolution_kernels<Scalar>::pack_adjoint(weights, output_channels, input_channels, window, groups,
                                                    packed,
                                                    detail::concrete_transposed(algorithm, window, groups));
}

/// Scratch of `convolve_transposed_packed`.
template <class Scalar>
std::ptrdiff_t convolve_transposed_packed_scratch(
    const feature_map<const Scalar>& x, const window& window, int groups, const feature_map<const Scalar>& y,
    int thread_count = threads(), convolution_algorithm algorithm = convolution_algorithm::direct) {
  return thread_count * detail::convolution_kernels<Scalar>::adjoint_scratch_each(
                            x, window, groups, y, detail::concrete_transposed(algorithm, window, groups));
}

/// y = epilogue(x convolved, transposed, with weights that `pack_transposed_convolution` packed for the same
/// algorithm, which `choose_transposed_convolution_algorithm` has returned).
template <class Scalar>
void convolve_transposed_packed(const std::type_identity_t<feature_map<const Scalar>>& x,
                                const std::type_identity_t<Scalar>* packed, const window& window, int groups,
                                const std::type_identity_t<epilogue<Scalar>>& epilogue,
                                const feature_map<Scalar>& y, std::type_identity_t<std::span<Scalar>> scratch,
                                convolution_algorithm algorithm = convolution_algorithm::direct) {
  detail::check_maps<Scalar>("convolve_transposed", x, y, groups, scratch.size(),
                             convolve_transposed_packed_scratch<Scalar>(x, window, groups, y, 1, algorithm));
  detail::convolution_kernels<Scalar>::adjoint(x, packed, window, groups, epilogue, y, scratch,
                                               detail::concrete_transposed(algorithm, window, groups));
}

/// Scratch of `convolve_transposed`.
template <class Scalar>
std::ptrdiff_t convolve_transposed_scratch(
    const feature_map<const Scalar>& x, const window& window, int groups, const feature_map<const Scalar>& y,
    int thread_count = threads(), convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen_transposed<Scalar>(algorithm, x, window, groups, y);
  return detail::packed_or_in_place<Scalar>(
             packed_transposed_convolution_size<Scalar>(x.channels, y.channels, window, groups, algorithm)) +
         convolve_transposed_packed_scratch<Scalar>(x, window, groups, y, thread_count, algorithm);
}

/// y = epilogue(x convolved, transposed, with `weights`): each x[i, j, c] adds
///
///     weights[c, o, k, l] x[i, j, c]
///
/// to y[i stride - padding_top + k dilation, j stride - padding_left + l dilation, o]. Throws `value_error`
/// if batches, channels and `groups` do not go together, or scratch is too small.
template <class Scalar>
void convolve_transposed(const std::type_identity_t<feature_map<const Scalar>>& x,
                         const std::type_identity_t<Scalar>* weights, const window& window, int groups,
                         const std::type_identity_t<epilogue<Scalar>>& epilogue, const feature_map<Scalar>& y,
                         std::type_identity_t<std::span<Scalar>> scratch,
                         convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen_transposed<Scalar>(algorithm, x, window, groups, y);
  detail::check_maps<Scalar>("convolve_transposed", x, y, groups, scratch.size(),
                             convolve_transposed_scratch<Scalar>(x, window, groups, y, 1, algorithm));
  const auto [packed, rest] = detail::pack_into(
      scratch, weights,
      packed_transposed_convolution_size<Scalar>(x.channels, y.channels, window, groups, algorithm),
      [&](Scalar* to) {
        pack_transposed_convolution(weights, x.channels, y.channels, window, groups, to, algorithm);
      });
  convolve_transposed_packed(x, packed, window, groups, epilogue, y, rest, algorithm);
}

// ---- backward, data --------------------------------------------------------------------------------------

/// The number of scalars that `pack_transposed_convolution_backward_data` writes.
template <class Scalar>
std::ptrdiff_t packed_transposed_convolution_backward_data_size(
    int input_channels, int output_channels, const window& window, int groups,
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  return packed_convolution_size<Scalar>(output_channels, input_channels, window, groups, algorithm);
}

/// Weights of the transposed convolution (I x O/groups x ...) in the order in which its gradient wants them.
template <class Scalar>
void pack_transposed_convolution_backward_data(
    const Scalar* weights, int input_channels, int output_channels, const window& window, int groups,
    std::type_identity_t<Scalar>* packed, convolution_algorithm algorithm = convolution_algorithm::direct) {
  pack_convolution(weights, output_channels, input_channels, window, groups, packed, algorithm);
}

/// Scratch of `convolve_transposed_backward_data_packed`.
template <class Scalar>
std::ptrdiff_t convolve_transposed_backward_data_packed_scratch(
    const feature_map<const Scalar>& gy, const window& window, int groups,
    const feature_map<const Scalar>& gx, int thread_count = threads(),
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  return convolve_packed_scratch<Scalar>(gy, window, padding_mode::zeros, groups, gx, thread_count,
                                         algorithm);
}

/// gx (+)= the gradient for the input, with weights that `pack_transposed_convolution_backward_data` packed.
template <class Scalar>
void convolve_transposed_backward_data_packed(
    const std::type_identity_t<feature_map<const Scalar>>& gy, const std::type_identity_t<Scalar>* packed,
    const window& window, int groups, const feature_map<Scalar>& gx, bool accumulate,
    std::type_identity_t<std::span<Scalar>> scratch,
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  epilogue<Scalar> store;
  if (accumulate) store.residual = gx;
  convolve_packed(gy, packed, window, padding_mode::zeros, groups, store, gx, scratch, algorithm);
}

/// Scratch of `convolve_transposed_backward_data`.
template <class Scalar>
std::ptrdiff_t convolve_transposed_backward_data_scratch(
    const feature_map<const Scalar>& gy, const window& window, int groups,
    const feature_map<const Scalar>& gx, int thread_count = threads(),
    convolution_algorithm algorithm = convolution_algorithm::automatic) {
  return convolve_scratch<Scalar>(gy, window, padding_mode::zeros, groups, gx, thread_count, algorithm);
}

/// gx = the gradient for x of `convolve_transposed`, given the gradient gy for its result before the
/// epilogue; added to what is in gx if `accumulate`.
template <class Scalar>
void convolve_transposed_backward_data(const std::type_identity_t<feature_map<const Scalar>>& gy,
                                       const std::type_identity_t<Scalar>* weights, const window& window,
                                       int groups, const feature_map<Scalar>& gx, bool accumulate,
                                       std::type_identity_t<std::span<Scalar>> scratch,
                                       convolution_algorithm algorithm = convolution_algorithm::automatic) {
  epilogue<Scalar> store;
  if (accumulate) store.residual = gx;
  convolve(gy, weights, window, padding_mode::zeros, groups, store, gx, scratch, algorithm);
}

// ---- backward, weights -----------------------------------------------------------------------------------

/// Scratch of `convolve_transposed_backward_weights`.
template <class Scalar>
std::ptrdiff_t convolve_transposed_backward_weights_scratch(const feature_map<const Scalar>& x,
                                                            const feature_map<const Scalar>& gy,
                                                            const window& window, int groups,
                                                            int thread_count = threads()) {
  return std::max(
      convolve_backward_weights_scratch<Scalar>(gy, x, window, padding_mode::zeros, groups, thread_count),
      detail::channel_sums_scratch<Scalar>(gy));
}

/// gw += the gradient for the weights of `convolve_transposed`, in their order, and gb += that for the bias
/// (gb may be null), given the gradient gy for its result before the epilogue.
template <class Scalar>
void convolve_transposed_backward_weights(const std::type_identity_t<feature_map<const Scalar>>& x,
                                          const std::type_identity_t<feature_map<const Scalar>>& gy,
                                          const window& window, int groups, Scalar* gw,
                                          std::type_identity_t<Scalar>* gb,
                                          std::type_identity_t<std::span<Scalar>> scratch) {
  detail::check_maps<Scalar>("convolve_transposed_backward_weights", x, gy, groups, scratch.size(),
                             convolve_transposed_backward_weights_scratch<Scalar>(x, gy, window, groups, 1));
  convolve_backward_weights(gy, x, window, padding_mode::zeros, groups, gw, nullptr, scratch);
  if (gb) detail::add_channel_sums<Scalar>(gy, gb, scratch.data());
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
