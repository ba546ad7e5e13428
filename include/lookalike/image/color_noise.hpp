#pragma once

/// \file
/// AlexNet's color augmentation (A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep
/// Convolutional Neural Networks, 2012, section 4.1): the same random color is added to all pixels of a
/// picture, along the principal components of the colors of natural pictures.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <Eigen/Eigenvalues>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike {

/// Principal components of colors: orthogonal directions (red, green, blue) of length 1 and the variance
/// along each, largest first. The sum of each direction is not negative.
struct color_components {
  std::array<std::array<double, 3>, 3> directions{};
  std::array<double, 3> variances{};
};

/// The principal components of all pixels of some pictures (sRGB, [0, 1]). Throws `value_error` when there is
/// no pixel.
inline color_components principal_colors(std::span<const image<3>> pictures) {
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  Eigen::Matrix3d products = Eigen::Matrix3d::Zero();
  std::int64_t count = 0;
  for (const image<3>& picture : pictures) {
    for (std::size_t i = 0; i < picture.values().size(); i += 3) {
      const Eigen::Vector3d color = Eigen::Vector3f::Map(picture.data() + i).cast<double>();
      sum += color;
      products += color * color.transpose();
    }
    count += picture.area();
  }
  require(count > 0, "principal_colors: given ", pictures.size(), " pictures without a pixel, wanted one");
  const Eigen::Vector3d mean = sum / static_cast<double>(count);
  const Eigen::Matrix3d covariance = products / static_cast<double>(count) - mean * mean.transpose();
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(covariance);
  color_components components;
  for (int i = 0; i < 3; ++i) {
    const int at = 2 - i;  // Eigen's order is increasing
    const auto place = static_cast<std::size_t>(i);
    Eigen::Vector3d direction = solver.eigenvectors().col(at);
    if (direction.sum() < 0) direction = -direction;
    components.directions[place] = {direction[0], direction[1], direction[2]};
    components.variances[place] = std::max(0.0, solver.eigenvalues()[at]);
  }
  return components;
}

/// A random color, to be added to every pixel: sum over i of a_i variance_i direction_i, where the a_i are
/// normal with the given deviation. Three draws of a normal number. Throws `value_error` for a negative
/// deviation. (Variances, not deviations, as the paper says; with values in [0, 1] these are below 1/4.)
inline std::array<double, 3> draw_color_noise(const color_components& components, random_sequence& random,
                                              double deviation = 0.1) {
  require(deviation >= 0 && std::isfinite(deviation), "draw_color_noise: given a deviation of ", deviation,
          ", wanted a finite value of at least 0");
  std::array<double, 3> color{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double amount = random.normal(0, deviation) * components.variances[i];
    for (std::size_t c = 0; c < 3; ++c) color[c] += amount * components.directions[i][c];
  }
  return color;
}

/// The picture with `color` (red, green, blue) added to every pixel. Values may leave [0, 1].
inline image<3> add_color(const image<3>& picture, const std::array<double, 3>& color) {
  image<3> result = picture;
  for (std::size_t i = 0; i < result.values().size(); ++i)
    result.values()[i] += static_cast<float>(color[i % 3]);
  return result;
}

/// The picture with a random color added. Throws as `draw_color_noise` does.
inline image<3> color_noise(const image<3>& picture, const color_components& components,
                            random_sequence& random, double deviation = 0.1) {
  return add_color(picture, draw_color_noise(components, random, deviation));
}

}  // namespace lookalike
