#pragma once

/// \file
/// The networks of pix2pix (Isola, Zhu, Zhou and Efros, "Image-to-image translation with conditional
/// adversarial networks", CVPR 2017): a U-Net that translates pictures, and a discriminator that judges
/// patches (section 3.2 and appendix 6.1). Pictures have values in [-1, 1].

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// What the generators differ in.
struct pix2pix_options {
  int inputs = 3;
  int outputs = 3;
  int width = 64;  ///< channels of the highest level
  int levels = 8;  ///< halvings, 2 or more; the deepest map of a 256 x 256 picture is 1 x 1
};

namespace detail {

/// Everything below a level that has `channels` channels: down, deeper, up again, beside what came in.
/// `depth` levels lie above.
constexpr architecture pix2pix_level(const pix2pix_options& options, int channels, int depth) {
  const int below = channels < 8 * options.width ? 2 * channels : 8 * options.width;
  const bool innermost = depth + 1 == options.levels;
  architecture body = leaky_relu(0.2) | conv(below, {.kernel = 4, .stride = 2, .padding = 1, .bias = false});
  if (!innermost)
    body = std::move(body) | batch_norm() | named("below", pix2pix_level(options, below, depth + 1));
  body = std::move(body) | relu() |
         transposed_conv(channels, {.kernel = 4, .stride = 2, .padding = 1, .bias = false}) | batch_norm();
  // Dropout in the first three levels on the way up that keep the full width, but for the innermost.
  if (!innermost && channels == 8 * options.width) body = std::move(body) | dropout(0.5);
  return skip(body);
}

}  // namespace detail

/// The U-Net generator ("U-Net 256"): pictures of 256 x 256 (multiples of 2^levels) in [-1, 1] in and out.
/// 54,413,955 parameters. Throws `value_error` for fewer than 2 levels.
constexpr architecture pix2pix_generator(pix2pix_options options = {}) {
  if (options.levels < 2) throw value_error("pix2pix_generator: wanted 2 or more levels");
  return input(options.inputs) |
         conv(options.width, {.kernel = 4, .stride = 2, .padding = 1, .bias = false}) |
         named("below", detail::pix2pix_level(options, options.width, 1)) | relu() |
         transposed_conv(options.outputs, {.kernel = 4, .stride = 2, .padding = 1}) | tanh();
}

/// The discriminator "PatchGAN": one score (logit) for each patch of 70 x 70 pixels of the pair
/// [condition, picture], given as one picture of `inputs` channels. 3 x 256 x 256 and 3 x 256 x 256 in,
/// 1 x 30 x 30 out. `layers` says how many convolutions lie between the first and the last. 2,768,705
/// parameters for 6 channels.
constexpr architecture patch_discriminator(int inputs = 6, int width = 64, int layers = 3) {
  architecture net = input(inputs) | conv(width, {.kernel = 4, .stride = 2, .padding = 1}) | leaky_relu(0.2);
  for (int i = 1; i <= layers; ++i) {
    const int channels = width << (i < 3 ? i : 3);
    net = std::move(net) |
          conv(channels, {.kernel = 4, .stride = i < layers ? 2 : 1, .padding = 1, .bias = false}) |
          batch_norm() | leaky_relu(0.2);
  }
  return std::move(net) | conv(1, {.kernel = 4, .stride = 1, .padding = 1});
}

}  // namespace lookalike
