#pragma once

/// \file
/// Residual networks (He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016): the
/// ImageNet networks of 18 to 152 layers (table 1), those for CIFAR of 6n + 2 layers (section 4.2), and the
/// plain networks they are compared with. Inputs are RGB, normalized to mean 0 and deviation 1 by channel.

#include <string_view>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers.hpp>

namespace lookalike {

/// Where a bottleneck block halves the resolution: in its first 1 x 1 convolution (the paper) or in its 3 x 3
/// (what later implementations do, "v1.5").
enum class stride_place : unsigned char { first, middle };

/// How a block's input gets the shape of its output (section 3.3 of the paper).
enum class shortcut_kind : unsigned char {
  padding,                ///< A: every second pixel, and zeros for the new channels; no parameters
  projection,             ///< B: a 1 x 1 convolution where the shape changes
  none,                   ///< no shortcut at all: a plain network
  projection_everywhere,  ///< C: a 1 x 1 convolution around every block
};

/// What the residual networks differ in.
struct resnet_options {
  int classes = 1000;
  stride_place stride = stride_place::middle;
  shortcut_kind shortcut = shortcut_kind::projection;
};

namespace detail {

constexpr architecture conv_norm(int channels, int kernel, int stride = 1) {
  return conv(channels, {.kernel = kernel, .stride = stride, .bias = false}) | batch_norm();
}

/// The way around the body of a block that turns `from` channels into `to`.
constexpr architecture shortcut(shortcut_kind kind, int from, int to, int stride) {
  const bool projects = kind == shortcut_kind::projection_everywhere;
  if (from == to && stride == 1 && !projects) return identity();
  if (projects || kind == shortcut_kind::projection) return named("shortcut", conv_norm(to, 1, stride));
  architecture way = identity();
  if (stride != 1) way = max_pool(1, {.stride = stride});
  return way | pad_channels((to - from) / 2, to - from - (to - from) / 2);
}

constexpr architecture with_shortcut(const architecture& body, shortcut_kind kind, int from, int to,
                                     int stride) {
  if (kind == shortcut_kind::none) return body | relu();
  return residual(body, shortcut(kind, from, to, stride)) | relu();
}

}  // namespace detail

/// Two 3 x 3 convolutions and a shortcut around them; `from` channels come in, `channels` go out.
constexpr architecture basic_block(int from, int channels, int stride, resnet_options options = {}) {
  const architecture body = detail::conv_norm(channels, 3, stride) | relu() | detail::conv_norm(channels, 3);
  return detail::with_shortcut(body, options.shortcut, from, channels, stride);
}

/// 1 x 1, 3 x 3 and 1 x 1 convolutions and a shortcut around them; `from` channels come in, 4 `channels` go
/// out.
constexpr architecture bottleneck_block(int from, int channels, int stride, resnet_options options = {}) {
  const bool early = options.stride == stride_place::first;
  const architecture body = detail::conv_norm(channels, 1, early ? stride : 1) | relu() |
                            detail::conv_norm(channels, 3, early ? 1 : stride) | relu() |
                            detail::conv_norm(4 * channels, 1);
  return detail::with_shortcut(body, options.shortcut, from, 4 * channels, stride);
}

namespace detail {

/// `count` blocks named "0", "1", ..., the first of which changes channels and resolution.
constexpr architecture resnet_stage(auto block, int expansion, int from, int channels, int count, int stride,
                                    resnet_options options) {
  architecture stage;
  for (int i = 0; i < count; ++i) {
    static_sentence name;
    name << i;
    stage = std::move(stage) | named(name.view(), block(i == 0 ? from : expansion * channels, channels,
                                                        i == 0 ? stride : 1, options));
  }
  return stage;
}

constexpr architecture resnet(auto block, int expansion, int a, int b, int c, int d, resnet_options options) {
  const auto stage = [&](std::string_view name, int from, int channels, int count, int stride) {
    return named(name, resnet_stage(block, expansion, from, channels, count, stride, options));
  };
  return input(3) | conv_norm(64, 7, 2) | relu() | max_pool(3, {.stride = 2, .padding = 1})  //
         | stage("layer1", 64, 64, a, 1)                                                     //
         | stage("layer2", expansion * 64, 128, b, 2)                                        //
         | stage("layer3", expansion * 128, 256, c, 2)                                       //
         | stage("layer4", expansion * 256, 512, d, 2)                                       //
         | global_average_pool() | fully_connected(options.classes);
}

}  // namespace detail

/// 18 layers; 11,689,512 parameters for 1000 classes. For pictures of any size, usually 3 x 224 x 224.
constexpr architecture resnet18(resnet_options options = {}) {
  return detail::resnet(basic_block, 1, 2, 2, 2, 2, options);
}
/// 34 layers; 21,797,672 parameters.
constexpr architecture resnet34(resnet_options options = {}) {
  return detail::resnet(basic_block, 1, 3, 4, 6, 3, options);
}
/// 50 layers; 25,557,032 parameters, wherever the stride is.
constexpr architecture resnet50(resnet_options options = {}) {
  return detail::resnet(bottleneck_block, 4, 3, 4, 6, 3, options);
}
/// 101 layers; 44,549,160 parameters.
constexpr architecture resnet101(resnet_options options = {}) {
  return detail::resnet(bottleneck_block, 4, 3, 4, 23, 3, options);
}
/// 152 layers; 60,192,808 parameters.
constexpr architecture resnet152(resnet_options options = {}) {
  return detail::resnet(bottleneck_block, 4, 3, 8, 36, 3, options);
}

/// The networks for CIFAR (section 4.2): `depth` = 6n + 2 layers (20, 32, 44, 56, 110), for pictures of
/// 3 x 32 x 32; `width` is the number of channels of the first stage. 269,722 parameters at depth 20, 464,154
/// at 32, 658,586 at 44, 853,018 at 56, 1,727,962 at 110, with shortcuts of kind A or none. The part named
/// "descriptor" has the 4 width numbers that the classes are told from. Throws `value_error` for another
/// depth.
constexpr architecture cifar_resnet(
    int depth, resnet_options options = {.classes = 10, .shortcut = shortcut_kind::padding}, int width = 16) {
  if (depth < 8 || depth % 6 != 2)
    throw value_error("cifar_resnet: wanted a depth of 6n + 2: 20, 32, 44, ...");
  const int count = (depth - 2) / 6;
  const auto stage = [&](std::string_view name, int from, int channels, int stride) {
    return named(name, detail::resnet_stage(basic_block, 1, from, channels, count, stride, options));
  };
  return input(3) | detail::conv_norm(width, 3) | relu()  //
         | stage("layer1", width, width, 1)               //
         | stage("layer2", width, 2 * width, 2)           //
         | stage("layer3", 2 * width, 4 * width, 2)       //
         | named("descriptor", global_average_pool()) | fully_connected(options.classes);
}

}  // namespace lookalike
