#pragma once

/// \file
/// Globally and Locally Consistent Image Completion (Iizuka, Simo-Serra and Ishikawa, SIGGRAPH 2017): a
/// network that fills holes, and the two discriminators, one for the whole picture and one for the
/// surroundings of the hole, that it is trained against. What training needs besides is in
/// models/completion_training.hpp.

#include <string_view>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// Whether a convolution's results are normalized before they are rectified (the paper) or after (what a
/// widely used port for PyTorch does). Either way the parameters are the same.
enum class normalization_place : unsigned char { before_relu, after_relu };

namespace detail {

constexpr architecture norm_relu(normalization_place place) {
  if (place == normalization_place::after_relu) return relu() | batch_norm();
  return batch_norm() | relu();
}

}  // namespace detail

/// The completion network (table 1): inputs "image" (3 channels in [0, 1], the hole set to the mean color of
/// the training set) and "mask" (1 in the hole, 0 elsewhere); yields a picture in [0, 1], of which only the
/// hole is used. Extents are multiples of 4, 256 x 256 in training. `width` scales the channels: 64 is the
/// paper's. 6,072,131 parameters.
constexpr architecture completion_network(int width = 64,
                                          normalization_place place = normalization_place::before_relu) {
  const auto block = [place](int channels, int kernel, int stride = 1, int dilation = 1) {
    return conv(channels, {.kernel = kernel, .stride = stride, .dilation = dilation}) |
           detail::norm_relu(place);
  };
  const auto up = [place](int channels) {
    return transposed_conv(channels, {.kernel = 4, .stride = 2, .padding = 1}) | detail::norm_relu(place);
  };
  const architecture encoder = block(width, 5)           //
                               | block(2 * width, 3, 2)  // 1/2
                               | block(2 * width, 3)     //
                               | block(4 * width, 3, 2)  // 1/4
                               | block(4 * width, 3) | block(4 * width, 3);
  const architecture context = block(4 * width, 3, 1, 2) | block(4 * width, 3, 1, 4) |
                               block(4 * width, 3, 1, 8) | block(4 * width, 3, 1, 16);
  const architecture decoder = block(4 * width, 3) | block(4 * width, 3)  //
                               | up(2 * width) | block(2 * width, 3)      // 1/2
                               | up(width) | block(width / 2, 3)          // 1
                               | conv(3) | sigmoid();
  return branch(input("image", 3), input("mask", 1)) | named("encoder", encoder) | named("context", context) |
         named("decoder", decoder);
}

/// What one discriminator makes of a picture: `features` numbers. `halvings` convolutions of 5 x 5 and stride
/// 2, of width, 2 width, 4 width and then 8 width channels.
constexpr architecture completion_critic(int halvings, int width, int features,
                                         normalization_place place = normalization_place::before_relu) {
  architecture critic;
  for (int i = 0; i < halvings; ++i)
    critic = std::move(critic) | conv(width << (i < 3 ? i : 3), {.kernel = 5, .stride = 2}) |
             detail::norm_relu(place);
  return std::move(critic) | fully_connected(features) | relu();
}

/// The local discriminator (table 2): input "local", 3 x 128 x 128 in [0, 1] around the hole; 1024 numbers
/// out. 19,253,248 parameters.
constexpr architecture local_discriminator(int extent = 128, int width = 64, int features = 1024,
                                           normalization_place place = normalization_place::before_relu) {
  return input("local", 3, {.height = extent, .width = extent}) |
         named("local_critic", completion_critic(5, width, features, place));
}

/// The global discriminator: input "global", 3 x 256 x 256 in [0, 1]; 1024 numbers out. 25,808,384
/// parameters.
constexpr architecture global_discriminator(int extent = 256, int width = 64, int features = 1024,
                                            normalization_place place = normalization_place::before_relu) {
  return input("global", 3, {.height = extent, .width = extent}) |
         named("global_critic", completion_critic(6, width, features, place));
}

/// Both, and one score (logit) of how real the picture is: inputs "local" and "global". 45,063,681
/// parameters.
constexpr architecture completion_discriminator(
    int global_extent = 256, int width = 64, int features = 1024,
    normalization_place place = normalization_place::before_relu) {
  return branch(local_discriminator(global_extent / 2, width, features, place),
                global_discriminator(global_extent, width, features, place)) |
         fully_connected(1);
}

}  // namespace lookalike
