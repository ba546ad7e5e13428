#pragma once

/// \file
/// Autoencoders: networks that learn to yield what they are given through a narrow middle. The linear one
/// finds the principal subspace (Baldi and Hornik, "Neural networks and principal component analysis", 1989);
/// the convolutional one's middle is a learned descriptor. The part named "code" is the representation:
/// `... | expose("code")` keeps it for `pass["code"]`.

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// From c x h x w numbers to `code` and back, without a nonlinearity.
constexpr architecture linear_autoencoder(shape picture, int code, bool bias = true) {
  const int size = static_cast<int>(picture.size());
  return input(picture.channels, {.height = picture.height, .width = picture.width}) |
         named("code", fully_connected(code, {.bias = bias})) |
         named("decoder", fully_connected(size, {.bias = bias}) |
                              reshape(picture.channels, picture.height, picture.width));
}

/// What convolutional autoencoders differ in.
struct autoencoder_options {
  int width = 32;    ///< channels after the first halving; they double with each
  int halvings = 3;  ///< of height and width
  int code = 128;    ///< numbers in the middle
};

/// Convolutions of stride 2 down to a code, and transposed ones back up to the picture, in [0, 1]. Throws
/// `value_error` (stops the compiler in a constant expression) unless there is a halving and the extents are
/// multiples of 2^halvings.
constexpr architecture convolutional_autoencoder(shape picture, autoencoder_options options = {}) {
  if (options.halvings < 1 || picture.height % (1 << options.halvings) != 0 ||
      picture.width % (1 << options.halvings) != 0)
    throw value_error(
        "convolutional_autoencoder: wanted 1 or more halvings, and extents that are multiples of "
        "2^halvings");
  architecture down, up;
  for (int i = 0; i < options.halvings; ++i) {
    const int channels = options.width << i;
    down = std::move(down) | conv(channels, {.stride = 2, .bias = false}) | batch_norm() | relu();
    const architecture block = transposed_conv(channels, {.bias = false}) | batch_norm() | relu();
    up = block | up;
  }
  const int factor = 1 << options.halvings;
  const int deepest = options.width << (options.halvings - 1);
  const int height = picture.height / factor;
  const int width = picture.width / factor;
  return input(picture.channels, {.height = picture.height, .width = picture.width}) |
         named("encoder", down) | named("code", fully_connected(options.code)) |
         named("decoder", fully_connected(deepest * height * width) | reshape(deepest, height, width) |
                              relu() | up | conv(picture.channels) | sigmoid());
}

}  // namespace lookalike
