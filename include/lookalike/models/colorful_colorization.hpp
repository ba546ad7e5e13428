#pragma once

/// \file
/// The network of Colorful Image Colorization (Zhang, Isola and Efros, ECCV 2016): lightness in, for every
/// fourth pixel the scores of 313 colors out. What the colors are, how true colors are told in them, and how
/// scores become colors again is in models/color_bins.hpp.

#include <string_view>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// The network of the paper (table 4): 1 x H x W (lightness, (L - 50) / 100) in, 313 x H/4 x W/4 (logits)
/// out; H and W must be multiples of 8. 32,235,385 parameters.
constexpr architecture colorful_colorization(int colors = 313, int width = 64) {
  const auto block = [](std::string_view name, int count, int channels, int last_stride, int dilation) {
    architecture b;
    for (int i = 0; i < count; ++i) {
      const int stride = i + 1 == count ? last_stride : 1;
      b = std::move(b) | conv(channels, {.stride = stride, .dilation = dilation}) | relu();
    }
    return named(name, b | batch_norm());
  };
  const architecture up = transposed_conv(4 * width, {.kernel = 4, .stride = 2, .padding = 1}) | relu() |
                          conv(4 * width) | relu() | conv(4 * width) | relu();
  return input(1)                               //
         | block("block1", 2, width, 2, 1)      // 1/2
         | block("block2", 2, 2 * width, 2, 1)  // 1/4
         | block("block3", 3, 4 * width, 2, 1)  // 1/8
         | block("block4", 3, 8 * width, 1, 1)  //
         | block("block5", 3, 8 * width, 1, 2)  //
         | block("block6", 3, 8 * width, 1, 2)  //
         | block("block7", 3, 8 * width, 1, 1)  //
         | named("block8", up)                  // 1/4
         | conv(colors, {.kernel = 1});
}

/// The network as its authors released it for PyTorch: the same, its softmax (of temperature 1), the mean of
/// the colors by it, and bilinear upsampling; 2 x H x W out, a and b divided by 110. The colors are the 626
/// further parameters "decode.conv0.weight".
constexpr architecture colorful_colorization_release(int colors = 313, int width = 64) {
  return colorful_colorization(colors, width) | softmax()          //
         | named("decode", conv(2, {.kernel = 1, .bias = false}))  // 1/4
         | upsample(4, {.method = interpolation::bilinear});
}

}  // namespace lookalike
