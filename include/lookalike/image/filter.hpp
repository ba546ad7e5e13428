#pragma once

/// \file
/// Filters: Gaussian blur, gradients and medians. Results agree with scipy.ndimage (Gaussian, Sobel, median)
/// and numpy.gradient.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/detail/separable.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/simd/median.hpp>

namespace lookalike {

/// The weights of a sampled Gaussian, cut off at 4 `sigma` (rounded to pixels), which sum to 1; 2 r + 1 of
/// them. Throws `value_error` for a sigma that is negative, not finite, or above 10,000.
inline std::vector<float> gaussian_kernel(double sigma) {
  constexpr double largest_sigma = 10000;
  require(sigma >= 0 && sigma <= largest_sigma, "gaussian: given a sigma of ", sigma, ", wanted 0 to ",
          largest_sigma, " pixels");
  constexpr double truncation = 4;
  const int radius = static_cast<int>(truncation * sigma + 0.5);
  std::vector<double> values(2 * static_cast<std::size_t>(radius) + 1);
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    const double value = radius == 0 ? 1.0 : std::exp(-0.5 * i * i / (sigma * sigma));
    values[static_cast<std::size_t>(i + radius)] = value;
    sum += value;
  }
  std::vector<float> kernel(values.size());
  for (std::size_t i = 0; i < kernel.size(); ++i) kernel[i] = static_cast<float>(values[i] / sum);
  return kernel;
}

/// The picture blurred by a Gaussian of standard deviation `sigma` pixels; 0 leaves it as it is. Throws
/// `value_error` as `gaussian_kernel` does. Cost: 2 (8 sigma + 1) multiplications a value.
template <int Channels>
image<Channels> gaussian_blur(const image<Channels>& picture, double sigma, border beyond = border::reflect) {
  const std::vector<float> kernel = gaussian_kernel(sigma);
  if (kernel.size() == 1) return picture;
  return detail::filter_separable(picture, kernel, kernel, beyond);
}

enum class gradient_kernel {
  /// (f(x+1) - f(x-1)) / 2, one-sided differences at the border: numpy.gradient.
  central,
  /// Central differences averaged over three lines with weights 1/4, 1/2, 1/4; border reflected:
  /// scipy.ndimage.sobel divided by 8, so that both kernels measure change a pixel.
  sobel
};

/// Slopes of a picture along x (to the right) and y (downward), in values a pixel.
struct image_gradient {
  image<1> x;
  image<1> y;
};

/// Throws nothing; an extent of one pixel has slope 0.
inline image_gradient gradient(const image<1>& picture, gradient_kernel kernel = gradient_kernel::central) {
  static constexpr float difference[] = {-0.5f, 0.0f, 0.5f};
  static constexpr float smoothing[] = {0.25f, 0.5f, 0.25f};
  static constexpr float nothing[] = {1.0f};
  if (kernel == gradient_kernel::sobel) {
    return {detail::filter_separable(picture, smoothing, difference, border::reflect),
            detail::filter_separable(picture, difference, smoothing, border::reflect)};
  }
  image_gradient slopes{detail::filter_separable(picture, nothing, difference, border::replicate),
                        detail::filter_separable(picture, difference, nothing, border::replicate)};
  // With the border replicated, the one-sided difference there came out halved.
  const int bottom = picture.height() - 1;
  const int right = picture.width() - 1;
  for (int y = 0; y < picture.height() && right > 0; ++y) {
    slopes.x(y, 0) *= 2;
    slopes.x(y, right) *= 2;
  }
  for (int x = 0; x < picture.width() && bottom > 0; ++x) {
    slopes.y(0, x) *= 2;
    slopes.y(bottom, x) *= 2;
  }
  return slopes;
}

/// Length of the gradient, in values a pixel.
inline image<1> gradient_magnitude(const image<1>& picture,
                                   gradient_kernel kernel = gradient_kernel::central) {
  image_gradient slopes = gradient(picture, kernel);
  const auto down = slopes.y.values();
  const auto across = slopes.x.values();
  for (std::size_t i = 0; i < across.size(); ++i)
    across[i] = std::sqrt(across[i] * across[i] + down[i] * down[i]);
  return std::move(slopes.x);
}

namespace detail {

template <int Size>
image<1> median_by_network(const image<1>& picture, border beyond) {
  constexpr int reach = Size / 2;
  constexpr double nanoseconds_a_pixel = 4;
  const int width = picture.width();
  image<1> medians(picture.height(), width);
  for_row_blocks(picture.height(), nanoseconds_a_pixel * width, [&](int begin, int end) {
    const auto row_size = static_cast<std::size_t>(width + 2 * reach + simd::median_row_slack);
    aligned_vector<float> memory((2 * Size + 1) * row_size);
    float* padded[Size];
    float* scratch[Size];
    for (std::size_t i = 0; i < Size; ++i) {
      padded[i] = memory.data() + i * row_size;
      scratch[i] = memory.data() + (Size + i) * row_size;
    }
    float* const result = memory.data() + 2 * Size * row_size;
    const auto load = [&](int y, float* target) {
      const int source = inside(y, picture.height(), beyond);
      if (source < 0) {
        std::fill_n(target, width + 2 * reach, 0.0f);
      } else {
        pad_row<1>(picture.row(source).data(), width, reach, beyond, target);
      }
    };
    for (int i = 0; i < Size - 1; ++i) load(begin - reach + i, padded[i + 1]);
    for (int y = begin; y < end; ++y) {
      std::rotate(padded, padded + 1, padded + Size);
      load(y + reach, padded[Size - 1]);
      simd::median_row<Size>(padded, scratch, result, width);
      std::copy_n(result, width, medians.row(y).begin());
    }
  });
  return medians;
}

inline image<1> median_by_selection(const image<1>& picture, int size, border beyond) {
  const int reach = size / 2;
  const double work = 10.0 * size * size * picture.width();
  image<1> medians(picture.height(), picture.width());
  for_row_blocks(picture.height(), work, [&](int begin, int end) {
    std::vector<float> window(static_cast<std::size_t>(size) * static_cast<std::size_t>(size));
    for (int y = begin; y < end; ++y) {
      for (int x = 0; x < picture.width(); ++x) {
        auto next = window.begin();
        for (int dy = -reach; dy <= reach; ++dy) {
          const int row = inside(y + dy, picture.height(), beyond);
          for (int dx = -reach; dx <= reach; ++dx) {
            const int column = inside(x + dx, picture.width(), beyond);
            *next++ = row < 0 || column < 0 ? 0.0f : picture(row, column);
          }
        }
        const auto middle = window.begin() + static_cast<std::ptrdiff_t>(window.size() / 2);
        std::nth_element(window.begin(), middle, window.end());
        medians(y, x) = *middle;
      }
    }
  });
  return medians;
}

}  // namespace detail

/// The median of the `size` x `size` window around each pixel; exact. Throws `value_error` when `size` is
/// even or below 1, or a value is NaN. Sizes 3 and 5 are fast; others cost O(size^2) a pixel.
inline image<1> median(const image<1>& picture, int size = 5, border beyond = border::reflect) {
  require(size >= 1 && size % 2 == 1, "median: given a window of ", size,
          ", wanted an odd size of at least 1");
  require(
      std::none_of(picture.values().begin(), picture.values().end(), [](float v) { return std::isnan(v); }),
      "median: given a picture with NaN, wanted values that can be ordered");
  if (picture.empty() || size == 1) return picture;
  if (size == 3) return detail::median_by_network<3>(picture, beyond);
  if (size == 5) return detail::median_by_network<5>(picture, beyond);
  return detail::median_by_selection(picture, size, beyond);
}

}  // namespace lookalike
