#pragma once

/// \file
/// Convolution of feature maps, as networks know it (a correlation: nothing is flipped), and its gradients.
/// Batches of NHWC maps with any channel pitch; weights in PyTorch's order, O x I/groups x kernel height x
/// kernel width. float runs on register tiles over pixels x channels; other scalars on plain loops.
///
/// The geometry is in the maps: y.height and y.width windows, `stride` apart, are computed, whether or not
/// `window_positions` of x is as many; padding_bottom and padding_right therefore do not matter here.
///
/// No function allocates. Each has a companion `..._scratch` that says how many scalars of memory it wants on
/// so many threads, of which no value survives a call; it reads the extents of maps, never their data or
/// pitch. With less memory fewer threads work; memory for one is the least. It is best aligned to cache
/// lines. The result of a picture depends neither on its batch nor on the number of threads, bit for bit;
/// gradients of weights do not depend on the number of threads.
///
/// Weights are packed into the order of the inner loops first, and transformed for Winograd's algorithms. Who
/// uses the same weights often packs them once (`pack_convolution`) and calls `convolve_packed` with the same
/// algorithm: one that `choose_convolution_algorithm`, or for the gradient of the data
/// `choose_transposed_convolution_algorithm`, has returned.

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/detail/channel_sums.hpp>
#include <lookalike/simd/detail/fast_convolution.hpp>
#include <lookalike/simd/detail/fold_border.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

// ---- forward ---------------------------------------------------------------------------------------------

/// The number of scalars that `pack_convolution` writes.
template <class Scalar>
std::ptrdiff_t packed_convolution_size(int input_channels, int output_channels, const window& window,
                                       int groups,
                                       convolution_algorithm algorithm = convolution_algorithm::direct) {
  return detail::convolution_kernels<Scalar>::packed_size(input_channels, output_channels, window, groups,
                                                          detail::concrete(algorithm, window, groups));
}

/// Weights in the order of the inner loops. Depends on the kernel, the channels and the algorithm only.
/// Throws `value_error` for `automatic`.
template <class Scalar>
void pack_convolution(const Scalar* weights, int input_channels, int output_channels, const window& window,
                      int groups, std::type_identity_t<Scalar>* packed,
                      convolution_algorithm algorithm = convolution_algorithm::direct) {
  detail::convolution_kernels<Scalar>::pack(weights, input_channels, output_channels, window, groups, packed,
                                            detail::concrete(algorithm, window, groups));
}

/// Scratch of `convolve_packed`.
template <class Scalar>
std::ptrdiff_t convolve_packed_scratch(const feature_map<const Scalar>& x, const window& window,
                                       padding_mode mode, int groups, const feature_map<const Scalar>& y,
                                       int thread_count = threads(),
                                       convolution_algorithm algorithm = convolution_algorithm::direct) {
  return thread_count * detail::convolution_kernels<Scalar>::scratch_each(
                            x, window, mode, groups, y, detail::concrete(algorithm, window, groups));
}

/// y = epilogue(x convolved with weights that `pack_convolution` packed).
template <class Scalar>
void convolve_packed(const std::type_identity_t<feature_map<const Scalar>>& x,
                     const std::type_identity_t<Scalar>* packed, const window& window, padding_mode mode,
                     int groups, const std::type_identity_t<epilogue<Scalar>>& epilogue,
                     const feature_map<Scalar>& y, std::type_identity_t<std::span<Scalar>> scratch,
                     convolution_algorithm algorithm = convolution_algorithm::direct) {
  detail::check_maps<Scalar>("convolve", x, y, groups, scratch.size(),
                             convolve_packed_scratch<Scalar>(x, window, mode, groups, y, 1, algorithm));
  detail::convolution_kernels<Scalar>::convolve(x, packed, window, mode, groups, epilogue, y, scratch,
                                                detail::concrete(algorithm, window, groups));
}

/// Scratch of `convolve`.
template <class Scalar>
std::ptrdiff_t convolve_scratch(const feature_map<const Scalar>& x, const window& window, padding_mode mode,
                                int groups, const feature_map<const Scalar>& y, int thread_count = threads(),
                                convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen<Scalar>(algorithm, x, window, groups, y);
  return detail::packed_or_in_place<Scalar>(
             packed_convolution_size<Scalar>(x.channels, y.channels, window, groups, algorithm)) +
         convolve_packed_scratch<Scalar>(x, window, mode, groups, y, thread_count, algorithm);
}

/// y = epilogue(x convolved with `weights`): channel o of the pixel in row i, column j is the sum over rows
/// k, columns l and channels c of the kernel (c within the group of o) of
///
///     weights[o, c, k, l] x[i stride - padding_top + k dilation, j stride - padding_left + l dilation, c]
///
/// Time grows with the number of multiplications. Throws `value_error` if batches, channels and `groups` do
/// not go together, or scratch is too small.
template <class Scalar>
void convolve(const std::type_identity_t<feature_map<const Scalar>>& x,
              const std::type_identity_t<Scalar>* weights, const window& window, padding_mode mode,
              int groups, const std::type_identity_t<epilogue<Scalar>>& epilogue,
              const feature_map<Scalar>& y, std::type_identity_t<std::span<Scalar>> scratch,
              convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen<Scalar>(algorithm, x, window, groups, y);
  detail::check_maps<Scalar>("convolve", x, y, groups, scratch.size(),
                             convolve_scratch<Scalar>(x, window, mode, groups, y, 1, algorithm));
  const auto [packed, rest] = detail::pack_into(
      scratch, weights, packed_convolution_size<Scalar>(x.channels, y.channels, window, groups, algorithm),
      [&](Scalar* to) { pack_convolution(weights, x.channels, y.channels, window, groups, to, algorithm); });
  convolve_packed(x, packed, window, mode, groups, epilogue, y, rest, algorithm);
}

// ---- backward, data --------------------------------------------------------------------------------------

/// The number of scalars that `pack_convolution_backward_data` writes.
template <class Scalar>
std::ptrdiff_t packed_convolution_backward_data_size(
    int input_channels, int output_channels, const window& window, int groups,
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  return detail::convolution_kernels<Scalar>::packed_adjoint_size(
      input_channels, output_channels, window, groups,
      detail::concrete_transposed(algorithm, window, groups));
}

/// Weights of the convolution (O x I/groups x ...) in the order in which its gradient wants them. Depends on
/// the kernel, stride, dilation, the channels and the algorithm only.
template <class Scalar>
void pack_convolution_backward_data(const Scalar* weights, int input_channels, int output_channels,
                                    const window& window, int groups, std::type_identity_t<Scalar>* packed,
                                    convolution_algorithm algorithm = convolution_algorithm::direct) {
  detail::convolution_kernels<Scalar>::pack_adjoint(weights, input_channels, output_channels, window, groups,
                                                    packed,
                                                    detail::concrete_transposed(algorithm, window, groups));
}

/// Scratch of `convolve_backward_data_packed`.
template <class Scalar>
std::ptrdiff_t convolve_backward_data_packed_scratch(
    const feature_map<const Scalar>& gy, const window& window, padding_mode mode, int groups,
    const feature_map<const Scalar>& gx, int thread_count = threads(),
    convolution_algorithm algorithm = convolution_algorithm::direct) {
  using kernels = detail::convolution_kernels<Scalar>;
  algorithm = detail::concrete_transposed(algorithm, window, groups);
  if (mode == padding_mode::zeros)
    return thread_count * kernels::adjoint_scratch_each(gy, window, groups, gx, algorithm);
  const auto padded = detail::padded_gradient<Scalar>(gy.picture(0), window, gx.channels, nullptr);
  return detail::aligned_size<Scalar>(padded.pixels() * padded.pitch) +
         thread_count * kernels::adjoint_scratch_each(gy.picture(0), detail::without_padding(window), groups,
                                                      padded, algorithm);
}

/// gx (+)= the gradient for the input, with weights that `pack_convolution_backward_data` packed.
template <class Scalar>
void convolve_backward_data_packed(const std::type_identity_t<feature_map<const Scalar>>& gy,
                                   const std::type_identity_t<Scalar>* packed, const window& window,
                                   padding_mode mode, int groups, const feature_map<Scalar>& gx,
                                   bool accumulate, std::type_identity_t<std::span<Scalar>> scratch,
                                   convolution_algorithm algorithm = convolution_algorithm::direct) {
  using kernels = detail::convolution_kernels<Scalar>;
  algorithm = detail::concrete_transposed(algorithm, window, groups);
  detail::check_maps<Scalar>(
      "convolve_backward_data", gx, gy, groups, scratch.size(),
      convolve_backward_data_packed_scratch<Scalar>(gy, window, mode, groups, gx, 1, algorithm));
  if (mode == padding_mode::zeros) {
    epilogue<Scalar> store;
    if (accumulate) store.residual = gx;
    kernels::adjoint(gy, packed, window, groups, store, gx, scratch, algorithm);
    return;
  }
  const auto padded = detail::padded_gradient<Scalar>(gy.picture(0), window, gx.channels, scratch.data());
  const auto rest =
      scratch.subspan(static_cast<std::size_t>(detail::aligned_size<Scalar>(padded.pixels() * padded.pitch)));
  for (int n = 0; n < gy.batch; ++n) {
    kernels::adjoint(gy.picture(n), packed, detail::without_padding(window), groups, {}, padded, rest,
                     algorithm);
    detail::fold_border<Scalar>(padded, window.padding_top, window.padding_left, mode, accumulate,
                                gx.picture(n));
  }
}

/// Scratch of `convolve_backward_data`.
template <class Scalar>
std::ptrdiff_t convolve_backward_data_scratch(
    const feature_map<const Scalar>& gy, const window& window, padding_mode mode, int groups,
    const feature_map<const Scalar>& gx, int thread_count = threads(),
    convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen_transposed<Scalar>(algorithm, gy, window, groups, gx);
  return detail::packed_or_in_place<Scalar>(packed_convolution_backward_data_size<Scalar>(
             gx.channels, gy.channels, window, groups, algorithm)) +
         convolve_backward_data_packed_scratch<Scalar>(gy, window, mode, groups, gx, thread_count, algorithm);
}

/// gx = the gradient for x of `convolve`, given the gradient gy for its result before the epilogue; added to
/// what is in gx if `accumulate`.
template <class Scalar>
void convolve_backward_data(const std::type_identity_t<feature_map<const Scalar>>& gy,
                            const std::type_identity_t<Scalar>* weights, const window& window,
                            padding_mode mode, int groups, const feature_map<Scalar>& gx, bool accumulate,
                            std::type_identity_t<std::span<Scalar>> scratch,
                            convolution_algorithm algorithm = convolution_algorithm::automatic) {
  algorithm = detail::chosen_transposed<Scalar>(algorithm, gy, window, groups, gx);
  detail::check_maps<Scalar>(
      "convolve_backward_data", gx, gy, groups, scratch.size(),
      convolve_backward_data_scratch<Scalar>(gy, window, mode, groups, gx, 1, algorithm));
  const auto [packed, rest] = detail::pack_into(
      scratch, weights,
      packed_convolution_backward_data_size<Scalar>(gx.channels, gy.channels, window, groups, algorithm),
      [&](Scalar* to) {
        pack_convolution_backward_data(weights, gx.channels, gy.channels, window, groups, to, algorithm);
      });
  convolve_backward_data_packed(gy, packed, window, mode, groups, gx, accumulate, rest, algorithm);
}

// ---- backward, weights -----------------------------------------------------------------------------------

/// Scratch of `convolve_backward_weights`.
template <class Scalar>
std::ptrdiff_t convolve_backward_weights_scratch(
    const feature_map<const Scalar>& x, const feature_map<const Scalar>& gy, const window& window,
    padding_mode mode, int groups, int thread_count = threads(),
    convolution_algorithm algorithm = convolution_algorithm::automatic) {
  const auto how = choose_weight_gradient_algorithm(algorithm, x.channels, gy.channels, window, groups,
                                                    gy.batch, gy.height, gy.width);
  return std::max(detail::convolution_kernels<Scalar>::weight_gradient_scratch(x, gy, window, mode, groups,
                                                                               thread_count, how),
                  detail::channel_sums_scratch<Scalar>(gy));
}

/// gw += the gradient for the weights of `convolve`, in their order, and gb += that for the bias (gb may be
/// null), given the gradient gy for its result before the epilogue. F(4x4) serves here as well, and is taken
/// where `choose_weight_gradient_algorithm` says so.
template <class Scalar>
void convolve_backward_weights(const std::type_identity_t<feature_map<const Scalar>>& x,
                               const std::type_identity_t<feature_map<const Scalar>>& gy,
                               const window& window, padding_mode mode, int groups, Scalar* gw,
                               std::type_identity_t<Scalar>* gb,
                               std::type_identity_t<std::span<Scalar>> scratch,
                               convolution_algorithm algorithm = convolution_algorithm::automatic) {
  detail::check_maps<Scalar>(
      "convolve_backward_weights", x, gy, groups, scratch.size(),
      convolve_backward_weights_scratch<Scalar>(x, gy, window, mode, groups, 1, algorithm));
  const auto how = choose_weight_gradient_algorithm(algorithm, x.channels, gy.channels, window, groups,
                                                    gy.batch, gy.height, gy.width);
  detail::convolution_kernels<Scalar>::weight_gradient(x, gy, window, mode, groups, gw, scratch, how);
  if (gb) detail::add_channel_sums<Scalar>(gy, gb, scratch.data());
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
