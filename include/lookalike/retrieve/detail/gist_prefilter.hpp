#pragma once

/// \file
/// What gist does to a gray picture before it filters it: whitening and local contrast normalization, so that
/// lighting and contrast count for little (Oliva and Torralba's `prefilt`).
///
///     l = log(1 + I), padded by 5 pixels;  o = l - low_pass(l);  o / (0.2 + sqrt(low_pass(o^2)))
///
/// The low-pass has the transfer function exp(-(fx^2 + fy^2) / s^2), s = 4 / sqrt(ln 2) cycles a picture. It
/// is separable and the pictures are small: a product with one matrix from each side is less work than
/// Fourier transforms, and the padding folds into that matrix.

#include <cmath>
#include <cstddef>
#include <numbers>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/retrieve/detail/symmetric_padding.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike::detail {

class gist_prefilter {
 public:
  /// For pictures of `side` x `side` pixels; `side` is even.
  explicit gist_prefilter(int side)
      : side_(side),
        padded_(side + 2 * padding),
        pad_and_blur_(side, padded_),
        blur_and_crop_(padded_, side) {
    const std::vector<double> kernel = low_pass_kernel();
    const auto blur = [&](int from, int to) {
      return kernel[static_cast<std::size_t>(from > to ? from - to : to - from)];
    };
    for (int from = 0; from < padded_; ++from) {
      const int pixel = mirrored(from - padding, side_);
      for (int to = 0; to < padded_; ++to) pad_and_blur_(pixel, to) += static_cast<float>(blur(from, to));
      for (int to = 0; to < side_; ++to) {
        blur_and_crop_(from, to) = static_cast<float>(blur(from, to + padding));
      }
    }
  }

  /// `gray`: side x side values in 0..255, replaced by the filtered picture.
  void operator()(aligned_vector<float>& gray) const {
    for (float& value : gray) value = std::log1p(value);
    const int pitch = pad_and_blur_.padded_columns();
    const std::ptrdiff_t crop_pitch = blur_and_crop_.padded_columns();
    const auto size = [](std::ptrdiff_t rows, std::ptrdiff_t columns) {
      return static_cast<std::size_t>(rows * columns);
    };

    // Each product filters along a row and turns the picture over its diagonal; two of them make a low-pass.
    aligned_vector<float> half_done(size(padded_, pitch));
    aligned_vector<float> white(size(padded_, pitch));
    simd::panel_product(side_, side_, gray.data(), side_, 1, pad_and_blur_, 0, half_done.data(), pitch);
    simd::panel_product(padded_, side_, half_done.data(), 1, pitch, pad_and_blur_, 0, white.data(), pitch);
    aligned_vector<float> square(size(padded_, pitch));
    for (int x = 0; x < padded_; ++x) {
      const float* column = gray.data() + mirrored(x - padding, side_);
      float* turned = white.data() + size(x, pitch);
      for (int y = 0; y < padded_; ++y) {
        turned[y] = column[size(mirrored(y - padding, side_), side_)] - turned[y];
        square[size(x, pitch) + static_cast<std::size_t>(y)] = turned[y] * turned[y];
      }
    }
    aligned_vector<float> variance(size(side_, crop_pitch));
    simd::panel_product(padded_, padded_, square.data(), pitch, 1, blur_and_crop_, 0, half_done.data(),
                        crop_pitch);
    simd::panel_product(side_, padded_, half_done.data(), 1, crop_pitch, blur_and_crop_, 0, variance.data(),
                        crop_pitch);
    for (int y = 0; y < side_; ++y) {
      for (int x = 0; x < side_; ++x) {
        const float deviation =
            std::sqrt(std::abs(variance[size(y, crop_pitch) + static_cast<std::size_t>(x)]));
        gray[size(y, side_) + static_cast<std::size_t>(x)] =
            white[size(x + padding, pitch) + static_cast<std::size_t>(y + padding)] / (0.2f + deviation);
      }
    }
  }

 private:
  static constexpr int padding = 5;
  static constexpr double cycles = 4;

  /// The circular kernel of the low-pass, by distance.
  std::vector<double> low_pass_kernel() const {
    const double s = cycles / std::sqrt(std::numbers::ln2);
    std::vector<double> kernel(static_cast<std::size_t>(padded_));
    for (int distance = 0; distance < padded_; ++distance) {
      for (int f = -padded_ / 2; f < padded_ / 2; ++f) {
        kernel[static_cast<std::size_t>(distance)] +=
            std::exp(-f * f / (s * s)) * std::cos(2 * std::numbers::pi * f * distance / padded_) / padded_;
      }
    }
    return kernel;
  }

  int side_;
  int padded_;
  simd::panel_matrix pad_and_blur_;   // pixel x padded pixel
  simd::panel_matrix blur_and_crop_;  // padded pixel x pixel
};

}  // namespace lookalike::detail
