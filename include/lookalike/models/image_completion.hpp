#pragma once

/// \file
/// Globally and Locally Consistent Image Completion (Iizuka, Simo-Serra and Ishikawa, SIGGRAPH 2017): a
/// network that fills holes, and the two discriminators, one for the whole picture and one for the
/// surroundings of the hole, that it is trained against.

#include <string_view>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

namespace detail {

constexpr architecture conv_norm_relu(int channels, int kernel, int stride = 1, int dilation = 1) {
  return conv(channels, {.kernel = kernel, .stride = stride, .dilation = dilation}) | batch_norm() | relu();
}
constexpr architecture up_norm_relu(int channels) {
  return transposed_conv(channels, {.kernel = 4, .stride = 2, .padding = 1}) | batch_norm() | relu();
}

}  // namespace detail

/// The completion network: inputs "image" (3 channels in [0, 1], the hole set to the mean color) and "mask"
/// (1 in the hole, 0 elsewhere); yields a picture in [0, 1]. Extents are multiples of 4. `width` scales the
/// channels: 64 is the paper's. 6,072,131 parameters.
constexpr architecture completion_network(int width = 64) {
  using detail::conv_norm_relu;
  using detail::up_norm_relu;
  const architecture encoder = conv_norm_relu(width, 5)           //
                               | conv_norm_relu(2 * width, 3, 2)  // 1/2
                               | conv_norm_relu(2 * width, 3)     //
                               | conv_norm_relu(4 * width, 3, 2)  // 1/4
                               | conv_norm_relu(4 * width, 3) | conv_norm_relu(4 * width, 3);
  architecture context;
  for (int dilation = 2; dilation <= 16; dilation *= 2)
    context = std::move(context) | conv_norm_relu(4 * width, 3, 1, dilation);
  const architecture decoder = conv_norm_relu(4 * width, 3) | conv_norm_relu(4 * width, 3)  //
                               | up_norm_relu(2 * width) | conv_norm_relu(2 * width, 3)     // 1/2
                               | up_norm_relu(width) | conv_norm_relu(width / 2, 3)         // 1
                               | conv(3) | sigmoid();
  return branch(input("image", 3), input("mask", 1)) | named("encoder", encoder) | named("context", context) |
         named("decoder", decoder);
}

/// What one discriminator makes of a picture of `extent` x `extent`: `features` numbers. `halvings`
/// convolutions of 5 x 5 and stride 2, of width, 2 width, 4 width and then 8 width channels.
constexpr architecture completion_critic(int halvings, int width, int features) {
  architecture critic;
  for (int i = 0; i < halvings; ++i)
    critic = std::move(critic) | detail::conv_norm_relu(width << (i < 3 ? i : 3), 5, 2);
  return std::move(critic) | fully_connected(features) | relu();
}

/// The local discriminator: 3 x 128 x 128 around the hole in, 1024 numbers out. 19,253,248 parameters.
constexpr architecture local_discriminator(int extent = 128, int width = 64, int features = 1024) {
  return input("local", 3, {.height = extent, .width = extent}) |
         named("local_critic", completion_critic(5, width, features));
}

/// The global discriminator: 3 x 256 x 256 in, 1024 numbers out. 25,808,384 parameters.
constexpr architecture global_discriminator(int extent = 256, int width = 64, int features = 1024) {
  return input("global", 3, {.height = extent, .width = extent}) |
         named("global_critic", completion_critic(6, width, features));
}

/// Both, and one score (logit) of how real the picture is: inputs "local" and "global". 45,063,681
/// parameters.
constexpr architecture completion_discriminator(int global_extent = 256, int width = 64,
                                                int features = 1024) {
  return branch(local_discriminator(global_extent / 2, width, features),
                global_discriminator(global_extent, width, features)) |
         fully_connected(1);
}

}  // namespace lookalike
