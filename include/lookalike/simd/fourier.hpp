#pragma once

/// \file
/// Two-dimensional Fourier transforms of complex planes (Eigen's FFT, kissfft inside). The only include of
/// Eigen's unsupported modules.

#include <complex>
#include <cstddef>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <unsupported/Eigen/FFT>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#include <lookalike/core/memory.hpp>

namespace lookalike::simd {

/// The smallest length >= `least` that has no prime factor above 5, for which the transform is fast.
inline int fast_fourier_length(int least) {
  for (int length = least < 1 ? 1 : least;; ++length) {
    int rest = length;
    for (int factor : {2, 3, 5}) {
      while (rest % factor == 0) rest /= factor;
    }
    if (rest == 1) return length;
  }
}

/// Transforms of planes of one size, in place. Holds the twiddle factors and scratch memory; one object
/// serves one thread.
class fourier_plane {
 public:
  using complex = std::complex<float>;

  fourier_plane(int height, int width)
      : height_(height),
        width_(width),
        scratch_(2 * static_cast<std::size_t>(height > width ? height : width)) {}

  int height() const { return height_; }
  int width() const { return width_; }
  std::size_t size() const { return static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_); }

  /// F(u, v) = sum over y, x of f(y, x) exp(-2 pi i (u y / height + v x / width)). O(n log n).
  void forward(complex* plane) {
    transform(plane, [this](complex* to, const complex* from, int length) { fft_.fwd(to, from, length); });
  }
  /// The inverse, with the factor 1 / (height * width).
  void inverse(complex* plane) {
    transform(plane, [this](complex* to, const complex* from, int length) { fft_.inv(to, from, length); });
  }

 private:
  template <class Line>
  void transform(complex* plane, const Line& line) {
    complex* from = scratch_.data();
    complex* to = from + scratch_.size() / 2;
    const std::size_t width = static_cast<std::size_t>(width_);
    const std::size_t height = static_cast<std::size_t>(height_);
    for (std::size_t y = 0; y < height; ++y) {
      line(to, plane + y * width, width_);
      for (std::size_t x = 0; x < width; ++x) plane[y * width + x] = to[x];
    }
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t y = 0; y < height; ++y) from[y] = plane[y * width + x];
      line(to, from, height_);
      for (std::size_t y = 0; y < height; ++y) plane[y * width + x] = to[y];
    }
  }

  int height_;
  int width_;
  aligned_vector<complex> scratch_;
  Eigen::FFT<float> fft_;
};

}  // namespace lookalike::simd
