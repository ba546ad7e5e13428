#pragma once

/// \file
/// U-Net (Ronneberger, Fischer and Brox, "U-Net: Convolutional networks for biomedical image segmentation",
/// MICCAI 2015). A U-Net is nothing but recursion on `skip`: on every level the feature map goes down and
/// comes back, and is joined with itself. Inputs are pictures with values in [0, 1] or normalized; outputs
/// are scores (logits) for each pixel.

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// The body of a U-Net with `levels` poolings; `block(channels)` makes the convolutions of one level.
/// Heights and widths must be multiples of 2^levels. Parameters are called by the way down to them:
/// `below.below.encoder.conv0.weight` is on the third level from above.
/// Throws `value_error` for fewer than 0 levels.
constexpr architecture unet(int levels, int channels, auto block) {
  if (levels < 0) throw value_error("unet: wanted 0 or more levels");
  if (levels == 0) return named("bottleneck", block(channels));
  return named("encoder", block(channels)) |
         skip(max_pool(2) | named("below", unet(levels - 1, 2 * channels, block)) |
              named("up", up_conv(channels))) |
         named("decoder", block(channels));
}

/// The same with convolutions that lose their borders: what a skip connection brings is cropped to what comes
/// back from below.
constexpr architecture valid_unet(int levels, int channels, auto block) {
  if (levels < 0) throw value_error("valid_unet: wanted 0 or more levels");
  if (levels == 0) return named("bottleneck", block(channels));
  return named("encoder", block(channels)) |
         skip(max_pool(2) | named("below", valid_unet(levels - 1, 2 * channels, block)) |
              named("up", up_conv(channels))) |
         branch(center_crop_to(), from("up")) | named("decoder", block(channels));
}

/// Two convolutions of 3 x 3 with batch normalization, which keep the extent: the block of most U-Nets today.
constexpr architecture double_conv(int channels) {
  const architecture one = conv(channels, {.bias = false}) | batch_norm() | relu();
  return one | one;
}

/// Two convolutions of 3 x 3 with borders of zeros and no normalization.
constexpr architecture padded_block(int channels) {
  return conv(channels) | relu() | conv(channels) | relu();
}

/// Two convolutions of 3 x 3 without borders: the block of the paper. Takes 4 pixels off height and width.
constexpr architecture valid_block(int channels) {
  const architecture one = conv(channels, {.padding = 0}) | relu();
  return one | one;
}

/// What the U-Nets below differ in.
struct unet_options {
  int inputs = 1;   ///< channels of the picture
  int classes = 2;  ///< scores (logits) for each pixel
  int width = 64;   ///< channels of the highest level
  int levels = 4;   ///< poolings
};

/// The network of the paper (figure 1): 1 x 572 x 572 in, 2 x 388 x 388 out. Extents must be 12 more than a
/// multiple of 16, 188 or more; the output is 184 pixels less. 31,030,658 parameters.
constexpr architecture unet_original(unet_options options = {}) {
  return input(options.inputs) | valid_unet(options.levels, options.width, valid_block) |
         conv(options.classes, {.kernel = 1});
}

/// The same network with borders of zeros: as many pixels out as in; extents must be multiples of 2^levels.
/// With the parameters of the original it yields the same for a picture of 2 pixels more on each side, inside
/// a margin of 94 (2 + 184 / 2).
constexpr architecture unet_padded(unet_options options = {}) {
  return input(options.inputs) | unet(options.levels, options.width, padded_block) |
         conv(options.classes, {.kernel = 1});
}

/// With borders of zeros and batch normalization. 31,036,546 parameters (2 classes, 1 channel).
constexpr architecture unet_normalized(unet_options options = {}) {
  return input(options.inputs) | unet(options.levels, options.width, double_conv) |
         conv(options.classes, {.kernel = 1});
}

}  // namespace lookalike
