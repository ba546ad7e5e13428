#pragma once

/// \file
/// What the public functions of convolution share: checks, division of scratch memory, and the choice between
/// plain loops and vector code.

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/detail/plain_convolution.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// `count` scalars rounded up to whole cache lines.
template <class Scalar>
constexpr std::ptrdiff_t aligned_size(std::ptrdiff_t count) {
  constexpr std::ptrdiff_t line = 64 / sizeof(Scalar);
  return (count + line - 1) / line * line;
}

template <class Scalar>
void check_maps(const char* where, const feature_map<const Scalar>& x, const feature_map<const Scalar>& y,
                int groups, std::size_t scratch_given, std::ptrdiff_t scratch_wanted) {
  require(x.batch == y.batch, where, ": given batches of ", x.batch, " and ", y.batch,
          ", wanted the same number of pictures");
  require(groups > 0 && x.channels % groups == 0 && y.channels % groups == 0, where, ": given ", x.channels,
          " and ", y.channels, " channels, wanted multiples of ", groups, " groups");
  require(static_cast<std::ptrdiff_t>(scratch_given) >= scratch_wanted, where, ": given scratch for ",
          scratch_given, " scalars, wanted ", scratch_wanted);
}

inline void require_concrete(convolution_algorithm asked_for) {
  require(asked_for != convolution_algorithm::automatic,
          "convolution: given the algorithm 'automatic' for packed weights, wanted what "
          "choose_convolution_algorithm returns");
}

/// The algorithm that packed weights are for: the one that is asked for where it can be.
inline convolution_algorithm concrete(convolution_algorithm asked_for, const window& window, int groups) {
  require_concrete(asked_for);
  return choose_convolution_algorithm(asked_for, 0, 0, window, groups, 0, 0);
}
inline convolution_algorithm concrete_transposed(convolution_algorithm asked_for, const window& window,
                                                 int groups) {
  require_concrete(asked_for);
  return choose_transposed_convolution_algorithm(asked_for, 0, 0, window, groups, 0, 0);
}

/// The algorithm from `from` to `to`, whose weights are not packed yet.
template <class Scalar>
convolution_algorithm chosen(convolution_algorithm asked_for, const feature_map<const Scalar>& from,
                             const window& window, int groups, const feature_map<const Scalar>& to) {
  return choose_convolution_algorithm(asked_for, from.channels, to.channels, window, groups, to.height,
                                      to.width);
}

template <class Scalar>
convolution_algorithm chosen_transposed(convolution_algorithm asked_for, const feature_map<const Scalar>& x,
                                        const window& window, int groups,
                                        const feature_map<const Scalar>& y) {
  return choose_transposed_convolution_algorithm(asked_for, x.channels, y.channels, window, groups, y.height,
                                                 y.width);
}

constexpr window without_padding(window w) {
  w.padding_top = w.padding_left = w.padding_bottom = w.padding_right = 0;
  return w;
}

/// The gradient of one padded picture as far as windows reach: gy has the extents of the output.
template <class Scalar>
feature_map<Scalar> padded_gradient(const feature_map<const Scalar>& gy, const window& window, int channels,
                                    Scalar* data) {
  return {data,
          1,
          gy.height == 0 ? 0 : (gy.height - 1) * window.stride_height + window.reach_height(),
          gy.width == 0 ? 0 : (gy.width - 1) * window.stride_width + window.reach_width(),
          channels,
          channels};
}

/// The plain loops behind one interface. They read weights as they are, so that packing is copying, want no
/// scratch, and are always direct.
template <class Scalar>
struct convolution_kernels {
  static constexpr bool packs = false;
  using input = feature_map<const Scalar>;

  static std::ptrdiff_t packed_size(int inputs, int outputs, const window& window, int groups,
                                    convolution_algorithm) {
    return std::ptrdiff_t{outputs} * (inputs / groups) * window.kernel_height * window.kernel_width;
  }
  static void pack(const Scalar* weights, int inputs, int outputs, const window& window, int groups,
                   Scalar* packed, convolution_algorithm algorithm) {
    std::copy_n(weights, packed_size(inputs, outputs, window, groups, algorithm), packed);
  }
  /// Scratch of each thread.
  static std::ptrdiff_t scratch_each(const input&, const window&, padding_mode, int, const input&,
                                     convolution_algorithm) {
    return 0;
  }
  static void convolve(const input& x, const Scalar* packed, const window& window, padding_mode mode,
                       int groups, const epilogue<Scalar>& epilogue, const feature_map<Scalar>& y,
                       std::span<Scalar>, convolution_algorithm) {
    plain_convolve(x, packed, window, mode, groups, epilogue, y);
  }

  static std::ptrdiff_t packed_adjoint_size(int inputs, int outputs, const window& window, int groups,
                                            convolution_algorithm algorithm) {
    return packed_size(inputs, outputs, window, groups, algorithm);
  }
  static void pack_adjoint(const Scalar* weights, int inputs, int outputs, const window& window, int groups,
                           Scalar* packed, convolution_algorithm algorithm) {
    pack(weights, inputs, outputs, window, groups, packed, algorithm);
  }
  static std::ptrdiff_t adjoint_scratch_each(const input&, const window&, int, const input&,
                                             convolution_algorithm) {
    return 0;
  }
  static void adjoint(const input& gy, const Scalar* packed, const window& window, int groups,
                      const epilogue<Scalar>& epilogue, const feature_map<Scalar>& gx, std::span<Scalar>,
                      convolution_algorithm) {
    plain_adjoint(gy, packed, window, groups, epilogue, gx);
  }

  static std::ptrdiff_t weight_gradient_scratch(const input&, const input&, const window&, padding_mode, int,
                                                int, convolution_algorithm) {
    return 0;
  }
  static void weight_gradient(const input& x, const input& gy, const window& window, padding_mode mode,
                              int groups, Scalar* gw, std::span<Scalar>, convolution_algorithm) {
    plain_backward_weights(x, gy, window, mode, groups, gw);
  }
};

/// The scratch that packed weights take: none where the algorithm reads weights as they are.
template <class Scalar>
std::ptrdiff_t packed_or_in_place(std::ptrdiff_t packed_size) {
  return convolution_kernels<Scalar>::packs ? aligned_size<Scalar>(packed_size) : 0;
}

/// Packs weights by `pack(to)` into the beginning of `scratch`, if the algorithm wants them packed at all:
/// where they are then, and the rest of the scratch.
template <class Scalar, class Pack>
std::pair<const Scalar*, std::span<Scalar>> pack_into(std::span<Scalar> scratch, const Scalar* weights,
                                                      std::ptrdiff_t packed_size, const Pack& pack) {
  if constexpr (!convolution_kernels<Scalar>::packs) {
    return {weights, scratch};
  } else {
    pack(scratch.data());
    return {scratch.data(), scratch.subspan(static_cast<std::size_t>(aligned_size<Scalar>(packed_size)))};
  }
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE
